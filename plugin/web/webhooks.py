"""The platforms' door: the signature over the raw body is checked by the service before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask.blueprints import BlueprintSetupState

from plugin.services.receipt_groups import groups
from plugin.services.receive import receive_shopify
from plugin.web import metrics
from plugin.web.auth import Auth
from plugin.web.errors import RETRY_SECONDS, problem
from plugin.web.wiring import context

AUTH = Auth.HMAC
MAX_BODY = 2 * 1024 * 1024  # bytes
ACCEPTED = b'{"status_code": 200}\n'  # nearly every answer, so it is not made anew each time
GROUPS = "dasi.receipt_groups"

blueprint = Blueprint("webhooks", __name__)


@blueprint.record
def _meet(state: BlueprintSetupState) -> None:
    """One meeting place for the receipts of all threads of this app's process."""
    with cast(Flask, state.app).app_context():
        state.app.extensions[GROUPS] = groups(context())


@blueprint.post("/webhooks/shopify")
def shopify() -> Response:
    """All topics. 413 over 2 MB, declared or streamed; else what `receive_shopify` answers; 503 without a database."""
    request.max_content_length = MAX_BODY + 1  # a streamed body is cut there in silence, so its length is looked at
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY:
        abort(413)
    headers = cast(Mapping[str, str], request.headers)
    answer = receive_shopify(context(), headers, body, current_app.extensions[GROUPS])
    metrics.webhook(request.headers.get("X-Shopify-Topic"), answer.status)
    if answer.status >= 400:
        message = answer.message or "The webhook was refused."
        refusal = problem(answer.status, answer.error or "refused", message, answer.field)
        if answer.status == 503:
            refusal.headers["Retry-After"] = str(RETRY_SECONDS)
        return refusal
    return Response(ACCEPTED, answer.status, mimetype="application/json")
