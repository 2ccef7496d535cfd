"""The mail providers' door. What a body must be signed with is the service's matter; unsigned ones are never taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from plugin.services.mail_receive import receive_mail_event
from plugin.web.auth import Auth
from plugin.web.errors import RETRY_SECONDS, problem
from plugin.web.wiring import context

AUTH = Auth.HMAC
MAX_BODY = 4 * 1024 * 1024  # bytes: SendGrid sends events by the thousand

blueprint = Blueprint("mail_webhooks", __name__)


@blueprint.post("/webhooks/email/<provider>")
def receive(provider: str) -> Response:
    """All kinds of events. 2xx once they are committed; a repetition is answered like the first."""
    request.max_content_length = MAX_BODY + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY:
        raise RequestEntityTooLarge
    answer = receive_mail_event(context(), provider, cast(Mapping[str, str], request.headers), body)
    if answer.status == 200:
        return jsonify(status_code=200)
    refusal = problem(answer.status, answer.error or "refused", answer.message or "", answer.field)
    if answer.status == 503:
        refusal.headers["Retry-After"] = str(RETRY_SECONDS)
    if answer.status == 401 and answer.error == "wrong_password":
        refusal.headers["WWW-Authenticate"] = 'Basic realm="webhooks"'
    return refusal
