"""What came of a mending: how many of those who were told bought again, beside customers who had not complained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from plugin.domain.complaints import mending_subject
from plugin.domain.flows import FEEDBACK, YOU_TOLD_US, State
from plugin.domain.scores import Interval, difference, share
from plugin.services.facts.orders import CALLED_OFF
from plugin.services.mending_facts import Person
from plugin.services.mendings import one_mending
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.feedback import AnswerTag
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order

WITHIN = timedelta(days=60)  # after it, an order counts as having bought again
CHUNK = 500  # people whose orders are read at once
COMPARED = 5_000  # the newest answers of the period that are compared with
STATES = ("planned", "held", "sent", "failed", "withheld", "cancelled")


@dataclass(frozen=True, slots=True)
class Group:
    """Customers of whom enough time has passed, and how many of them ordered again in it."""

    customers: int
    bought: int

    @property
    def share(self) -> Interval | None:
        return share(self.bought, self.customers)


@dataclass(frozen=True, slots=True)
class MendingOutcome:
    """`states`: messages by state. `told`: of whom the days are over; `waiting`: told, and they are not. `others`:
    customers who answered in the same period without the tag. `gap`: (told − others, low, high) of their shares."""

    states: dict[str, int]
    days: int
    told: Group
    waiting: int
    others: Group
    first: datetime | None
    last: datetime | None
    gap: tuple[float, float, float] | None
    verdict: str  # nobody, early, few, unclear, more, less


def outcome(session: Session, now: datetime, shop_id: int, mending_id: int) -> MendingOutcome:
    """Raises NoSuchMending."""
    mending = one_mending(session, shop_id, mending_id)
    states = _states(session, shop_id, mending_id)
    over = now - WITHIN
    told, waiting = _told(session, shop_id, mending_id, over)
    first, last = _period(session, mending.tag_id, mending.made_at)
    others = Group(0, 0)
    if first and last and mending.made_at <= over:
        others = _others(session, shop_id, mending.tag_id, mending.made_at, first, last)
    gap = difference(told.share, others.share)
    return MendingOutcome(states, WITHIN.days, told, waiting, others, first, last, gap,
                          _verdict(told, waiting, others, gap))  # fmt: skip


def _verdict(told: Group, waiting: int, others: Group, gap: tuple[float, float, float] | None) -> str:
    if not told.customers:
        return "early" if waiting else "nobody"
    one, other = told.share, others.share
    if gap is None or one is None or other is None or one.few or other.few:
        return "few"
    if gap[1] > 0:
        return "more"
    return "less" if gap[2] < 0 else "unclear"


def _of_mending(shop_id: int, mending_id: int) -> ColumnElement[bool]:
    prefix = mending_subject(mending_id, "")
    subject = Message.subject
    # A range that the unique index serves on either database.
    mine = (Message.shop_id == shop_id, Message.flow == FEEDBACK, Message.step == YOU_TOLD_US, Message.copy == 0)
    return and_(*mine, subject >= prefix, subject < prefix[:-1] + chr(ord(prefix[-1]) + 1))


def _states(session: Session, shop_id: int, mending_id: int) -> dict[str, int]:
    rows = session.execute(
        select(Message.state, func.count()).where(_of_mending(shop_id, mending_id)).group_by(Message.state)
    )
    counted = dict.fromkeys(STATES, 0)
    for state, count in rows:
        counted["planned" if state in (State.QUEUED, State.SENDING, State.WAITING) else state] += count
    return counted


def _told(session: Session, shop_id: int, mending_id: int, over: datetime) -> tuple[Group, int]:
    rows = session.execute(
        select(Message.sent_at, Order.id.label("order_id"), Order.customer_id, Order.address)
        .join(Order, Order.id == Message.order_id)
        .where(_of_mending(shop_id, mending_id), Message.state == State.SENT)
    ).all()
    passed = [(_person(row), row.sent_at) for row in rows if row.sent_at <= over]
    return Group(len(passed), _bought(session, shop_id, passed)), len(rows) - len(passed)


def _period(session: Session, tag_id: int, made_at: datetime) -> tuple[datetime | None, datetime | None]:
    """When those answered who had raised it."""
    t = AnswerTag
    row = session.execute(
        select(func.min(t.answered_at), func.max(t.answered_at))
        .where(t.tag_id == tag_id, t.removed.is_(False), t.at <= made_at)
    ).one()  # fmt: skip
    return row[0], row[1]


def _others(session: Session, shop_id: int, tag_id: int, made_at: datetime, first: datetime, last: datetime) -> Group:
    """Customers who answered in that period and never raised it; their days begin when the mending was made."""
    a, o = SurveyAnswer, Order
    newest = (
        select(a.order_id)
        .where(a.shop_id == shop_id, a.started_at >= first, a.started_at <= last)
        .order_by(a.started_at.desc())
        .limit(COMPARED)
        .subquery()
    )
    answered = session.execute(
        select(o.id.label("order_id"), o.customer_id, o.address)
        .join(newest, newest.c.order_id == o.id)
        .where(o.redacted_at.is_(None))
    )
    people = {_person(row) for row in answered}
    complained = session.execute(
        select(o.id.label("order_id"), o.customer_id, o.address)
        .join(AnswerTag, AnswerTag.order_id == o.id)
        .where(AnswerTag.tag_id == tag_id, AnswerTag.removed.is_(False))
    )
    kept = people - {_person(row) for row in complained}
    return Group(len(kept), _bought(session, shop_id, [(person, made_at) for person in kept]))


def _person(row: Any) -> Person:
    if row.customer_id:
        return row.customer_id, ""
    return (0, row.address) if row.address else (-row.order_id, "")


def _bought(session: Session, shop_id: int, people: Sequence[tuple[Person, datetime]]) -> int:
    """How many of them placed an order that counts within the days after their moment."""
    return sum(
        any(since < at <= since + WITHIN for at in placed.get(person, ()))
        for start in range(0, len(people), CHUNK)
        for placed in [_placed(session, shop_id, people[start : start + CHUNK])]
        for person, since in people[start : start + CHUNK]
    )


def _placed(session: Session, shop_id: int, people: Sequence[tuple[Person, datetime]]) -> dict[Person, list[datetime]]:
    """When each of them ordered after the earliest moment; each kind of person on an index of its own."""
    o, since = Order, min(at for _, at in people)
    ids = {customer for (customer, _), _ in people if customer > 0}
    guests = {address for (customer, address), _ in people if customer == 0}
    found: dict[Person, list[datetime]] = {}
    for condition, any_ in ((o.customer_id.in_(ids), ids), (o.address.in_(guests) & o.customer_id.is_(None), guests)):
        if not any_:
            continue
        rows = session.execute(
            select(o.id.label("order_id"), o.customer_id, o.address, o.placed_at).where(
                o.shop_id == shop_id, condition, o.placed_at > since, o.test.is_(False), o.cancelled_at.is_(None),
                o.deleted_at.is_(None), or_(o.financial_status.is_(None), o.financial_status.not_in(CALLED_OFF)),
            )
        )  # fmt: skip
        for row in rows:
            found.setdefault(_person(row), []).append(row.placed_at)
    return found
