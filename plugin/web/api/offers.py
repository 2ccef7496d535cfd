"""Offers: the rules in force, what was made and what came of it."""

from __future__ import annotations

from typing import Any

from plugin.services.offer_view import PAGE, hindrances, list_offers, sum_offers
from plugin.services.shops import shop_of
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.offers import OfferPageSchema, OfferSumsSchema
from schemas.api.paging import PageQuery, next_after
from schemas.settings import load_settings

AUTH = Auth.API_KEY

blueprint = Resource("offers", "What was offered to customers, and what came of it. The rules are in the settings.")


@blueprint.get("/offers")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, OfferPageSchema)
def offers(query: dict[str, Any]) -> Any:
    """Every offer, the newest first"""
    before = query["after"][1] if query["after"] else None
    with context().database.reading() as session:
        found = list_offers(session, caller().shop_id, before, PAGE + 1)
    more = next_after(None, found[PAGE - 1].id) if len(found) > PAGE else None
    return {"items": found[:PAGE], "next": more}


@blueprint.get("/offers/sums")
@blueprint.response(200, OfferSumsSchema)
def sums() -> Any:
    """The offers of the last 90 days, and what stands in the way of the rules"""
    with context().database.reading() as session:
        shop = shop_of(session, caller().shop_id)
        hindered = hindrances(session, shop, load_settings(shop.settings).offers)
        found = sum_offers(session, context(), shop.id)
    return {"sums": found, "hindrances": hindered}
