"""The shop itself."""

from __future__ import annotations

from typing import Any

from plugin.services.shops import shop_of
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.shop import ShopSchema

AUTH = Auth.API_KEY

blueprint = Resource("shop", "The shop that the key opens.")


@blueprint.get("/shop")
@blueprint.response(200, ShopSchema)
def shop() -> Any:
    """The shop that the key opens"""
    with context().database.reading() as session:
        return shop_of(session, caller().shop_id)
