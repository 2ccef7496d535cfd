"""What follows when a message did not simply leave: the one place for each rule, unknown outcomes included."""

from __future__ import annotations

from datetime import timedelta

from plugin.domain.flows import MessageClass, State

_BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 20, 60, 180, 360))


def after_unknown_outcome(message_class: MessageClass) -> State:
    """A message was handed over and nobody knows whether it was accepted: its lease expired while sending, or the
    connection broke before the answer.

    Transactional and service mail goes again with the same Message-ID, since a customer who misses it is worse off than
    one whose mailbox drops a duplicate. Marketing is given up: it leaves at most once.
    """
    return State.FAILED if message_class is MessageClass.MARKETING else State.PLANNED


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts (1 or more): 1 minute growing to 6 hours, in business time."""
    return _BACKOFF[min(max(attempts, 1), len(_BACKOFF)) - 1]
