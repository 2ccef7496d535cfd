"""`/demo/shop/…`: the few pages of the demo shop that its mails link to."""

from __future__ import annotations

from flask import Response, abort

from plugin.platforms.demo import catalogue
from plugin.services import demo_view
from plugin.web.demo_base import blueprint, page, store


@blueprint.get("/shop")
@blueprint.get("/shop/", endpoint="shop_home_slash")
def shop_home() -> Response:
    return page("shop_home", shop=catalogue)


@blueprint.get("/shop/products/<handle>")
def shop_product(handle: str) -> Response:
    if handle not in catalogue.BY_HANDLE:
        abort(404)
    return page("shop_product", shop=catalogue, product=catalogue.BY_HANDLE[handle])


@blueprint.get("/shop/help")
def shop_help() -> Response:
    return page("shop_help", shop=catalogue)


@blueprint.get("/shop/how-to/<handle>")
def shop_how_to(handle: str) -> Response:
    if handle not in catalogue.BY_HANDLE:
        abort(404)
    return page("shop_how_to", shop=catalogue, product=catalogue.BY_HANDLE[handle])


@blueprint.get("/shop/orders/<int:order_id>")
def shop_order(order_id: int) -> Response:
    order = store().read().order(order_id)
    if order is None:
        abort(404)
    return page("shop_order", shop=catalogue, order=order, state=demo_view.order_status(order))


@blueprint.get("/shop/track/<number>")
def shop_track(number: str) -> Response:
    parcels = ((parcel, order) for order in store().read().orders for parcel in order["fulfillments"])
    found = next((pair for pair in parcels if pair[0]["tracking_number"] == number), None)
    if found is None:
        abort(404)
    return page("shop_track", shop=catalogue, parcel=found[0], order=found[1])
