"""From the stored rows to the plan: what to add, change or remove, and nothing that already left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from plugin.domain.flows import LEFT, State
from plugin.domain.gates import is_stale, stale_reason
from plugin.domain.timeline import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row of the calendar, as far as reconciling looks at it. `id` is the row's."""

    id: int
    step: str
    subject: str
    copy: int
    state: State
    reason: str
    due_at: datetime | None
    parcels: tuple[str, ...]
    estimated: bool
    deferred: bool = False  # kept back by quiet hours, a cap or a retry: then its reason says so

    @property
    def key(self) -> tuple[str, str, int]:
        return self.step, self.subject, self.copy


@dataclass(frozen=True, slots=True)
class Changes:
    """`add`: new rows. `change`: (row, what it becomes). `remove`: rows that the plan knows no more."""

    add: tuple[Planned, ...] = ()
    change: tuple[tuple[Stored, Planned], ...] = ()
    remove: tuple[Stored, ...] = ()


def reconcile(stored: Iterable[Stored], planned: Iterable[Planned], now: datetime) -> Changes:
    """The difference between the calendar and the plan at business time `now`.

    Applying the changes and reconciling again gives none. Rows that left (sending, sent, failed) are never touched; a
    row deferred by quiet hours or by a retry keeps its deferral as long as the plan does not move it.
    """
    rows = {row.key: row for row in stored}
    add: list[Planned] = []
    change: list[tuple[Stored, Planned]] = []
    for message in planned:
        row = rows.pop(message.key, None)
        wanted = _unless_stale(message, now)
        if row is None:
            add.append(wanted)
        elif row.state not in LEFT and _differs(row, wanted):
            change.append((row, wanted))
    gone = [row for row in rows.values() if row.state not in LEFT]
    return Changes(tuple(add), tuple(change), tuple(gone))


def _unless_stale(message: Planned, now: datetime) -> Planned:
    if message.state is State.PLANNED and message.due_at and is_stale(message.step, message.due_at, now):
        return replace(message, state=State.WITHHELD, reason=stale_reason(message.due_at))
    return message


def _differs(row: Stored, wanted: Planned) -> bool:
    """A claimed row (queued) and a deferred one count as planned as long as what they say stays the same."""
    state = State.PLANNED if row.state is State.QUEUED else row.state
    same = (state, row.due_at, set(row.parcels), row.estimated) == (
        wanted.state, wanted.due_at, set(wanted.parcels), wanted.estimated
    )  # fmt: skip
    kept = row.deferred or row.state is State.QUEUED
    return not same or (row.reason != wanted.reason and not (kept and wanted.state is State.PLANNED))
