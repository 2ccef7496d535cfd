"""What came of messages, in numbers: sums, periods, and which message an order is credited to."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CREDITED_WITHIN = timedelta(days=7)  # after a message was sent, an order may be credited to it
SETTLED_AFTER = timedelta(days=30)  # what happens to a message later than this is not counted any more
PERIODS = ("7", "30", "90", "months")
MONTHS = 12
COUNTS = ("sent", "bounced", "opened", "machine_opened", "clicked", "unsubscribed", "complained", "orders")


@dataclass
class Figures:
    """Of the messages sent in some time. Counts are of messages, but for `orders` (credited to them) and `revenue`,
    which is {currency: minor units}."""

    sent: int = 0
    bounced: int = 0
    opened: int = 0
    machine_opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    orders: int = 0
    revenue: Counter[str] = field(default_factory=Counter)

    @property
    def delivered(self) -> int:
        return self.sent - self.bounced

    def add(self, other: Figures) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.revenue.update(other.revenue)

    def share(self, name: str) -> float | None:
        """A count as a share (0 to 1) of what was delivered; None when nothing was."""
        return getattr(self, name) / self.delivered if self.delivered > 0 else None


@dataclass(frozen=True, slots=True)
class Touch:
    """A message that a customer got before an order. `clicks`: when a person followed one of its links."""

    message_id: int
    step: str
    sent_at: datetime
    clicks: tuple[datetime, ...] = ()


def credited(placed_at: datetime, touches: Iterable[Touch]) -> Touch | None:
    """The message that an order follows: the one clicked last before it, else the one sent last; in 7 days, or none."""
    within = [t for t in touches if placed_at - CREDITED_WITHIN <= t.sent_at < placed_at]
    clicked = [(max(at for at in t.clicks if at <= placed_at), t.sent_at, t.message_id, t)
               for t in within if any(at <= placed_at for at in t.clicks)]  # fmt: skip
    if clicked:
        return max(clicked, key=lambda found: found[:3])[3]
    return max(within, key=lambda t: (t.sent_at, t.message_id), default=None)


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments at which these days of a zone's calendar begin and have ended."""
    return day_start(first, zone), day_start(last + timedelta(days=1), zone)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def days_of(period: str, today: date) -> tuple[date, date]:
    """The first and last day of a period that ends today. KeyError for a period that there is not."""
    if period == "months":
        month = today.year * 12 + today.month - MONTHS
        return date(month // 12, month % 12 + 1, 1), today
    return today - timedelta(days={"7": 7, "30": 30, "90": 90}[period] - 1), today


def marks(period: str, first: date, last: date) -> list[date]:
    """The beginning of each stretch that a period is drawn in: days, weeks (of 90 days: 13 of them), or months."""
    if period == "months":
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [date(month // 12, month % 12 + 1, 1) for month in months]
    pace = 7 if period == "90" else 1
    return [first + timedelta(days=number) for number in range(0, (last - first).days + 1, pace)]


def mark_of(day: date, among: Sequence[date]) -> date:
    """The stretch a day belongs to: the latest mark that is not after it."""
    return among[max(bisect_right(among, day) - 1, 0)]


def stretches(days: Iterable[date], longest: int = 31) -> list[tuple[date, date]]:
    """Days as (first, last) of consecutive runs of at most so many."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and day - found[-1][1] == timedelta(days=1) and (day - found[-1][0]).days < longest:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
