"""What edited settings would do to messages that wait: planned with them against the stored rows, nothing stored."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from plugin.domain import gates
from plugin.domain.flows import LEFT, STEPS, State
from plugin.domain.reconcile import Stored, reconcile
from plugin.domain.timeline import Planned, plan
from plugin.domain.zones import zone_for
from plugin.services import histories
from plugin.services.context import Context
from plugin.services.late_effects import LateEffects, late_effects
from plugin.services.replanning import affected_orders, recent
from plugin.services.settings_change import changed_steps
from plugin.services.shops import shop_of
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

SECONDS = 1.5  # that a merchant waits for the numbers
IN_ONE_GO = 200  # orders
_OVER = (State.WITHHELD, State.CANCELLED)


@dataclass
class StepEffect:
    """What becomes of one step's unsent messages. Days are the shop's.

    `moved`: day -> how many move to it. `at_once`: due already by the new delay, so they leave now. `begin`: day -> how
    many that would not have gone. `end`: not sent any more, `why`: by reason. `late`: those that would by then be too
    late to be sent.
    """

    moved: Counter[date] = field(default_factory=Counter)
    at_once: int = 0
    begin: Counter[date] = field(default_factory=Counter)
    end: int = 0
    late: int = 0
    why: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.moved.total() + self.at_once + self.begin.total() + self.end + self.late


@dataclass(frozen=True, slots=True)
class Sample:
    """The numbers by step are worked out from so many orders of so many."""

    orders: int
    of: int


@dataclass
class Effects:
    """By step, in the flow's order, without those that nothing happens to. `waiting`: others, without a date yet.

    `sample` None: every number is exact. `late`: what quiet hours, the cap and the like will do.
    """

    steps: dict[str, StepEffect]
    waiting: int = 0
    sample: Sample | None = None
    late: LateEffects = field(default_factory=LateEffects)

    @property
    def total(self) -> int:
        """Messages that the change moves, ends or begins."""
        return sum(effect.total for effect in self.steps.values())


@dataclass(frozen=True, slots=True)
class LiveLine:
    """What going live does with one step's held messages."""

    at_once: int
    later: int
    stale: int


def preview_change(
    session: Session, ctx: Context, shop_id: int, edited: ShopSettings, seconds: float = SECONDS
) -> Effects:
    """What the edited settings do to messages that have not left. Raises UnknownShop.

    Of more orders than can be planned in so many seconds a sample is planned, and counts for all of them.
    """
    shop = shop_of(session, shop_id)
    now, zone, before = ctx.clock.now(), zone_for(None, shop.timezone), load_settings(shop.settings)
    late = late_effects(session, shop, before, edited, now)
    steps = changed_steps(before, edited)
    order_ids = affected_orders(session, shop, steps) if steps else set()
    if before.marketing != edited.marketing:
        order_ids |= recent(session, ctx, shop)
    found: dict[str, StepEffect] = {}
    dated = looked_at = 0
    for count, changes in _changes(session, shop, edited, order_ids, now, seconds):
        looked_at += count
        for row, wanted in changes:
            told = _count(found.setdefault(row.step, StepEffect()), row, wanted, now, zone)
            dated += told and row.step in steps and row.state is State.WAITING
    sample = Sample(looked_at, len(order_ids)) if looked_at < len(order_ids) else None
    if sample:
        for effect in found.values():
            _scale(effect, sample.of / sample.orders)
        dated = round(dated * sample.of / sample.orders)
    waiting = max(0, sum(_undated(session, shop_id, name) for name in steps) - dated)
    return Effects({name: found[name] for name in STEPS if name in found and found[name].total}, waiting, sample, late)


def preview_live(session: Session, ctx: Context, shop_id: int) -> dict[str, LiveLine]:
    """What would leave at once, what later, and what is too late by now; by step, of a shop that is not live."""
    m, now = Message, ctx.clock.now()
    stale = or_(*((m.step == step.name) & (m.due_at < now - step.stale_after) for step in STEPS.values()))
    counted = (
        func.sum(case((~stale & (m.due_at <= now), 1), else_=0)),
        func.sum(case((m.due_at > now, 1), else_=0)),
        func.sum(case((stale, 1), else_=0)),
    )
    rows = session.execute(
        select(m.step, *counted)
        .where(m.shop_id == shop_id, m.state == State.HELD, m.reason == gates.NOT_LIVE, m.due_at.is_not(None))
        .group_by(m.step)
    )
    lines = {step: LiveLine(int(at_once), int(later), int(gone)) for step, at_once, later, gone in rows}
    return {name: lines[name] for name in STEPS if name in lines}


def _changes(
    session: Session, shop: Shop, edited: ShopSettings, order_ids: Collection[int], now: datetime, seconds: float
) -> Iterator[tuple[int, list[tuple[Stored, Planned]]]]:
    """(number of orders looked at, what changes), some orders at a time and drawn by lot, until the time is over."""
    ids, end = sorted(order_ids), time.monotonic() + seconds
    random.Random(len(ids)).shuffle(ids)  # the same sample each time the same is asked
    for start in range(0, len(ids), IN_ONE_GO):
        if start and time.monotonic() > end:
            return
        some = ids[start : start + IN_ONE_GO]
        rows = session.scalars(
            select(Order).where(Order.shop_id == shop.id, Order.id.in_(some), Order.version.is_not(None))
        ).all()
        found: list[tuple[Stored, Planned]] = []
        for planning in histories.read(session, shop, rows, locked=False):
            found += reconcile(planning.stored, plan(edited, planning.history), now).change
        yield len(some), found
        session.expunge_all()  # a shop of many orders does not fit into one session
        shop = shop_of(session, shop.id)


def _scale(effect: StepEffect, times: float) -> None:
    effect.moved = Counter({day: round(count * times) for day, count in effect.moved.items()})
    effect.begin = Counter({day: round(count * times) for day, count in effect.begin.items()})
    effect.why = Counter({reason: round(count * times) for reason, count in effect.why.items()})
    effect.at_once, effect.late = round(effect.at_once * times), round(effect.late * times)
    effect.end = effect.why.total()


def _count(effect: StepEffect, row: Stored, wanted: Planned, now: datetime, zone: ZoneInfo) -> bool:
    """Whether anything that a merchant would notice happens to it."""
    if row.state in LEFT:
        return False
    goes, went = wanted.state not in _OVER, row.state not in _OVER
    if went and not goes:
        if wanted.reason.startswith("too late"):
            effect.late += 1
        else:
            effect.end += 1
            effect.why[wanted.reason] += 1
    elif goes and wanted.due_at is not None and (not went or wanted.due_at != row.due_at):
        if wanted.due_at <= now:
            effect.at_once += 1
        else:
            (effect.moved if went else effect.begin)[wanted.due_at.astimezone(zone).date()] += 1
    else:
        return False
    return True


def _undated(session: Session, shop_id: int, step: str) -> int:
    waits = select(func.count()).where(Message.shop_id == shop_id, Message.state == State.WAITING, Message.step == step)
    return session.execute(waits).scalar_one()
