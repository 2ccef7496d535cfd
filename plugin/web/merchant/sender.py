"""The sender's address: whether it is the shop's own, and what its domain's DNS says, in plain words."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.services import sender_domain
from plugin.services.sender_check import sender_state
from plugin.services.shops import shop_of
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import load_settings

AUTH = Auth.MERCHANT
SAID = ("asked", "not_asked", "looking")
PAGE = "/app/settings/sender"

blueprint = Blueprint("merchant_sender", __name__)


@blueprint.get(PAGE)
def show() -> Response:
    with context().database.reading() as session:
        shop = shop_of(session, merchant().shop_id)
        sender = sender_state(session, shop, load_settings(shop.settings))
    said = request.args.get("said")
    records = sender.domain.found if sender.domain else []
    return page("sender", sender=sender, records=records, said=said if said in SAID else None)


@blueprint.post(f"{PAGE}/ask")
def ask() -> Response:
    """Mail the link, again where it was mailed before."""
    asked = sender_domain.ask_again(context(), merchant().shop_id)
    return Response(status=303, headers={"Location": f"{PAGE}?said={'asked' if asked else 'not_asked'}"})


@blueprint.post(f"{PAGE}/look")
def look() -> Response:
    sender_domain.look_again(context(), merchant().shop_id)
    return Response(status=303, headers={"Location": f"{PAGE}?said=looking"})
