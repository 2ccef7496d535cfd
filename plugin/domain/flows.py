"""The flow as a table: its steps, what each may claim of a customer, and how long each may wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

POST_PURCHASE = "post_purchase"
FEEDBACK = "feedback"
YOU_TOLD_US = "you_told_us"


class MessageClass(StrEnum):
    TRANSACTIONAL = "transactional"  # goes unless the address is dead or complained
    SERVICE = "service"  # also stops at an opt-out
    MARKETING = "marketing"  # needs consent, or the soft opt-in where the country allows it


class State(StrEnum):
    PLANNED = "planned"  # has a due date
    WAITING = "waiting"  # for something to happen
    HELD = "held"  # stopped for now, by an open issue or a shop that is not live
    QUEUED = "queued"  # claimed by a worker
    SENDING = "sending"  # its data may be on the way
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"  # what it was about ended
    WITHHELD = "withheld"  # may not go, for the reason given


LEFT = frozenset({State.SENDING, State.SENT, State.FAILED})  # no plan changes these any more

# Every legal change of state; a worker's or the planner's mistake raises instead of sending twice.
_PLANS = frozenset({State.PLANNED, State.WAITING, State.HELD, State.CANCELLED, State.WITHHELD})
TRANSITIONS: dict[State, frozenset[State]] = {
    State.PLANNED: _PLANS | {State.QUEUED},
    State.WAITING: _PLANS,
    State.HELD: _PLANS,
    State.CANCELLED: _PLANS,
    State.WITHHELD: _PLANS,
    State.QUEUED: _PLANS | {State.QUEUED, State.SENDING},
    State.SENDING: frozenset({State.SENT, State.FAILED, State.PLANNED, State.SENDING}),
    State.SENT: frozenset({State.FAILED}),  # it came back
    State.FAILED: frozenset({State.PLANNED}),
}


class IllegalTransition(Exception):
    """A message was about to change in a way that the table does not allow."""


def check_transition(old: State, new: State) -> None:
    """Raises IllegalTransition."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"{old} -> {new}")


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    message_class: MessageClass
    stale_after: timedelta  # past its due date by more than this, it is withheld, never sent late
    priority: int  # the lower leaves first when much is due, or when a cap leaves room for one
    flow: str = POST_PURCHASE


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step("thank_you", MessageClass.TRANSACTIONAL, timedelta(hours=24), 0),
        Step("shipped", MessageClass.TRANSACTIONAL, timedelta(hours=72), 1),
        Step("delivered", MessageClass.TRANSACTIONAL, timedelta(hours=72), 2),
        Step("survey", MessageClass.SERVICE, timedelta(days=14), 3),
        Step("cross_sell", MessageClass.MARKETING, timedelta(days=14), 4),
        Step("cross_sell_follow_up", MessageClass.MARKETING, timedelta(days=14), 5),
        # Only where the merchant says that what a customer told is mended; level with the survey, before what sells.
        Step(YOU_TOLD_US, MessageClass.SERVICE, timedelta(days=14), 3, FEEDBACK),
        # What completing the survey brought, where its mail promised something.
        Step("survey_reward", MessageClass.SERVICE, timedelta(hours=72), 3, FEEDBACK),
    )
}


def class_of(step: str, promises: bool = False) -> MessageClass:
    """What a message counts as. A survey that promises something for an answer is advertising, whatever it asks."""
    return MessageClass.MARKETING if step == "survey" and promises else STEPS[step].message_class
