"""Does the process live, can it work, what does it count."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from plugin.services.context import Context
from plugin.store.migrate import current_is_head
from plugin.web import metrics
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context

AUTH = Auth.PUBLIC

blueprint = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers: it asks nobody else."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> Response:
    """200 when webhooks can be kept; `degraded` while Valkey is away (the clock process sweeps); else 503."""
    ctx = context()
    trouble = _database_trouble(ctx)
    if trouble:
        return problem(503, *trouble)
    queues = ctx.queues.alive()
    checks = {"database": "ok", "migrations": "ok", "queues": "ok" if queues else "unreachable"}
    return jsonify(status="ok" if queues else "degraded", checks=checks)


@blueprint.get("/metrics")
def measures() -> Response:
    """Prometheus text. 503 when the database cannot be asked."""
    key = "dasi.metrics"
    found = current_app.extensions.get(key)
    if found is None:
        found = current_app.extensions[key] = metrics.registry(context())
    return Response(b"".join(generate_latest(registry) for registry in found), content_type=CONTENT_TYPE_LATEST)


def _database_trouble(ctx: Context) -> tuple[str, str] | None:
    """(code, sentence), or None when the database answers and stands at the newest migration."""
    try:
        newest = current_is_head(ctx.database)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", extra={"kind": type(error).__name__})
        return "database_unreachable", "The database does not answer."
    return None if newest else ("not_migrated", "The database is not at the newest migration: run `dasi migrate`.")
