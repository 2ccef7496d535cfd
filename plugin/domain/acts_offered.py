"""What the merchant may do to a message: an act is offered when the plan with it would say something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.domain.flows import LEFT, State
from plugin.domain.history import Act, History
from plugin.domain.reconcile import Stored
from plugin.domain.timeline import Planned, plan
from schemas.settings import ShopSettings

CANCEL, SEND_NOW, SEND_AGAIN = "cancel", "send_now", "send_again"
KINDS = (CANCEL, SEND_NOW, SEND_AGAIN)
_OVER = frozenset({State.CANCELLED, State.WITHHELD})


def acts_offered(
    settings: ShopSettings, history: History, stored: Sequence[Stored], now: datetime
) -> dict[int, set[str]]:
    """Row id -> the acts that make sense for it at business time `now`.

    Cancel: what has neither left nor ended. Send now: what would go then, and goes later or not at all as it is. Send
    again: what left or failed, if a copy might go and none is under way. Consent and the other gates hold as ever.
    """
    return {row.id: {kind for kind in KINDS if _offered(kind, settings, history, stored, row, now)} for row in stored}


def moment(history: History, now: datetime) -> datetime:
    """When an act of now is said to be: after all that went before, so that it is the newest one."""
    return max([now, *(act.at + timedelta(microseconds=1) for act in history.acts)])


def copies(history: History, step: str, subject: str) -> int:
    """How often the merchant had the message sent again: the number of its newest copy."""
    return sum((a.kind, a.step, a.subject) == (SEND_AGAIN, step, subject) for a in history.acts)


def _offered(
    kind: str, settings: ShopSettings, history: History, stored: Sequence[Stored], row: Stored, now: datetime
) -> bool:
    if kind == SEND_AGAIN:
        again = (other for other in stored if (other.step, other.subject) == (row.step, row.subject) and other.copy)
        if row.copy or row.state not in (State.SENT, State.FAILED):
            return False
        if any(other.state not in (State.SENT, State.FAILED, *_OVER) for other in again):
            return False
    elif row.state in LEFT or (kind == CANCEL and row.state in _OVER) or (kind == SEND_NOW and _goes_anyway(row, now)):
        return False
    planned = _with(kind, settings, history, row, now)
    if planned is None:
        return False
    if kind == CANCEL:
        return planned.state is State.CANCELLED
    return planned.state is State.PLANNED


def _goes_anyway(row: Stored, now: datetime) -> bool:
    return row.state is State.QUEUED or (
        row.state is State.PLANNED and row.due_at is not None and row.due_at <= now and not row.deferred
    )


def _with(kind: str, settings: ShopSettings, history: History, row: Stored, now: datetime) -> Planned | None:
    """The message, or its new copy, in the plan with this act."""
    copy = copies(history, row.step, row.subject) + 1 if kind == SEND_AGAIN else row.copy
    act = Act(kind, row.step, row.subject, moment(history, now), 0 if kind == SEND_AGAIN else copy)
    told = plan(settings, replace(history, acts=(*history.acts, act)))
    return next((m for m in told if m.key == (row.step, row.subject, copy)), None)
