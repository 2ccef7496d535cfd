"""What follows from a message's leaving is planned for a whole batch at once, and is owed in writing until it is.

Before such a message may leave, a row says that its order must be planned; the transaction that plans it takes the row
away. Whoever finds one whose time is over plans the order instead: planning twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.plan import lock_orders, plan_orders
from plugin.services.races import insisting
from plugin.store.models.messages import Message
from plugin.store.models.shops import Lease, Shop
from plugin.store.session import database_now

OWED = timedelta(minutes=5)  # real time after which others may think that a batch will not be finished

_NAME = "follows:"


def promise(session: Session, ids: Collection[int], token: str) -> None:
    """Say that the orders of these messages must be planned when they have left. Counts once the caller commits."""
    if ids:
        until = database_now(session) + OWED
        session.execute(
            insert(Lease), [{"name": f"{_NAME}{id_}:{token}"[:60], "holder": token, "until": until} for id_ in ids]
        )


@insisting
def keep(ctx: Context, left: Collection[int], token: str) -> None:
    """Plan what follows from the messages that left; nothing more is owed under this token."""
    with ctx.database.transaction() as session:
        _plan(session, ctx, left)
        session.execute(delete(Lease).where(Lease.name.startswith(_NAME), Lease.holder == token))


def left_behind(session: Session, machine_now: datetime) -> list[tuple[str, str]]:
    """What workers that died still owe, for `recover`. The table of leases holds a few dozen rows at most."""
    owed = select(Lease.name, Lease.holder).where(Lease.name.startswith(_NAME), Lease.until < machine_now)
    return [(row.name, row.holder) for row in session.execute(owed)]


def recover(ctx: Context, owed: Collection[tuple[str, str]]) -> None:
    """Do what is owed."""
    for token in sorted({holder for _, holder in owed}):
        keep(ctx, [int(name.split(":")[1]) for name, holder in owed if holder == token], token)


def _plan(session: Session, ctx: Context, ids: Collection[int]) -> None:
    rows = session.execute(select(Message.shop_id, Message.order_id).where(Message.id.in_(ids))).all() if ids else []
    lock_orders(session, [row.order_id for row in rows])
    for shop_id in sorted({row.shop_id for row in rows}):
        shop = session.get_one(Shop, shop_id)
        plan_orders(session, ctx, shop, {row.order_id for row in rows if row.shop_id == shop_id})
