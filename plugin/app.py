"""Wires the web: one Flask app over one context."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.routing import IntegerConverter, Map

from plugin.config import Settings
from plugin.services.context import Context, build
from plugin.web import assets, auth, customer, errors, health, home, mail_webhooks, opens, survey, webhooks, wiring
from plugin.web.api import wire as api
from plugin.web.merchant import wire as merchant

AREAS = (assets, customer, health, home, mail_webhooks, opens, survey, webhooks)
MAX_BODY = 64 * 1024  # bytes, of everything but webhooks

log = logging.getLogger("plugin.web.requests")


class RowId(IntegerConverter):
    """Whole numbers in paths are ids of rows: what no database can hold is no address of ours."""

    def __init__(self, map: Map, **_: Any) -> None:
        super().__init__(map, max=2**63 - 1)


def create_app(settings: Settings, threads: int = 5) -> Flask:
    """The app of one web process with so many threads. Opens no connection. Raises ConfigError for a bad key."""
    return create_app_from(build(settings, threads))


def create_app_from(ctx: Context) -> Flask:
    """The app over a context that is already wired."""
    app = Flask("plugin.web", static_folder=None)  # static files belong to a blueprint, as every route does
    app.config["SECRET_KEY"] = ctx.settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["int"] = RowId
    wiring.attach(app, ctx)
    errors.install(app)
    for area in AREAS:
        auth.register(app, area)
    api.install(app)
    merchant.install(app)
    if ctx.settings.demo:
        from plugin.web import demo

        auth.register(app, demo)
    app.before_request(_started)
    app.after_request(_answered)
    return app


def _started() -> None:
    g.started = time.perf_counter()


def _answered(response: Response) -> Response:
    """No content is sniffed, and one line is logged: the route, never the path, because paths hold tokens."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    started = g.get("started")
    log.info(
        "request",
        extra={
            "method": request.method,
            "route": errors.route(),
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1) if started is not None else None,
        },
    )
    return response
