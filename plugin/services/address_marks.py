"""Addresses that must not be written to: marked dead or complained, and a dead one freed again by the shop's hand.

A mark that was lifted stays as a row of the cause `lifted` with its moment, so that late news about a message that left
before does not mark the address again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.queues import SEND
from plugin.services import plan
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.order_search import NoSuchOrder
from plugin.store.models.customers import Suppression
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for
from schemas.events import Channel

DEAD, COMPLAINED, LIFTED = "dead", "complained", "lifted"


class NoMark(LookupError):
    """The order's address is not marked as dead."""


def mark(session: Session, shop_id: int, address: str, cause: str, now: datetime, *, about: datetime) -> bool:
    """Mark a normalised address; False when it stays as it was.

    A complaint outweighs everything. `about`: when the message left that the news is about; what left before a dead
    mark was lifted says nothing of the address as it is now.
    """
    s = Suppression
    statement = insert_for(session, s).values(
        shop_id=shop_id, channel=str(Channel.EMAIL), address=address, cause=cause, at=now
    )
    weaker = s.cause != COMPLAINED if cause == COMPLAINED else (s.cause == LIFTED) & (s.at < about)
    changed = session.execute(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "channel", "address"], set_={"cause": cause, "at": now}, where=weaker
        ).returning(s.id)
    )
    return changed.first() is not None


def mark_of(session: Session, order: Order) -> Suppression | None:
    """The mark of an order's address; None when it may be written to."""
    if order.address is None:
        return None
    return session.scalar(
        select(Suppression).where(
            Suppression.shop_id == order.shop_id,
            Suppression.channel == Channel.EMAIL,
            Suppression.address == order.address,
            Suppression.cause != LIFTED,
        )
    )


def orders_of(session: Session, ctx: Context, shop_id: int, address: str, *others: int) -> set[int]:
    """The orders to lock and to plan anew when an address's mark changes."""
    found = plan.recent_orders(session, ctx, session.get_one(Shop, shop_id), addresses=[address])
    return found | set(others)


def lift(ctx: Context, shop_id: int, order_id: int, actor: str) -> None:
    """The shop says that an order's address takes mail again; what was withheld for it is planned anew.

    Only a dead mark: a complaint is the customer's word. Raises NoMark, NoSuchOrder.
    """
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        order = session.scalar(select(Order).where(Order.id == order_id, Order.shop_id == shop_id))
        if order is None:
            raise NoSuchOrder(order_id)
        if order.address is None:
            raise NoMark(order_id)
        orders = orders_of(session, ctx, shop_id, order.address, order.id)
        plan.lock_orders(session, orders)
        lifted = session.execute(
            update(Suppression)
            .where(
                Suppression.shop_id == shop_id, Suppression.channel == Channel.EMAIL,
                Suppression.address == order.address, Suppression.cause == DEAD,
            )
            .values(cause=LIFTED, at=now)
            .returning(Suppression.id)
        ).first()  # fmt: skip
        if lifted is None:
            raise NoMark(order_id)
        after = {"order": order.name or order.platform_id, "address": LIFTED}
        record_change(session, shop_id, actor, "address.lifted", {"address": DEAD}, after, now)
        plan.replan(session, ctx, orders)
    ctx.queues.nudge(SEND)
