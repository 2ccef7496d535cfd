"""The merchant's list of messages by state, step and period: a page at a time, and never more than a bounded look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, func, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.domain.flows import STEPS, State
from plugin.services.order_search import full_name
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order

PAGE = 50
LOOK = 3000  # rows that one page looks at in search of those that match
LISTS = ("planned", "leaving", "sent", "waiting", "held", "failed", "withheld", "cancelled")
_LEAVING = (State.QUEUED, State.SENDING)
Rows = Sequence[Row[*tuple[Any, ...]]]
Arm = Select[*tuple[Any, ...]]
Found = tuple[Rows, "Mark | None"]
m = Message


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended. `at`: what its list goes by, None where it goes by the row's number alone."""

    at: datetime | None
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message in the list. `at`: when it was sent, or may leave; None when neither."""

    id: int
    order_id: int
    order_name: str
    customer: str
    email: str | None
    step: str
    copy: int
    state: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """`more`: where the list goes on. A page may be short, even empty, and go on: all it looked at was left out."""

    messages: tuple[MessageLine, ...]
    more: Mark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`state`: one of LISTS. The period is of the sending, of the day it may leave, or else of the order's placing."""

    state: str
    step: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def find_messages(session: Session, shop_id: int, wanted: Wanted, after: Mark | None = None) -> MessagePage:
    """The next first for `planned`, else the newest first. Raises ValueError for a list or a step that is none."""
    if wanted.state not in LISTS or (wanted.step and wanted.step not in STEPS):
        raise ValueError("no such list")
    rows: Rows
    if wanted.state == State.PLANNED:
        rows, more = _planned(session, shop_id, wanted, after)
    elif wanted.state == State.SENT:
        rows, more = _sent(session, shop_id, wanted, after)
    elif wanted.since or wanted.until:
        rows, more = _idle_within(session, shop_id, wanted, after)
    else:
        found = _together(_idle(shop_id, wanted, after, PAGE + 1))
        rows = session.execute(select(found).order_by(found.c.id.desc()).limit(PAGE + 1)).all()
        rows, more = rows[:PAGE], Mark(None, rows[PAGE - 1].id) if len(rows) > PAGE else None
    return MessagePage(_lines(session, shop_id, [row.id for row in rows]), more)


def _planned(session: Session, shop_id: int, wanted: Wanted, after: Mark | None) -> Found:
    """A range of an index for each step, merged."""
    mine = [m.shop_id == shop_id, m.state == literal("planned", literal_execute=True)]
    mine += _period(m.ready_at, wanted)
    if after and after.at:
        mine.append(tuple_(m.ready_at, m.id) > tuple_(literal(after.at), literal(after.id)))
    arms: list[Arm] = [
        select(m.id, m.ready_at.label("at")).where(*mine, m.step == step).order_by(m.ready_at, m.id).limit(PAGE + 1)
        for step in ([wanted.step] if wanted.step else STEPS)
    ]
    found = _together(arms)
    rows = session.execute(select(found).order_by(found.c.at, found.c.id).limit(PAGE + 1)).all()
    return rows[:PAGE], Mark(rows[PAGE - 1].at, rows[PAGE - 1].id) if len(rows) > PAGE else None


def _sent(session: Session, shop_id: int, wanted: Wanted, after: Mark | None) -> Found:
    mine = [m.shop_id == shop_id, m.sent_at.is_not(None), *_period(m.sent_at, wanted)]
    if after and after.at:
        mine.append(tuple_(m.sent_at, m.id) < tuple_(literal(after.at), literal(after.id)))
    look = (
        select(m.id, m.sent_at.label("at"), m.step, m.state)
        .where(*mine).order_by(m.sent_at.desc(), m.id.desc()).limit(LOOK)
    )  # fmt: skip
    found = look.subquery()
    fitting = [found.c.state == State.SENT, *([found.c.step == wanted.step] if wanted.step else [])]
    rows = session.execute(
        select(found.c.id, found.c.at).where(*fitting).order_by(found.c.at.desc(), found.c.id.desc()).limit(PAGE + 1)
    ).all()
    if len(rows) > PAGE:
        return rows[:PAGE], Mark(rows[PAGE - 1].at, rows[PAGE - 1].id)
    last = session.execute(look.offset(LOOK - 1).limit(1)).first() if wanted.step else None
    return rows, Mark(last.at, last.id) if last else None


def _idle(shop_id: int, wanted: Wanted, after: Mark | None, limit: int) -> list[Arm]:
    """What is not due, the newest first by the row's number, which follows the order's arrival: for each step apart,
    because so the index gives them in this order."""
    mine = [m.shop_id == shop_id, *([m.id < after.id] if after else [])]
    states = _LEAVING if wanted.state == "leaving" else (State(wanted.state),)
    return [
        select(m.id, m.order_id, m.step, m.state)
        .where(*mine, m.state == literal(str(state), literal_execute=True), m.step == step)
        .order_by(m.id.desc())
        .limit(limit)
        for state in states for step in ([wanted.step] if wanted.step else STEPS)
    ]  # fmt: skip


def _idle_within(session: Session, shop_id: int, wanted: Wanted, after: Mark | None) -> Found:
    """Those whose orders were placed in the period, among as many as one page looks at."""
    arms = _idle(shop_id, wanted, after, 0)
    most = LOOK // len(arms)
    found = _together([arm.limit(most) for arm in arms])
    looked_at = select(func.count(), func.min(found.c.id)).group_by(found.c.state, found.c.step)
    # Where the look at one step ended before its rows did, nothing older is shown yet: it waits for the next page.
    reached = max((last for count, last in session.execute(looked_at) if count == most), default=0)
    rows = session.execute(
        select(found)
        .join(Order, Order.id == found.c.order_id)
        .where(found.c.id >= reached, *_period(Order.placed_at, wanted))
        .order_by(found.c.id.desc())
        .limit(PAGE + 1)
    ).all()
    if len(rows) > PAGE:
        return rows[:PAGE], Mark(None, rows[PAGE - 1].id)
    return rows, Mark(None, reached) if reached else None


def _period(column: InstrumentedAttribute[datetime | None], wanted: Wanted) -> list[ColumnElement[bool]]:
    begins = [column >= wanted.since] if wanted.since else []
    return [*begins, *([column < wanted.until] if wanted.until else [])]


def _together(arms: Sequence[Arm]) -> Subquery:
    """All rows of these limited selects. Each stands in brackets of its own, as SQLite asks."""
    return union_all(*(select(arm.subquery()) for arm in arms)).subquery()


def _lines(session: Session, shop_id: int, ids: Sequence[int]) -> tuple[MessageLine, ...]:
    rows = session.execute(
        select(m, Order)
        .join(Order, (Order.id == m.order_id) & (Order.shop_id == m.shop_id))
        .where(m.shop_id == shop_id, m.id.in_(ids))
    )
    by_id = {message.id: (message, order) for message, order in rows}
    return tuple(_line(*by_id[id_]) for id_ in ids if id_ in by_id)


def _line(message: Message, order: Order) -> MessageLine:
    return MessageLine(
        id=message.id,
        order_id=order.id,
        order_name=order.name or order.platform_id,
        customer=full_name(order),
        email=order.email,
        step=message.step,
        copy=message.copy,
        state=message.state,
        reason=message.reason,
        at=message.sent_at or message.ready_at,
    )
