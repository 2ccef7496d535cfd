"""The link in the mail to a sender's address: GET shows a button, because mail scanners open links; POST confirms."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.services import sender_check
from plugin.services.logins import BadLink
from plugin.web.auth import Auth
from plugin.web.merchant import access
from plugin.web.merchant.pages import page
from plugin.web.merchant.sign_in import PAGE_HEADERS
from plugin.web.wiring import context

AUTH = Auth.TOKEN

blueprint = Blueprint("merchant_sender_link", __name__)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    response.headers.setdefault("Content-Security-Policy", access.policy())
    return response


@blueprint.errorhandler(BadLink)
def bad_link(_: BadLink) -> Response:
    return page("sender_link", 404, state="bad")


@blueprint.get("/sender/<token>")
def look(token: str) -> Response:
    with context().database.reading() as session:
        name, address = sender_check.look(session, token)
    return page("sender_link", state="ask", shop_name=name, address=address)


@blueprint.post("/sender/<token>")
def confirm(token: str) -> Response:
    """The token is the right; it names one address of one shop, and nothing else can be done with it."""
    name, address = sender_check.confirm(context(), token)
    return page("sender_link", state="done", shop_name=name, address=address)
