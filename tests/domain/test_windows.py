"""Quiet hours and caps, with the edges of midnight and of daylight saving."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.windows import capped_until, quiet_until
from schemas.settings import Cap, QuietHours
from tests.domain.support import at

SEOUL, LONDON, UTC_ = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/London"), ZoneInfo("UTC")


def quiet(start: str, end: str) -> QuietHours:
    return QuietHours(start=time.fromisoformat(start), end=time.fromisoformat(end))


NIGHT, LUNCH = quiet("21:00", "09:00"), quiet("12:00", "14:00")


@pytest.mark.parametrize(("hours", "zone", "moment", "until"), [
    # Seoul is nine hours ahead: its night is 12:00 to 24:00 UTC
    (NIGHT, SEOUL, "2 Nov 11:59", None),
    (NIGHT, SEOUL, "2 Nov 12:00", "3 Nov 00:00"),
    (NIGHT, SEOUL, "2 Nov 14:59", "3 Nov 00:00"),  # before its midnight
    (NIGHT, SEOUL, "2 Nov 15:00", "3 Nov 00:00"),  # after it
    (NIGHT, SEOUL, "2 Nov 23:59", "3 Nov 00:00"),
    (NIGHT, SEOUL, "3 Nov 00:00", None),
    # a span inside one day
    (LUNCH, SEOUL, "2 Nov 02:59", None),
    (LUNCH, SEOUL, "2 Nov 03:00", "2 Nov 05:00"),
    (LUNCH, SEOUL, "2 Nov 05:00", None),
    # ends at midnight, begins at midnight
    (quiet("20:00", "00:00"), UTC_, "2 Nov 23:59", "3 Nov 00:00"),
    (quiet("20:00", "00:00"), UTC_, "3 Nov 00:00", None),
    (quiet("00:00", "08:00"), UTC_, "3 Nov 00:00", "3 Nov 08:00"),
    (quiet("00:00", "08:00"), UTC_, "2 Nov 23:59", None),
    # the end of a year
    (NIGHT, UTC_, "31 Dec 22:00", "1 Jan 2027 09:00"),
    # hours that end when they begin are none
    (quiet("09:00", "09:00"), UTC_, "2 Nov 09:00", None),
    (quiet("00:00", "00:00"), UTC_, "2 Nov 09:00", None),
    # London, 29 March 2026: 01:00 GMT becomes 02:00 BST
    (NIGHT, LONDON, "28 Mar 21:00", "29 Mar 08:00"),
    (NIGHT, LONDON, "29 Mar 07:59", "29 Mar 08:00"),
    (NIGHT, LONDON, "29 Mar 19:59", None),
    (NIGHT, LONDON, "29 Mar 20:00", "30 Mar 08:00"),
    (quiet("22:00", "01:30"), LONDON, "29 Mar 00:30", "29 Mar 01:30"),  # 01:30 does not exist: 02:30 does
    (quiet("22:00", "01:30"), LONDON, "29 Mar 01:30", None),
    (quiet("01:30", "06:00"), LONDON, "29 Mar 01:29", None),  # nor does it begin before 02:30
    (quiet("01:30", "06:00"), LONDON, "29 Mar 01:30", "29 Mar 05:00"),
    # London, 25 October 2026: 02:00 BST becomes 01:00 GMT
    (NIGHT, LONDON, "24 Oct 20:00", "25 Oct 09:00"),
    (NIGHT, LONDON, "25 Oct 08:59", "25 Oct 09:00"),
    (quiet("22:00", "01:30"), LONDON, "25 Oct 00:29", "25 Oct 00:30"),  # the first 01:30
    (quiet("22:00", "01:30"), LONDON, "25 Oct 00:30", None),
    (quiet("22:00", "01:30"), LONDON, "25 Oct 01:15", None),  # 01:15 for the second time
    (quiet("01:30", "06:00"), LONDON, "25 Oct 00:30", "25 Oct 06:00"),  # from the first 01:30 on, an hour longer
    (quiet("01:30", "06:00"), LONDON, "25 Oct 01:15", "25 Oct 06:00"),
])  # fmt: skip
def test_quiet_hours(hours: QuietHours, zone: ZoneInfo, moment: str, until: str | None) -> None:
    assert quiet_until(at(moment), hours, zone) == (at(until) if until else None)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(ZoneInfo("UTC")))  # noqa: DTZ001
TIMES = st.times().map(lambda t: t.replace(microsecond=0))


@given(MOMENTS, TIMES, TIMES, st.sampled_from([SEOUL, LONDON, UTC_]))
def test_the_end_of_quiet_hours_is_later_and_not_quiet(
    moment: datetime, start: time, end: time, zone: ZoneInfo
) -> None:
    hours = QuietHours(start=start, end=end)
    until = quiet_until(moment, hours, zone)
    if until is not None:
        assert until > moment
        assert (until - moment).total_seconds() <= 25 * 3600  # the longest night has 25 hours
        assert quiet_until(until, hours, zone) is None


@pytest.mark.parametrize(("messages", "days", "sent", "moment", "until"), [
    (1, 7, [], "10 Nov 09:00", None),
    (1, 7, ["9 Nov 09:00"], "10 Nov 09:00", "16 Nov 09:00"),
    (1, 7, ["3 Nov 09:00"], "10 Nov 09:00", None),  # exactly as long ago
    (1, 7, ["3 Nov 09:01"], "10 Nov 09:00", "10 Nov 09:01"),
    (2, 7, ["9 Nov 09:00"], "10 Nov 09:00", None),
    (2, 7, ["9 Nov 09:00", "5 Nov 09:00"], "10 Nov 09:00", "12 Nov 09:00"),
    (2, 7, ["9 Nov 09:00", "5 Nov 09:00", "4 Nov 09:00"], "10 Nov 09:00", "12 Nov 09:00"),  # lowered since
    (2, 7, ["5 Nov 09:00", "1 Nov 09:00"], "10 Nov 09:00", None),
    (1, 1, ["10 Nov 09:00"], "10 Nov 09:00", "11 Nov 09:00"),
])  # fmt: skip
def test_caps(messages: int, days: int, sent: list[str], moment: str, until: str | None) -> None:
    cap = Cap(messages=messages, days=days)
    assert capped_until(at(moment), cap, [at(s) for s in sent]) == (at(until) if until else None)
