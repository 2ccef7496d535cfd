"""Does the process live, can it work, what does it count."""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, Flask, Response, current_app, jsonify
from flask.blueprints import BlueprintSetupState
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from plugin.store.fitness import fitness
from plugin.store.migrate import Standing
from plugin.web import metrics
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context

AUTH = Auth.PUBLIC

blueprint = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@blueprint.record
def _count(state: BlueprintSetupState) -> None:
    with cast(Flask, state.app).app_context():
        metrics.count_in(context())


@blueprint.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers: it asks nobody else."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> Response:
    """200 when webhooks can be kept; `degraded` while Valkey is away (the clock process sweeps); else 503.

    `migrations` is `ahead` while a newer program has migrated the database and this one has yet to be replaced. `disk`
    is looked at where it is ours to see: under SQLite.
    """
    ctx = context()
    try:
        found = fitness(ctx.database)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", extra={"kind": type(error).__name__})
        return problem(503, "database_unreachable", "The database does not answer.")
    if found.standing is Standing.BEHIND:
        return problem(503, "not_migrated", "The database is not at the newest migration: run `dasi migrate`.")
    if found.read_only:
        return problem(503, "read_only", "The database takes no writes: it is a standby, or was made read-only.")
    if found.disk_full:
        return problem(503, "disk_full", "The disk under the database is full: make room.")
    queues = ctx.queues.alive()
    checks = {
        "database": "ok",
        "migrations": "ok" if found.standing is Standing.HERE else "ahead",
        "queues": "ok" if queues else "unreachable",
    }
    if found.free_bytes is not None:
        checks["disk"] = "low" if found.disk_low else "ok"
    degraded = not queues or found.disk_low
    return jsonify(status="degraded" if degraded else "ok", checks=checks)


@blueprint.get("/metrics")
def measures() -> Response:
    """Prometheus text. 503 when the database cannot be asked."""
    key = "dasi.metrics"
    found = current_app.extensions.get(key)
    if found is None:
        found = current_app.extensions[key] = metrics.registry(context())
    return Response(b"".join(generate_latest(registry) for registry in found), content_type=CONTENT_TYPE_LATEST)
