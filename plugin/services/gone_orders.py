"""Orders that the platform no longer knows: their `orders/delete` was lost, and they would go on being written to.

Once an hour the platform is asked by their ids for the orders whose messages come next. It tells nothing of an id that
it does not know; so a deletion is believed only where the answer bore no error, where asking for that one order again
brings nothing either, and not of many at once, which would be a fault of theirs or a permission that we lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from plugin.domain.flows import STEPS, State
from plugin.platforms.shopify.admin import AdminClient
from plugin.platforms.shopify.errors import AccessDenied, Refused
from plugin.services.batch import Told
from plugin.services.context import Context
from plugin.services.whole_orders import fetch
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from schemas.events import OrderDeleted
from schemas.shopify.admin.nodes import gid, nodes, number

SOON = timedelta(hours=2)  # of business time: what leaves before the next look but one
SETTLED = timedelta(minutes=10)  # so young an order may not be readable everywhere yet
READABLE = timedelta(days=55)  # older orders need another permission, and are told of like unknown ones
MANY = 20  # of a page, more than which are not believed to be deleted

log = logging.getLogger(__name__)


def due_orders(ctx: Context, shop_id: int, after: int, most: int) -> list[tuple[int, str]]:
    """(row's id, platform's id) of orders with something to send soon, in the order of their row ids."""
    now, m, o = ctx.clock.now(), Message, Order
    due = (m.shop_id == shop_id, m.step.in_(STEPS), m.state == State.PLANNED, m.ready_at <= now + SOON)
    known = (o.version.is_not(None), o.deleted_at.is_(None), o.placed_at.between(now - READABLE, now - SETTLED))
    rows = (
        select(o.id, o.platform_id).join(m, m.order_id == o.id)
        .where(*due, *known, o.id > after).distinct().order_by(o.id).limit(most)
    )  # fmt: skip
    with ctx.database.reading() as session:
        return [(id_, ref) for id_, ref in session.execute(rows)]


def deleted(ctx: Context, client: AdminClient, refs: Sequence[str]) -> list[Told]:
    """Which of these orders the shop has deleted, as its webhook would have told. Raises what the client does."""
    asked_at = ctx.clock.now()
    try:
        answer = client.ask("OrdersThere", {"ids": [gid("Order", ref) for ref in refs]})
    except (AccessDenied, Refused):
        return []
    told = answer.data.get("nodes")
    there = {number(node.get("id"), "Order") for node in nodes(told)}
    gone = [ref for ref in refs if ref not in there]
    if answer.missing or len(gone) > MANY or not isinstance(told, list):
        log.warning("orders_not_told", extra={"count": len(gone), "errors": len(answer.missing)})
        return []
    gone = [ref for ref in gone if fetch(client, ref) is None]
    if gone:
        log.info("orders_gone", extra={"count": len(gone)})
    return [Told(0, "orders (API)", ctx.clock.now(), asked_at, (OrderDeleted(order_id=ref),)) for ref in gone]
