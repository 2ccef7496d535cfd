"""Codes that orders were placed with: those of ours are recognised, once each, and given back when the order ends."""

from __future__ import annotations

from sqlalchemy import or_, select

from plugin.services.batch import Batch
from plugin.services.facts.orders import counts_as_purchase
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order


def record_redemptions(batch: Batch) -> None:
    """Of the batch's orders that told of codes or ended. One query for all of them; none where no code was used."""
    codes = {code.upper(): order_id for order_id, told in batch.codes.items() for code in told}
    by_ref = {order.platform_id: order for order in batch.orders.values()}
    ended = [ref for ref, order in by_ref.items() if order.id in batch.codes and not _counts(order)]
    batch_orders = {order.id: order for order in by_ref.values()}
    batch.codes.clear()
    if not codes and not ended:
        return
    o = Offer
    used, back = o.code.in_(codes), o.redeemed_order_id.in_(ended)
    rows = batch.session.scalars(
        select(o).where(o.shop_id == batch.shop.id, or_(used, back)).order_by(o.id).with_for_update()
    )
    for offer in rows:
        if offer.redeemed_order_id in ended:
            offer.redeemed_order_id = offer.redeemed_at = None
        order = batch_orders.get(codes.get(offer.code or "", 0))
        if order is not None and offer.redeemed_order_id is None and _counts(order):
            offer.redeemed_order_id, offer.redeemed_at = order.platform_id, order.placed_at


def _counts(order: Order) -> bool:
    return order.version is not None and counts_as_purchase(order)
