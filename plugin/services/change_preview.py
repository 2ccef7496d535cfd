"""What edited settings would do to messages that wait: planned with them against the stored rows, nothing stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
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
from plugin.services.plan import AT_ONCE
from plugin.services.replanning import affected_orders
from plugin.services.settings_change import changed_steps
from plugin.services.shops import shop_of
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

_OVER = (State.WITHHELD, State.CANCELLED)


@dataclass
class StepEffect:
    """What becomes of one step's unsent messages. Days are the shop's.

    `moved`: day -> how many move to it. `at_once`: due already by the new delay, so they leave now. `begin`: day -> how
    many that would not have gone. `end`: not sent any more. `late`: those that would by then be too late to be sent.
    """

    moved: Counter[date] = field(default_factory=Counter)
    at_once: int = 0
    begin: Counter[date] = field(default_factory=Counter)
    end: int = 0
    late: int = 0

    @property
    def total(self) -> int:
        return self.moved.total() + self.at_once + self.begin.total() + self.end + self.late


@dataclass
class Effects:
    """By step, in the flow's order, without those that nothing happens to. `waiting`: others, without a date yet."""

    steps: dict[str, StepEffect]
    waiting: int = 0

    @property
    def total(self) -> int:
        return sum(effect.total for effect in self.steps.values())


@dataclass(frozen=True, slots=True)
class LiveLine:
    """What going live does with one step's held messages."""

    at_once: int
    later: int
    stale: int


def preview_change(session: Session, ctx: Context, shop_id: int, edited: ShopSettings) -> Effects:
    """What the edited settings do to messages that have not left. Raises UnknownShop."""
    shop = shop_of(session, shop_id)
    now, zone = ctx.clock.now(), zone_for(None, shop.timezone)
    steps = changed_steps(load_settings(shop.settings), edited)
    found: dict[str, StepEffect] = {}
    waiting = sum(_undated(session, shop_id, name) for name in steps)
    for row, wanted in _changes(session, shop, edited, affected_orders(session, shop, steps), now):
        told = _count(found.setdefault(row.step, StepEffect()), row, wanted, now, zone)
        waiting -= told and row.step in steps and row.state is State.WAITING
    return Effects({name: found[name] for name in STEPS if name in found and found[name].total}, waiting)


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
    session: Session, shop: Shop, edited: ShopSettings, order_ids: Collection[int], now: datetime
) -> list[tuple[Stored, Planned]]:
    ids = sorted(order_ids)
    found: list[tuple[Stored, Planned]] = []
    for start in range(0, len(ids), AT_ONCE):
        rows = session.scalars(
            select(Order).where(
                Order.shop_id == shop.id, Order.id.in_(ids[start : start + AT_ONCE]), Order.version.is_not(None)
            )
        ).all()
        for planning in histories.read(session, shop, rows, locked=False):
            found += reconcile(planning.stored, plan(edited, planning.history), now).change
        session.expunge_all()  # a shop of many orders does not fit into one session
        shop = shop_of(session, shop.id)
    return found


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
