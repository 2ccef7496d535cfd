"""The rules of the survey: how long it may be answered and changed, when it is complete, how long it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

EDITABLE_FOR = timedelta(days=1)  # after the answer was complete
OPEN_FOR = timedelta(days=60)  # after the mail left: later than that nobody remembers how it was
LONGEST_SITTING = 3600  # seconds: who looks at the page for longer walked away in between
ENOUGH = 10  # answers from which a measured time is worth acting on

Given = dict[str, dict[str, Any]]  # by the question's id: kind, asked, place, and value, chosen (and other) or words


def may_be_changed(completed_at: datetime | None, now: datetime) -> bool:
    return completed_at is None or now < completed_at + EDITABLE_FOR


def is_over(sent_at: datetime | None, now: datetime) -> bool:
    """Is the survey closed for whoever did not answer? One that was not sent never is."""
    return sent_at is not None and now >= sent_at + OPEN_FOR


def answered(given: Mapping[str, Any] | None) -> bool:
    parts = ("value", "chosen", "other", "words")
    return given is not None and any(given.get(part) not in (None, [], "") for part in parts)


def sitting(started: float, now: float) -> int | None:
    """The seconds from the page's first sight to its button; None where the clock or the customer went elsewhere."""
    seconds = round(now - started)
    return max(seconds, 0) if -60 <= seconds <= LONGEST_SITTING else None


def better_statement(median_seconds: float | None, answers: int, stated_minutes: int) -> int | None:
    """The minutes that the mail should state, where what it states is off; None: it is right, or too early to tell."""
    if median_seconds is None or answers < ENOUGH:
        return None
    measured = min(30, max(1, math.ceil(median_seconds / 60)))
    return measured if measured != stated_minutes else None


def without_words(given: Given | None) -> Given | None:
    """What is left of the answers when whoever gave them is to be forgotten."""
    if given is None:
        return None
    return {
        id_: {part: said for part, said in one.items() if part not in ("words", "other")} for id_, one in given.items()
    }
