"""Periods, and which message an order is credited to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.figures import Figures, Touch, bounds, credited, days_of, mark_of, marks, stretches

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def touch(number: int, days_before: float, *clicks: float) -> Touch:
    at = tuple(NOON - timedelta(days=click) for click in clicks)
    return Touch(number, "cross_sell", NOON - timedelta(days=days_before), at)


@pytest.mark.parametrize(
    ("touches", "credit"),
    [
        ([], None),
        ([touch(1, 2)], 1),
        ([touch(1, 7)], 1),
        ([touch(1, 7.01)], None),
        ([touch(1, 0), touch(2, -1)], None),
        ([touch(1, 5), touch(2, 1)], 2),
        ([touch(1, 5, 4.9), touch(2, 1)], 1),
        ([touch(1, 5, 4.9, 0.5), touch(2, 1, 0.9)], 1),
        ([touch(1, 5, -1), touch(2, 1)], 2),  # a click after the order
        ([touch(1, 8, 0.1), touch(2, 3)], 2),  # clicked, but sent too long ago
    ],
)
def test_an_order_is_credited_to_the_last_click_else_message(touches: list[Touch], credit: int | None) -> None:
    found = credited(NOON, touches)
    assert (found.message_id if found else None) == credit


def test_periods_end_today() -> None:
    assert days_of("7", TODAY) == (date(2026, 11, 14), TODAY)
    assert days_of("months", TODAY) == (date(2025, 12, 1), TODAY)
    assert days_of("months", date(2026, 12, 31)) == (date(2026, 1, 1), date(2026, 12, 31))
    with pytest.raises(KeyError):
        days_of("8", TODAY)


@pytest.mark.parametrize(("period", "count"), [("7", 7), ("30", 30), ("90", 13), ("months", 12)])
def test_every_day_belongs_to_one_stretch(period: str, count: int) -> None:
    first, last = days_of(period, TODAY)
    found = marks(period, first, last)
    assert len(found) == count
    assert found[0] == first
    places = [found.index(mark_of(first + timedelta(days=n), found)) for n in range((last - first).days + 1)]
    assert places == sorted(places)
    assert set(places) == set(range(count))


def test_a_day_is_as_long_as_the_zone_makes_it() -> None:
    start, end = bounds(date(2026, 10, 25), date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=25)


def test_days_are_counted_in_runs() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in (0, 1, 2, 5, 7, 8)]
    assert [(a.day, b.day) for a, b in stretches(days)] == [(1, 3), (6, 6), (8, 9)]
    assert [(b - a).days for a, b in stretches([date(2026, 1, 1) + timedelta(days=n) for n in range(40)])] == [30, 8]


def test_figures_add_up() -> None:
    total = Figures(sent=3, bounced=1, opened=1, orders=1, revenue=Counter({"EUR": 100}))
    total.add(Figures(sent=1, opened=1, revenue=Counter({"EUR": 1, "KRW": 5})))
    assert (total.sent, total.delivered, total.opened) == (4, 3, 2)
    assert total.revenue == {"EUR": 101, "KRW": 5}
    assert total.share("opened") == pytest.approx(2 / 3)
    assert Figures().share("opened") is None
