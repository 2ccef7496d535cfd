"""Messages of orders that ended long ago go to the archive, so that the calendar stays as long as what is going on.

An archived order is left alone by every plan: late news about it is recorded, and makes no message anew.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from plugin.domain import retention
from plugin.domain.flows import State
from plugin.services.context import Context
from plugin.services.plan import lock_orders
from plugin.services.races import insisting
from plugin.store import partitions
from plugin.store.models.archive import MessageArchive
from plugin.store.models.figures import Open
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order

ORDERS = 100  # in one transaction, so that nobody waits for it
TURN = 600.0  # seconds that one run may take
ENDED = frozenset({State.SENT, State.FAILED, State.CANCELLED, State.WITHHELD})
CLAIMED = frozenset({State.QUEUED, State.SENDING})
_KEPT = [column.key for column in MessageArchive.__table__.c if column.key not in ("at", "opened_at", "clicked_at")]

Mark = tuple[datetime, int]  # placed at, id: how far a run has come


def archive(ctx: Context) -> int:
    """Move what is old enough, in batches. Returns how many messages. May be stopped and repeated at any point.

    A run ends when its time is over, as the first one may on a calendar of years: the next goes on.
    """
    moved, mark, end = 0, None, time.monotonic() + TURN
    while time.monotonic() < end and (found := _next_orders(ctx, mark)):
        mark = found[-1]
        ids = [id_ for _, id_ in found]
        # Before the transaction that fills them: making one waits for whoever is writing to the table.
        partitions.make_months(ctx.database, MessageArchive.__tablename__, _moments(ctx, ids))
        moved += _move(ctx, ids)
    return moved


def find_message(session: Session, message_id: int) -> Message | MessageArchive | None:
    """A message by the id in its links, which work however old the mail is."""
    found = session.get(Message, message_id)
    return found or session.scalar(select(MessageArchive).where(MessageArchive.id == message_id))


def archived_messages(session: Session, shop_id: int, order_id: int) -> list[MessageArchive]:
    """What an archived order was sent, or was not, the oldest first."""
    mine = (MessageArchive.order_id == order_id, MessageArchive.shop_id == shop_id)
    return list(session.scalars(select(MessageArchive).where(*mine).order_by(MessageArchive.at, MessageArchive.id)))


def _next_orders(ctx: Context, after: Mark | None) -> list[Mark]:
    old = (Order.archived_at.is_(None), Order.placed_at < ctx.clock.now() - retention.MESSAGES)
    query = select(Order.placed_at, Order.id).where(*old).order_by(Order.placed_at, Order.id).limit(ORDERS)
    if after:
        query = query.where(tuple_(Order.placed_at, Order.id) > after)
    with ctx.database.reading() as session:
        return [(placed_at, id_) for placed_at, id_ in session.execute(query) if placed_at]


def _moments(ctx: Context, ids: Collection[int]) -> set[datetime]:
    with ctx.database.reading() as session:
        return {at for messages in _messages(session, ids).values() for _, at in messages}


@insisting
def _move(ctx: Context, order_ids: Collection[int]) -> int:
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        lock_orders(session, order_ids)
        found = _messages(session, order_ids, locked=True)
        newest = session.scalar(select(func.max(Message.id)))  # stays: SQLite would give its number away again
        done = [id_ for id_ in order_ids if _over(found[id_], now) and newest not in {row.id for row, _ in found[id_]}]
        rows = [pair for id_ in done for pair in found[id_]]
        if rows:
            _write(session, rows)
        session.execute(
            update(Order).where(Order.id.in_(done)).values(archived_at=now)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    return len(rows)


def _messages(
    session: Session, order_ids: Collection[int], locked: bool = False
) -> defaultdict[int, list[tuple[Any, datetime]]]:
    """By order: each message, and the moment under which it would be filed."""
    query = (
        select(*(getattr(Message, name) for name in _KEPT), Order.placed_at, Order.first_heard_at)
        .join(Order, Order.id == Message.order_id)
        .where(Message.order_id.in_(order_ids))
        .order_by(Message.id)
    )
    found: defaultdict[int, list[tuple[Any, datetime]]] = defaultdict(list)
    for row in session.execute(query.with_for_update(of=Message) if locked else query):
        found[row.order_id].append((row, row.sent_at or row.due_at or row.placed_at or row.first_heard_at))
    return found


def _over(messages: Iterable[tuple[Any, datetime]], now: datetime) -> bool:
    """Whether nothing of an order can be expected any more. One without messages is over when it is old."""
    for row, at in messages:
        age = retention.MESSAGES if row.state in ENDED else retention.WAITING
        if row.state in CLAIMED or at > now - age:
            return False
    return True


def _write(session: Session, rows: Collection[tuple[Any, datetime]]) -> None:
    ids = [row.id for row, _ in rows]
    clicked = _first(session, Click, Click.by_scanner.is_(False), ids)
    opened = _first(session, Open, Open.by_machine.is_(False), ids)
    values = [
        {name: getattr(row, name) for name in _KEPT}
        | {"at": at, "opened_at": opened.get(row.id), "clicked_at": clicked.get(row.id)}
        for row, at in rows
    ]
    session.execute(insert(MessageArchive), values)
    session.execute(delete(Message).where(Message.id.in_(ids)).execution_options(synchronize_session=False))


def _first(session: Session, table: type[Click | Open], by_people: Any, ids: Collection[int]) -> dict[int, datetime]:
    query = select(table.message_id, func.min(table.at)).where(table.message_id.in_(ids), by_people)
    return {row[0]: row[1] for row in session.execute(query.group_by(table.message_id))}
