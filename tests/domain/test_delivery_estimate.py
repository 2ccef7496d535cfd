"""How long a parcel is expected to take, and which days a customer is told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from plugin.domain.delivery_estimate import NoDelivery, expected_duration, expected_window, last_delivery
from tests.domain.support import at, parcel


def days(*numbers: float) -> list[timedelta]:
    return [timedelta(days=n) for n in numbers]


@pytest.mark.parametrize(("delivered_in", "setting", "expected"), [
    (days(), 7, 7),  # nothing learned: the merchant's own figure
    (days(), 1, 1),
    (days(3) * 20, 7, 5),  # as many parcels as the merchant's figure weighs: half way
    (days(3), 7, (3 + 20 * 7) / 21),
    (days(2, 3, 30), 7, (3 * 3 + 20 * 7) / 23),  # the median, so that one odyssey counts for little
    (days(2, 4), 7, (2 * 3 + 20 * 7) / 22),
    (days(3) * 1980, 7, (1980 * 3 + 20 * 7) / 2000),
    (days(0) * 20, 10, 5),
])  # fmt: skip
def test_expected_duration(delivered_in: list[timedelta], setting: int, expected: float) -> None:
    assert expected_duration(delivered_in, setting) == pytest.approx(timedelta(days=expected), abs=timedelta(seconds=1))


@pytest.mark.parametrize(("start", "days_", "shipped", "expected"), [
    ("2 Nov 09:00", 7, False, (date(2026, 11, 7), date(2026, 11, 12))),
    ("3 Nov 12:00", 7, True, (date(2026, 11, 8), date(2026, 11, 11))),
    ("3 Nov 12:00", 1, True, (date(2026, 11, 4), date(2026, 11, 5))),  # never the day on which it is shipped
    ("28 Dec 12:00", 7, True, (date(2027, 1, 2), date(2027, 1, 5))),
])  # fmt: skip
def test_expected_window(start: str, days_: int, shipped: bool, expected: tuple[date, date]) -> None:
    assert expected_window(at(start), timedelta(days=days_), shipped) == expected


def test_nothing_wanted_is_no_delivery() -> None:
    """An order whose lines are all unknown or gone: there is nothing whose arrival anything could count from."""
    assert isinstance(last_delivery({}, [(parcel("P1", "3 Nov 12:00"), NoDelivery("waits for delivery"))]), NoDelivery)
