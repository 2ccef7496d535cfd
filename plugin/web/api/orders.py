"""Orders, found and listed."""

from __future__ import annotations

from typing import Any

from plugin.services import address_marks
from plugin.services.order_search import Cursor, find_orders
from plugin.services.order_view import order_view
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.orders import OrderPageSchema, OrdersQuery, OrderViewSchema
from schemas.api.paging import next_after

AUTH = Auth.API_KEY

blueprint = Resource("orders", "Orders, the newest first.")


@blueprint.get("/orders")
@blueprint.arguments(OrdersQuery, location="query")
@blueprint.response(200, OrderPageSchema)
def orders(query: dict[str, Any]) -> Any:
    """Orders, the newest first"""
    after = None
    if query["after"]:
        moment, id_ = query["after"]
        if moment is None or moment.tzinfo is None:
            raise BadInput({"query": {"after": ["not a `next` of this list"]}})
        after = Cursor(moment, id_)
    with context().database.reading() as session:
        found = find_orders(session, caller().shop_id, query["q"], after)
    return {"items": found.orders, "next": next_after(found.more.placed_at, found.more.id) if found.more else None}


@blueprint.get("/orders/<int:order_id>")
@blueprint.response(200, OrderViewSchema)
@blueprint.alt_response(404, description="The shop has no such order.")
def order(order_id: int) -> Any:
    """One order with everything it was and will be sent"""
    ctx = context()
    with ctx.database.reading() as session:
        return order_view(session, ctx, caller().shop_id, order_id)


@blueprint.delete("/orders/<int:order_id>/address-mark")
@blueprint.response(204)
@blueprint.alt_response(404, description="The shop has no such order, or its address is not marked as dead.")
def lift(order_id: int) -> None:
    """Say that an order's dead address takes mail again; what was withheld for it is planned anew

    A complaint is the customer's word: it cannot be taken back here.
    """
    who = caller()
    address_marks.lift(context(), who.shop_id, order_id, f"API key {who.name}")
