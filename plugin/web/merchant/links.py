"""A one-time login link: GET shows a button, because mail scanners open links; POST consumes it."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.services import logins
from plugin.services.logins import BadLink
from plugin.web.auth import Auth
from plugin.web.merchant import access
from plugin.web.merchant.pages import page
from plugin.web.merchant.sign_in import PAGE_HEADERS
from plugin.web.wiring import context

AUTH = Auth.TOKEN

blueprint = Blueprint("merchant_links", __name__)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    response.headers.setdefault("Content-Security-Policy", access.policy())
    return response


@blueprint.errorhandler(BadLink)
def bad_link(_: BadLink) -> Response:
    return page("login_link", 404, domain=None)


@blueprint.get("/login/<token>")
def look(token: str) -> Response:
    with context().database.reading() as session:
        domain = logins.look_at_link(session, token)
    return page("login_link", domain=domain)


@blueprint.post("/login/<token>")
def enter(token: str) -> Response:
    """From our own page only: no foreign page signs its visitors in to a shop of its choice."""
    if not access.from_own_page():
        raise BadLink
    return access.sign_in(logins.use_link(context(), token))
