"""What a scrape counts: a fixed number of index lookups, however many rows there are.

What could be many is counted up to `MOST`, or estimated from `STRETCHES` of neighbouring ids, spread evenly over all of
them: exact as long as there are few messages, else within a few per cent of the whole.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from rq import Queue
from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select
from sqlalchemy.orm import Session

from plugin.domain.flows import State
from plugin.domain.reasons import KINDS, OTHER
from plugin.queues import QUEUES
from plugin.services import tallies
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Receipt

MOST = 100_000  # a count that could be endless stops here
STRETCHES, LENGTH = 100, 200  # 20,000 ids are looked at
EXPLAINED = (State.PLANNED, State.WAITING, State.HELD, State.WITHHELD, State.CANCELLED, State.FAILED)
NEWEST = 5000  # receipts looked at for the way from a webhook to its thank-you
WINDOW = timedelta(minutes=10)
PLACED = "orders/create"


@dataclass(frozen=True, slots=True)
class Receipts:
    """`received`, `failed` and `rejected`: at most MOST each. `oldest_seconds`: of the one whose turn is next."""

    received: int
    failed: int
    rejected: int
    oldest_seconds: float
    newest_id: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Messages: `due` (at most MOST), claimed, on their way; the oldest due one's wait in business time."""

    due: int
    queued: int
    sending: int
    lag_seconds: float
    newest_id: int


@dataclass(frozen=True, slots=True)
class Census:
    """Messages by state, and by (state, kind of reason). `share`: of all ids that were looked at; 1: all, so exact."""

    states: dict[str, int]
    reasons: dict[tuple[str, str], int]
    share: float


@dataclass(frozen=True, slots=True)
class Ways:
    """Seconds (machine time) from accepted webhooks to their thank-yous; those under way with the time so far."""

    seconds: Sequence[float]  # in order

    def percentile(self, share: float) -> float:
        """0 without any."""
        return self.seconds[max(0, math.ceil(share * len(self.seconds)) - 1)] if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Valkey:
    """What Valkey knows: jobs in each queue, workers that are registered, and everybody's tallies."""

    queued: dict[str, int]
    workers: int
    tallies: dict[str, int]


def receipts(session: Session) -> Receipts:
    waiting = Receipt.state == _literal("received")
    oldest = session.scalar(
        select(Receipt.accepted_at).where(waiting).order_by(Receipt.next_attempt_at, Receipt.id).limit(1)
    )
    # The predicate repeats the partial index's, word for word.
    bad = Receipt.state.in_([_literal("failed"), _literal("rejected")])
    states = select(Receipt.state).where(bad).order_by(Receipt.id.desc()).limit(MOST).subquery()
    counts = _by_state(session, select(states.c.state, func.count()).group_by(states.c.state))
    return Receipts(
        received=_at_most(session, select(Receipt.id).where(waiting)),
        failed=counts.get("failed", 0),
        rejected=counts.get("rejected", 0),
        oldest_seconds=max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0,
        newest_id=session.scalar(select(func.max(Receipt.id))) or 0,
    )


def calendar(session: Session, now: datetime) -> Calendar:
    """`now`: business time."""
    planned = Message.state == _literal(State.PLANNED)
    ready = session.scalar(select(func.min(Message.ready_at)).where(planned))
    leased = Message.state.in_([_literal(State.QUEUED), _literal(State.SENDING)])
    at_work = _by_state(session, select(Message.state, func.count()).where(leased).group_by(Message.state))
    return Calendar(
        due=_at_most(session, select(Message.id).where(planned, Message.ready_at <= now)),
        queued=at_work.get(State.QUEUED, 0),
        sending=at_work.get(State.SENDING, 0),
        lag_seconds=max(0.0, (now - ready).total_seconds()) if ready else 0.0,
        newest_id=session.scalar(select(func.max(Message.id))) or 0,
    )


def census(session: Session) -> Census:
    lowest, highest = session.execute(select(func.min(Message.id), func.max(Message.id))).one()
    places, share = _places(lowest, highest) if highest else ([], 1.0)
    states: defaultdict[str, int] = defaultdict(int)
    reasons: defaultdict[tuple[str, str], int] = defaultdict(int)
    if places:
        kind = case(
            (Message.state.not_in(EXPLAINED), ""),
            *[(Message.reason.startswith(beginning, autoescape=True), kind) for beginning, kind in KINDS],
            else_=OTHER,
        ).label("kind")
        looked_at = select(Message.state, kind).where(or_(*places)).subquery()
        found = select(looked_at.c.state, looked_at.c.kind, func.count()).group_by(looked_at.c.state, looked_at.c.kind)
        for state, name, count in session.execute(found):
            states[state] += count
            if name:
                reasons[state, name] += count
    return Census(
        states={state: round(count / share) for state, count in states.items()},
        reasons={key: round(count / share) for key, count in reasons.items()},
        share=share,
    )


def ways(session: Session, now: datetime) -> Ways:
    """Of the newest receipts of new orders, as far as they are of the last ten minutes. `now`: business time."""
    machine_now = datetime.now(UTC)
    newest = select(Receipt).order_by(Receipt.id.desc()).limit(NEWEST).subquery()
    rows = session.execute(
        select(newest.c.accepted_at, Message.accepted_at)
        .join(Order, (Order.shop_id == newest.c.shop_id) & (Order.platform_id == newest.c.order_ref))
        .join(Message, Message.order_id == Order.id)
        .where(
            newest.c.topic == PLACED,
            newest.c.accepted_at > machine_now - WINDOW,
            Message.step == "thank_you",
            Message.copy == 0,
            or_(
                Message.state == State.SENT,
                (Message.state == State.PLANNED) & (Message.ready_at <= now),
                Message.state.in_([State.QUEUED, State.SENDING]),
            ),
        )
    )
    return Ways(sorted(max(0.0, ((sent or machine_now) - accepted).total_seconds()) for accepted, sent in rows))


def valkey(redis: Redis) -> Valkey:
    """Raises RedisError."""
    with redis.pipeline(transaction=False) as pipe:
        for name in QUEUES:
            pipe.llen(f"{Queue.redis_queue_namespace_prefix}{name}")
        pipe.scard("rq:workers")
        *lengths, workers = pipe.execute()
    return Valkey(dict(zip(QUEUES, lengths, strict=True)), workers, tallies.read(redis))


def _places(lowest: int, highest: int) -> tuple[list[ColumnElement[bool]], float]:
    """Which ids to look at, and which share of all these are."""
    all_ids = highest - lowest + 1
    if all_ids <= STRETCHES * LENGTH:
        return [Message.id.between(lowest, highest)], 1.0
    starts: Iterable[int] = (lowest + number * all_ids // STRETCHES for number in range(STRETCHES))
    return [Message.id.between(start, start + LENGTH - 1) for start in starts], STRETCHES * LENGTH / all_ids


def _at_most(session: Session, ids: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(ids.limit(MOST).subquery())) or 0


def _by_state(session: Session, statement: Select[str, int]) -> dict[str, int]:
    return {state: count for state, count in session.execute(statement)}  # noqa: C416


def _literal(state: str) -> object:
    """A constant written into the statement: partial indexes are not used for bound values."""
    return literal(str(state), literal_execute=True)
