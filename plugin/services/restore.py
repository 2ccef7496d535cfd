"""`dasi after-restore`: settle what an older state of the database does not know. See plugin/services/restored.py.

Message ids are in the links of mails that left. They go on far above the highest one, so that no link of the lost time
ever means another customer's message.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session

from plugin.channels.email.mime import message_id
from plugin.domain.flows import State
from plugin.services.context import Context
from plugin.services.outcomes import PLANS_MORE
from plugin.services.plan import lock_orders, plan_orders
from plugin.services.restored import ALL_BUT_MARKETING, NAME, NOTHING, UNSENT, mark_unknown
from plugin.store.migrate import metadata
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Lease, Shop
from plugin.store.upserts import insert_for

KNOWN = "sent before the database was restored, as the mail server says"
GAP = 1_000_000  # ids left free: more than were given out in the lost time
BATCH = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """How many messages left, how many may have, and whether the ids have their gap."""

    sent: int
    unknown: int
    gap: bool


def after_restore(
    ctx: Context, until: datetime, *, again: bool = False, left: Collection[str] = (), gap: int = GAP
) -> Restored:
    """While no worker runs. May be stopped and repeated: only the gap grows.

    `until`: business time when the sending stopped. `left`: Message-IDs that the mail server accepted.
    `again`: transactional and service mail goes again, with the same Message-ID, as after any unknown outcome.
    """
    policy = ALL_BUT_MARKETING if again else NOTHING
    with ctx.database.transaction() as session:
        gap_made = _leave_a_gap(session, gap)
        row = {"name": NAME, "holder": policy, "until": until}
        insert = insert_for(session, Lease).values(row)
        session.execute(insert.on_conflict_do_update(index_elements=["name"], set_=row))
    sent = sum(_mark_sent(ctx, rows) for rows in _listed(ctx, left)) if left else 0
    unknown = 0
    with ctx.database.reading() as session:
        shops = session.scalars(select(Shop.id).order_by(Shop.id)).all()
    for shop_id in shops:
        with ctx.database.transaction() as session:
            marked = mark_unknown(session, [Message.shop_id == shop_id], until, policy)
        unknown += len(marked)
        _plan_what_follows(ctx, [order_id for step, order_id in marked if step in PLANS_MORE])
    log.warning("after_restore", extra={"until": until, "sent": sent, "unknown": unknown})
    return Restored(sent, unknown, gap_made)


def _listed(ctx: Context, left: Collection[str]) -> Iterator[list[Row[*tuple[Any, ...]]]]:
    """Unsent messages whose Message-ID is among these. Its domain is the sender's, which may change: not asked."""
    wanted = {one.strip().lstrip("<").partition("@")[0] for one in left}
    last, more = 0, True
    columns = (
        Message.id, Message.flow, Message.step, Message.subject, Message.channel, Message.copy, Message.order_id,
        Shop.code,
    )  # fmt: skip
    while more:
        with ctx.database.reading() as session:
            rows = session.execute(
                select(*columns)
                .join(Shop, Shop.id == Message.shop_id)
                .where(Message.id > last, Message.state.in_([*UNSENT, State.WAITING]))
                .order_by(Message.id)
                .limit(BATCH)
            ).all()
        more, last = len(rows) == BATCH, rows[-1].id if rows else last
        if found := [row for row in rows if _local_part(row) in wanted]:
            yield found


def _local_part(row: Row[*tuple[Any, ...]]) -> str:
    key = "/".join((row.code, row.flow, row.step, row.subject, row.channel, str(row.copy)))
    return message_id(key, "").lstrip("<").partition("@")[0]


def _mark_sent(ctx: Context, rows: list[Row[*tuple[Any, ...]]]) -> int:
    with ctx.database.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id.in_([row.id for row in rows]))
            .values(
                state=State.SENT, reason=KNOWN, sent_at=func.coalesce(Message.due_at, ctx.clock.now()), error=None,
                claim_token=None, lease_until=None,
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    _plan_what_follows(ctx, [row.order_id for row in rows if row.step in PLANS_MORE])
    return len(rows)


def _plan_what_follows(ctx: Context, order_ids: list[int]) -> None:
    for start in range(0, len(order_ids), BATCH):
        with ctx.database.transaction() as session:
            ids = order_ids[start : start + BATCH]
            lock_orders(session, ids)
            mine: defaultdict[int, list[int]] = defaultdict(list)
            for shop_id, order_id in session.execute(select(Order.shop_id, Order.id).where(Order.id.in_(ids))):
                mine[shop_id].append(order_id)
            for shop_id in sorted(mine):
                plan_orders(session, ctx, session.get_one(Shop, shop_id), mine[shop_id])


def _leave_a_gap(session: Session, gap: int) -> bool:
    """False: there is no row by which SQLite could be told to number on from higher up."""
    if session.get_bind().dialect.name != "sqlite":
        for table in metadata().sorted_tables:
            if "id" in table.c:
                sequence = session.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
                if sequence:
                    session.execute(text("SELECT setval(:s, nextval(:s) + :gap)"), {"s": sequence, "gap": gap})
        return True
    # SQLite numbers on from the highest id in the table: a message that no mail was written from yet becomes that one.
    unwritten = (
        select(Message.id)
        .where(Message.attempts == 0, Message.state.in_([State.WAITING, State.HELD, State.PLANNED]))
        .order_by(Message.state == State.PLANNED, Message.id.desc())
        .limit(1)
    )
    id_ = session.scalar(unwritten)
    if id_ is None:
        return False
    highest = session.scalar(select(func.max(Message.id))) or 0
    session.execute(
        update(Message).where(Message.id == id_).values(id=highest + gap).execution_options(synchronize_session=False)
    )
    return True
