"""The floor of accepting webhooks: a bare Flask view that checks the signature and commits one row, nothing more.

The row has the columns, the keys and the indexes of a receipt, and the body as it came (no parsing, no encryption, no
logs, no nudge). It is served as `dasi web` is: the same server, processes, threads and pool.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
from datetime import UTC, datetime

from flask import Flask, abort, request
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy import Table, insert

from jobs.web import QUIET, THREADS
from plugin.config import load
from plugin.store.models.shops import Receipt
from plugin.store.session import Database

receipts = Receipt.__table__
assert isinstance(receipts, Table)


def application() -> Flask:
    """The factory that granian calls in each of its workers."""
    settings = load(os.environ)
    secret, engine = settings.shopify_secrets[0].encode(), Database(settings.database_url, THREADS).engine
    app = Flask("bare")

    @app.post("/webhooks/shopify")
    def accept() -> str:
        body = request.get_data(cache=False)
        signature = base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()
        if not hmac.compare_digest(signature, request.headers["X-Shopify-Hmac-Sha256"]):
            abort(401)
        now = datetime.now(UTC)
        with engine.begin() as connection:
            connection.execute(insert(receipts), {
                "shop_id": 1,
                "webhook_id": request.headers["X-Shopify-Webhook-Id"],
                "topic": request.headers["X-Shopify-Topic"],
                "event_id": request.headers["X-Shopify-Event-Id"],
                "api_version": request.headers["X-Shopify-API-Version"],
                "triggered_at": datetime.fromisoformat(request.headers["X-Shopify-Triggered-At"]),
                "received_at": now,
                "accepted_at": now,
                "next_attempt_at": now,
                "body": body,
                "state": "received",
                "attempts": 0,
            })  # fmt: skip
        return "ok"

    return app


def serve(factory: str, port: int, processes: int) -> None:
    """As `dasi web` serves, another application."""
    Server(
        factory, address="127.0.0.1", port=port, interface=Interfaces.WSGI, factory=True, workers=processes,
        blocking_threads=THREADS, websockets=False, log_level=LogLevels.error, log_dictconfig=QUIET, log_access=False,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    serve("tests.benchmarks.bare:application", int(sys.argv[1]), int(os.environ["WEB_CONCURRENCY"]))
