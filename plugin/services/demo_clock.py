"""The demo's clock: runs at the visitor's speed and stops at whatever has to happen first.

Nothing behind the demo waits for anything but this clock, so it must not run past a message that is due and has not
left: at six hours a second, half a second of sending would be three hours of lateness. What cannot leave holds the
clock for `PATIENCE` seconds of real time and no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from plugin.platforms.demo.books import Books
from plugin.services.context import Context
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import ClockRow, Receipt, Shop

PATIENCE = 5.0  # real seconds that one blocker may stop the clock in all
LONGEST_STEP = 1.0  # real seconds: after a pause of the machine the clock does not leap
SPEEDS = (0.0, 1.0, 3_600.0, 21_600.0, 43_200.0)
IN_FLIGHT = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that happens at `at`: the clock does not run past it. `words` complete "The clock waits for …"."""

    key: str
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock's next state. `holding`: keys of the blockers that stop it now."""

    now: datetime
    held_by: str | None = None
    holding: tuple[str, ...] = ()


def step(now: datetime, speed: float, elapsed: float, blockers: Iterable[Blocker], waited: Mapping[str, float]) -> Tick:
    """The clock after `elapsed` real seconds. `waited`: real seconds that each blocker has stopped it so far.

    It moves on by elapsed x speed, but at most to the earliest blocker whose patience is not used up.
    """
    if speed <= 0:
        return Tick(now, "paused")
    wanted = now + timedelta(seconds=min(elapsed, LONGEST_STEP) * speed)
    open_blockers = [blocker for blocker in blockers if waited.get(blocker.key, 0.0) < PATIENCE]
    first = min(open_blockers, key=lambda blocker: blocker.at, default=None)
    if first is None or first.at > wanted:
        return Tick(wanted)
    if first.at > now:
        return Tick(first.at)
    holding = tuple(blocker.key for blocker in open_blockers if blocker.at <= now)
    return Tick(now, first.words, holding)


@dataclass(slots=True)
class Patience:
    """How long each blocker has stopped the clock. One that is gone is forgotten."""

    waited: dict[str, float] = field(default_factory=dict)

    def spend(self, holding: Iterable[str], elapsed: float, present: Iterable[str]) -> None:
        here = set(present)
        self.waited = {key: spent for key, spent in self.waited.items() if key in here}
        for key in holding:
            self.waited[key] = self.waited.get(key, 0.0) + elapsed


def blockers(session: Session, books: Books, now: datetime) -> list[Blocker]:
    """What the clock must not run past: messages to leave, webhooks to deliver and to read, deeds to do."""
    found = [_of_message(*row, now=now) for row in session.execute(_messages_to_leave())]
    unread = session.execute(
        select(func.count()).where(Receipt.state == "received", Receipt.next_attempt_at <= datetime.now(UTC))
    ).scalar_one()
    if unread:
        found.append(Blocker("receipts", now, "Dasi to read what the shop told"))
    if books.outbox:
        found.append(Blocker(f"hook:{books.outbox[0].id}", now, "the shop's webhooks to arrive"))
    deed = books.next_deed()
    if deed:
        found.append(Blocker(f"deed:{deed.order_id}:{deed.kind}:{deed.at}", deed.at, "the shop to do what is planned"))
    return found


def _messages_to_leave() -> Select[int, str, str, Any, str | None]:
    """Rows of (id, step, state, moment, order's name), the earliest first."""
    moment = func.coalesce(Message.ready_at, Message.due_at)
    return (
        select(Message.id, Message.step, Message.state, moment.label("moment"), Order.name)
        .join(Shop, Shop.id == Message.shop_id)
        .join(Order, Order.id == Message.order_id)
        .where(Shop.live.is_(True), Shop.uninstalled_at.is_(None))
        .where(or_((Message.state == "planned") & Message.ready_at.is_not(None), Message.state.in_(IN_FLIGHT)))
        .order_by(moment)
        .limit(200)
    )


def _of_message(
    id_: int, name: str, state: str, moment: datetime | None, order: str | None, *, now: datetime
) -> Blocker:
    step_name = name.replace("cross_sell", "cross-sell").replace("follow_up", "follow-up").replace("_", " ")
    words = f"the {step_name} mail of {order or 'an order'} to leave"
    return Blocker(f"message:{id_}", now if moment is None or state in IN_FLIGHT else moment, words)


def read_clock(session: Session) -> ClockRow | None:
    return session.get(ClockRow, 1)


def seed_clock(ctx: Context) -> None:
    """Make the clock's row, from CLOCK_START and CLOCK_SPEED when they are set; a row that is there goes on."""
    with ctx.database.transaction() as session:
        if session.get(ClockRow, 1) is None:
            given = ctx.settings.clock
            now = given.start.astimezone(UTC) if given else datetime.now(UTC)
            session.add(ClockRow(id=1, now=now, speed=given.speed if given else 1.0, held_by=None))


def set_speed(ctx: Context, speed: float) -> None:
    with ctx.database.transaction() as session:
        session.execute(update(ClockRow).where(ClockRow.id == 1).values(speed=speed))


def advance(ctx: Context, tick: Tick) -> None:
    """Write the clock on, never back, and never touching the speed, which is the visitor's."""
    with ctx.database.transaction() as session:
        session.execute(
            update(ClockRow)
            .where(ClockRow.id == 1, ClockRow.now <= tick.now)
            .values(now=tick.now, held_by=tick.held_by)
        )
