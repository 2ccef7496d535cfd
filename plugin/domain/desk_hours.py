"""The desk's opening hours: when an answer is due, and how much open time has passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
GOAL = timedelta(minutes=10)
AHEAD = 60  # days that are looked at for the next open hour
Span = tuple[time, time]
_OFFICE: tuple[Span, ...] = ((time(10), time(18)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHours:
    """`days`: the spans of each weekday, Monday first, wall times of `zone`, in order and apart; a span that ends at
    00:00 ends with its day. `told` False: assumed, because the shop told none."""

    zone: ZoneInfo
    days: tuple[tuple[Span, ...], ...]
    goal: timedelta = GOAL
    told: bool = True


def assumed(zone: ZoneInfo) -> DeskHours:
    """Office hours, for a shop that told none."""
    return DeskHours(zone=zone, days=(_OFFICE,) * 5 + ((),) * 2, told=False)


def is_open(hours: DeskHours, at: datetime) -> bool:
    return any(start <= at < end for start, end in _spans(hours, at, days=1))


def reply_by(hours: DeskHours, asked_at: datetime) -> datetime:
    """When the goal's open minutes have passed since `asked_at`. A desk that never opens answers within the goal."""
    left = hours.goal
    for start, end in _spans(hours, asked_at, AHEAD):
        start = max(start, asked_at)
        if start + left <= end:
            return start + left
        left -= max(end - start, timedelta(0))
    return asked_at + hours.goal


def working_day_after(hours: DeskHours, asked_at: datetime) -> datetime:
    """The end of the first day of opening that begins after `asked_at`: what a shop without told hours can promise."""
    spans = [span for span in _spans(hours, asked_at, AHEAD) if span[0] > asked_at]
    if not spans:
        return asked_at + timedelta(days=1)
    first = spans[0][0].astimezone(hours.zone).date()
    return max(end for start, end in spans if start.astimezone(hours.zone).date() == first)


def open_time(hours: DeskHours, start: datetime, end: datetime) -> timedelta:
    """How much of the time from `start` to `end` the desk was open; zero when `end` comes first."""
    if end <= start:
        return timedelta(0)
    days = (end - start).days + 1
    spans = ((max(begin, start), min(close, end)) for begin, close in _spans(hours, start, days))
    return sum((close - begin for begin, close in spans if close > begin), timedelta(0))


def _spans(hours: DeskHours, since: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Opening and closing moments in UTC, from the day of `since` on, in order. Wall times are taken at their own date:
    a time that daylight saving skips is moved on by as much as was skipped; of one that comes twice the first counts.
    """
    first = since.astimezone(hours.zone).date()
    for number in range(days + 1):
        day = first + timedelta(days=number)
        for start, end in hours.days[day.weekday()]:
            closes = day if end > start else day + timedelta(days=1)
            yield _utc(hours, day, start), _utc(hours, closes, end)


def _utc(hours: DeskHours, day: date, at: time) -> datetime:
    return datetime.combine(day, at, hours.zone).astimezone(UTC)
