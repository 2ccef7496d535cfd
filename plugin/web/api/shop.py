"""The shop itself."""

from __future__ import annotations

from typing import Any

from plugin.queues import SEND
from plugin.services import sender_domain
from plugin.services.change_preview import preview_live
from plugin.services.first_steps import first_steps
from plugin.services.sender_check import NONE, sender_state
from plugin.services.settings_change import locked_shop
from plugin.services.shops import go_live, pause, shop_of
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.shop import LiveBody, LiveSchema, SenderStateSchema, ShopSchema
from schemas.settings import load_settings

AUTH = Auth.API_KEY

blueprint = Resource("shop", "The shop that the key opens.")


@blueprint.get("/shop")
@blueprint.response(200, ShopSchema)
def shop() -> Any:
    """The shop that the key opens"""
    with context().database.reading() as session:
        return shop_of(session, caller().shop_id)


@blueprint.get("/shop/sender")
@blueprint.response(200, SenderStateSchema)
def sender() -> Any:
    """Whether the sender's address is the shop's own, and what its domain's DNS said"""
    return _sender()


@blueprint.post("/shop/sender/check")
@blueprint.response(202, SenderStateSchema)
@blueprint.alt_response(409, description="The settings name no sender address.")
def check_sender() -> Any:
    """Mail the sender's address a link to confirm it by, and look its domain up again

    No link is mailed to an address that is verified or was mailed one a moment ago.
    """
    if _sender()["state"] == NONE:
        return problem(409, "no_sender", "The settings name no sender address.")
    sender_domain.ask_again(context(), caller().shop_id)
    return _sender()


def _sender() -> dict[str, Any]:
    with context().database.reading() as session:
        shop = shop_of(session, caller().shop_id)
        found = sender_state(session, shop, load_settings(shop.settings))
    domain = found.domain
    return {"state": found.state, "address": found.address, "at": found.at,
            "looked_at": domain.looked_at if domain else None, "records": domain.found if domain else []}  # fmt: skip


@blueprint.get("/shop/live")
@blueprint.response(200, LiveSchema)
def live() -> Any:
    """Whether messages leave; if not, what would when they may"""
    return _standing()


@blueprint.put("/shop/live")
@blueprint.arguments(LiveBody)
@blueprint.response(200, LiveSchema)
@blueprint.alt_response(409, description="The shop must say first who it is: see `missing`.")
def decide(body: dict[str, Any]) -> Any:
    """Go live, or pause: everything goes on being recorded and planned, and nothing leaves

    In a large shop the dates of waiting messages follow in the background: see `GET /settings/planning`.
    """
    who, ctx = caller(), context()
    actor = f"API key {who.name}"
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        if not body["live"]:
            pause(session, ctx, shop, actor)
        elif missing := first_steps(session, who.shop_id).missing:
            return problem(409, "not_ready", f"Missing in the settings: {', '.join(missing)}.", "live")
        else:
            go_live(session, ctx, shop, actor)
    ctx.queues.nudge(SEND)
    return _standing()


def _standing() -> dict[str, Any]:
    who, ctx = caller(), context()
    with ctx.database.reading() as session:
        start = first_steps(session, who.shop_id)
        lines = {} if start.live else preview_live(session, ctx, who.shop_id)
    return {"live": start.live, "missing": start.missing, "steps": lines}
