"""Moments on the merchant's pages: the shop's zone, the page's language, and a year where it is not plain."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from plugin.web.merchant.filters import day

NOW = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)  # 2027 in Seoul already


@pytest.mark.parametrize(("moment", "language", "zone", "told"), [
    (date(2026, 11, 6), "en", None, "Fri 6 November"),
    (date(2026, 11, 6), "ko", None, "11월 6일(금)"),
    (date(2025, 12, 1), "en", None, "Mon 1 December 2025"),
    (date(2025, 12, 1), "ko", None, "2025년 12월 1일(월)"),
    (date(2026, 11, 6), "en", "Asia/Seoul", "Fri 6 November 2026"),
    (NOW, "en", "Asia/Seoul", "Fri 1 January"),
    (NOW, "en", "UTC", "Thu 31 December"),
    (None, "en", None, "–"),
])  # fmt: skip
def test_a_day_has_its_year_unless_it_is_the_present_one(
    moment: date | None, language: str, zone: str | None, told: str
) -> None:
    assert day(moment, language, zone, NOW) == told


def test_without_a_present_no_year_is_told() -> None:
    assert day(date(2020, 1, 1), "en", None) == "Wed 1 January"
