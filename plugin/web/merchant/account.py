"""The session itself: its language, and its end."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request

from plugin.services import logins
from plugin.web.auth import Auth
from plugin.web.merchant import access
from plugin.web.merchant.language import COOKIE as LANGUAGE_COOKIE
from plugin.web.merchant.sign_in import safe_path
from plugin.web.wiring import context
from schemas.settings import LANGUAGES

AUTH = Auth.MERCHANT
YEAR = 365 * 24 * 3600  # seconds

blueprint = Blueprint("merchant_account", __name__)


@blueprint.post("/app/language")
def language() -> Response:
    """Remember the language in this browser and go back to where the form was."""
    chosen = request.form.get("language", "")
    before = urlsplit(request.headers.get("Referer", "")).path
    where = before if safe_path(before) and before.startswith("/app") else "/app"
    response = Response(status=303, headers={"Location": where})
    return access.set_cookie(response, LANGUAGE_COOKIE, chosen, YEAR) if chosen in LANGUAGES else response


@blueprint.post("/app/sign-out")
def sign_out() -> Response:
    if "session" in g:
        logins.end_session(context(), g.pop("session").session_id)
    response = Response(status=303, headers={"Location": access.LOGIN})
    response.delete_cookie(access.COOKIE, path="/", httponly=True, samesite="Lax")
    return response
