"""What the home page counts: how much of each step went out, how much waits, and what needs attention.

Days that the figures have counted already are added up from there; only what left since is counted from the messages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from plugin.domain.flows import STEPS, State
from plugin.domain.zones import zone_for
from plugin.services.context import Context
from plugin.services.offer_view import refused_lately
from plugin.services.shops import shop_of
from plugin.store.models.customers import Issue
from plugin.store.models.figures import FigureDay, FigureRun
from plugin.store.models.messages import Message
from plugin.store.models.shops import Receipt, Shop

DAYS = 30
FAILED_DAYS = timedelta(days=7)
MANY = 100  # more is shown as "100+"


@dataclass(frozen=True, slots=True)
class StepCount:
    """`sent`: in the last 30 days. `dated`: have a date to leave at (or at which they would, were the shop live).
    `undated`: wait for something to happen first."""

    sent: int
    dated: int
    undated: int


@dataclass(frozen=True, slots=True)
class Attention:
    """What a merchant should look at. Counts stop at MANY."""

    failed: int  # messages that failed and were due in the last week
    missing: int  # open issues over parcels
    unhappy: int  # open issues over low ratings
    other: int  # open issues of other kinds
    rejected: int  # webhooks that could not be understood or processed
    without_offer: int = 0  # offers of the last week that the platform did not make

    @property
    def issues(self) -> int:
        return self.missing + self.unhappy + self.other


def step_counts(session: Session, ctx: Context, shop_id: int) -> dict[str, StepCount]:
    """By step, every step. Raises UnknownShop."""
    shop = shop_of(session, shop_id)
    sent = _sent(session, shop, ctx.clock.now())
    m = Message
    dated: Counter[str] = Counter()
    undated: Counter[str] = Counter()
    for state in (State.PLANNED, State.QUEUED, State.HELD, State.WAITING):
        mine = (m.shop_id == shop_id, m.state == state)
        has_date = func.count(m.due_at) if state is State.HELD else literal(0)  # one that is held has one or has none
        rows = session.execute(select(m.step, func.count(), has_date).where(*mine).group_by(m.step))
        for step, count, with_date in rows:
            on_time = count if state in (State.PLANNED, State.QUEUED) else with_date
            dated[step] += on_time
            undated[step] += count - on_time
    return {name: StepCount(sent[name], dated[name], undated[name]) for name in STEPS}


def attention(session: Session, ctx: Context, shop_id: int) -> Attention:
    m = Message
    failed = select(m.id).where(
        m.shop_id == shop_id, m.state == State.FAILED, m.due_at > ctx.clock.now() - FAILED_DAYS
    ).limit(MANY)  # fmt: skip
    kinds = Counter(
        session.scalars(select(Issue.kind).where(Issue.shop_id == shop_id, Issue.closed_at.is_(None)).limit(MANY))
    )
    missing, unhappy = kinds.pop("not_arrived", 0), kinds.pop("low_rating", 0)
    kinds.pop("failed_message", 0)  # counted as failed messages
    bad = select(Receipt.id).where(Receipt.shop_id == shop_id, Receipt.state.in_(("failed", "rejected"))).limit(MANY)
    return Attention(
        failed=len(session.scalars(failed).all()),
        missing=missing,
        unhappy=unhappy,
        other=kinds.total(),
        rejected=len(session.scalars(bad).all()),
        without_offer=refused_lately(session, ctx, shop_id, MANY),
    )


def _sent(session: Session, shop: Shop, now: datetime) -> Counter[str]:
    """The last 30 days of the shop's calendar, today included."""
    zone = zone_for(None, shop.timezone)
    first = now.astimezone(zone).date() - timedelta(days=DAYS - 1)
    through = session.scalar(select(FigureRun.through).where(FigureRun.shop_id == shop.id))
    counted: Counter[str] = Counter()
    since = first
    if through is not None and through >= first:
        d = FigureDay
        days = select(d.step, func.sum(d.sent)).where(d.shop_id == shop.id, d.day >= first, d.day <= through)
        for step, total in session.execute(days.group_by(d.step)):
            counted[step] += int(total)
        since = through + timedelta(days=1)
    m, begin = Message, datetime.combine(since, time(), zone)
    left = select(m.step, func.count()).where(m.shop_id == shop.id, m.sent_at >= begin).group_by(m.step)
    for step, count in session.execute(left):
        counted[step] += count
    return counted
