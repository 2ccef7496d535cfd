"""The platforms' door: the signature over the raw body is checked by the service before anything is kept.

A shop's peak is a flood of webhooks that are all kept and all answered with the same few bytes. So the door stands in
front of Flask: it takes a webhook in, and where it was kept it answers at once. Whatever else came of it is told by the
view, with everything that an answer of ours has: the error's body, its headers, its line in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from plugin.queues import INGEST
from plugin.services.context import Context
from plugin.services.nudges import Nudges
from plugin.services.receipt_groups import groups
from plugin.services.receive import Answer, receive_shopify
from plugin.web import metrics
from plugin.web.auth import Auth
from plugin.web.errors import RETRY_SECONDS, problem, unavailable
from plugin.web.wiring import context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AUTH = Auth.HMAC
PATH = "/webhooks/shopify"
MAX_BODY = 2 * 1024 * 1024  # bytes
_OUTCOME = "dasi.webhook"  # in the environ: what the door hands to the view, an Answer or an exception
_BODY = b'{"status_code": 200}\n'
_HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(_BODY))),
    ("X-Content-Type-Options", "nosniff"),
]

blueprint = Blueprint("webhooks", __name__)


@blueprint.record
def _open(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    with app.app_context():
        app.wsgi_app = Door(context(), app.wsgi_app)  # type: ignore[method-assign]


class Door:
    """WSGI middleware of one process: its threads' receipts meet in `groups`."""

    def __init__(self, ctx: Context, inside: WSGIApplication) -> None:
        self._ctx = ctx
        self._inside = inside
        self.groups = groups(ctx, then=Nudges(ctx.queues, INGEST))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._inside(environ, start_response)
        try:
            outcome: Answer | Exception = self._take_in(environ)
        except Exception as exc:
            outcome = exc
        status = _status(outcome)
        metrics.webhook(environ.get("HTTP_X_SHOPIFY_TOPIC"), status)
        if status == 200:
            start_response("200 OK", [*_HEADERS])
            return [_BODY]
        environ[_OUTCOME] = outcome
        return self._inside(environ, start_response)

    def _take_in(self, environ: WSGIEnvironment) -> Answer:
        """What `receive_shopify` answers. Raises RequestEntityTooLarge over 2 MB, declared or streamed."""
        # A streamed body is cut at the limit in silence, so its length is looked at.
        body = get_input_stream(environ, max_content_length=MAX_BODY + 1).read()
        if len(body) > MAX_BODY:
            raise RequestEntityTooLarge
        return receive_shopify(self._ctx, cast(Mapping[str, str], EnvironHeaders(environ)), body, self.groups)


def _status(outcome: Answer | Exception) -> int:
    """The status that the answer will have."""
    if isinstance(outcome, Answer):
        return outcome.status
    if isinstance(outcome, HTTPException):
        return outcome.code or 500
    return 503 if unavailable(outcome) else 500


@blueprint.post(PATH)
def shopify() -> Response:
    """All topics. What the door could not answer in one word: a refusal, or an error for the handlers of errors."""
    outcome: Answer | Exception = request.environ[_OUTCOME]
    if isinstance(outcome, Exception):
        raise outcome
    refusal = problem(
        outcome.status, outcome.error or "refused", outcome.message or "The webhook was refused.", outcome.field
    )
    if outcome.status == 503:
        refusal.headers["Retry-After"] = str(RETRY_SECONDS)
    return refusal
