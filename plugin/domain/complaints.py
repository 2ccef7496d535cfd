"""What a complaint does to the plan: nothing is sold before it is settled, and once it is mended the customer hears."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from plugin.domain.flows import YOU_TOLD_US, State
from plugin.domain.history import History
from plugin.domain.planned import Planned

AFTER_TROUBLE = timedelta(days=1)  # before it the customer may say that a settled complaint is not solved
UNHAPPY = "the customer was not satisfied, and nobody has settled it yet"
NOT_ARRIVED = "the customer says that it has not arrived"
TAKEN_BACK = "the shop took back that it is mended"


def unless_unhappy(history: History, message: Planned) -> Planned:
    """Nothing is sold to a customer who was not satisfied, before the shop has settled it."""
    if message.state not in (State.PLANNED, State.WAITING):
        return message
    if any(rating.closed_at is None for rating in history.low_ratings):
        return message.in_state(State.HELD, UNHAPPY)
    settled = max((r.closed_at for r in history.low_ratings if r.closed_at), default=None)
    if settled and message.due_at and message.due_at < settled + AFTER_TROUBLE:
        reason = "due a day after the complaint was settled"
        return message.in_state(message.state, reason, settled + AFTER_TROUBLE)
    return message


def mended(history: History) -> Iterator[Planned]:
    """The messages "you told us, we fixed it" of the mendings that this order tells of.

    That an order was cancelled or refunded since does not end them: what its customer said stands. While a complaint is
    open they wait, for nobody wants a cheerful word then.
    """
    for mending in history.mendings:
        message = Planned(step=YOU_TOLD_US, subject=mending_subject(mending.mending_id, history.order.order_id),
                          state=State.PLANNED, due_at=mending.at,
                          reason="due when the shop says that it is mended")  # fmt: skip
        if mending.undone:
            yield message.in_state(State.CANCELLED, TAKEN_BACK)
        elif any(issue.closed_at is None for issue in history.issues):
            yield message.in_state(State.HELD, NOT_ARRIVED)
        else:
            yield unless_unhappy(history, message)


def mending_subject(mending_id: int, order_id: str) -> str:
    """What such a message is about, which makes it the only one of this mending for the order."""
    return f"m{mending_id}-{order_id}"


def mending_of(subject: str) -> int | None:
    """The mending that a message's subject names."""
    number = subject.partition("-")[0].removeprefix("m")
    return int(number) if number.isascii() and number.isdecimal() else None
