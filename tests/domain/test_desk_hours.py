"""The reply clock: when an answer is due and how much open time passed, in tables of wall times in Seoul or Berlin."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.desk_hours import DeskHours, assumed, is_open, open_time, reply_by, working_day_after

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")
OFFICE = ((time(10), time(12)), (time(13), time(18)))


def hours(goal: int = 10, zone: ZoneInfo = SEOUL) -> DeskHours:
    """Monday to Friday with a lunch break, Saturday until midnight."""
    return DeskHours(zone=zone, days=(*(OFFICE,) * 5, ((time(22), time(0)),), ()), goal=timedelta(minutes=goal))


def at(text: str, zone: ZoneInfo = SEOUL) -> datetime:
    """ "Mon 2 10:00" of November 2026."""
    return datetime.strptime(f"{text} 11 2026", "%a %d %H:%M %m %Y").replace(tzinfo=zone)


@pytest.mark.parametrize(("asked", "goal", "due"), [
    ("Mon 2 10:00", 10, "Mon 2 10:10"), ("Mon 2 11:50", 10, "Mon 2 12:00"), ("Mon 2 11:55", 10, "Mon 2 13:05"),
    ("Mon 2 12:30", 10, "Mon 2 13:10"), ("Mon 2 03:00", 10, "Mon 2 10:10"), ("Fri 6 17:55", 10, "Sat 7 22:05"),
    ("Fri 6 17:00", 120, "Sat 7 23:00"), ("Sat 7 23:55", 10, "Mon 9 10:05"), ("Sun 8 12:00", 10, "Mon 9 10:10"),
    ("Mon 2 10:00", 420, "Mon 2 18:00"), ("Mon 2 10:00", 421, "Tue 3 10:01"),
])  # fmt: skip
def test_when_an_answer_is_due(asked: str, goal: int, due: str) -> None:
    assert reply_by(hours(goal), at(asked)) == at(due)


@pytest.mark.parametrize(("start", "end", "minutes"), [
    ("Mon 2 10:00", "Mon 2 10:30", 30), ("Mon 2 11:30", "Mon 2 13:30", 60), ("Mon 2 18:00", "Tue 3 10:00", 0),
    ("Mon 2 09:00", "Tue 3 23:00", 840), ("Sat 7 23:30", "Mon 9 10:15", 45), ("Mon 2 10:30", "Mon 2 10:00", 0),
])  # fmt: skip
def test_how_much_open_time_passed(start: str, end: str, minutes: int) -> None:
    assert open_time(hours(), at(start), at(end)) == timedelta(minutes=minutes)


def test_a_desk_that_never_opens_answers_within_its_goal() -> None:
    closed = DeskHours(zone=SEOUL, days=((),) * 7)
    assert reply_by(closed, at("Mon 2 10:00")) == at("Mon 2 10:10")
    assert open_time(closed, at("Mon 2 10:00"), at("Fri 6 10:00")) == timedelta(0)
    assert not is_open(closed, at("Mon 2 10:00"))
    assert working_day_after(closed, at("Mon 2 10:00")) == at("Tue 3 10:00")


@pytest.mark.parametrize(("asked", "by"), [
    ("Mon 2 09:00", "Mon 2 18:00"), ("Mon 2 10:30", "Tue 3 18:00"), ("Fri 6 12:00", "Mon 9 18:00"),
])  # fmt: skip
def test_without_told_hours_an_answer_comes_by_the_end_of_a_working_day(asked: str, by: str) -> None:
    office = assumed(SEOUL)
    assert not office.told
    assert working_day_after(office, at(asked)) == at(by)


def test_open_and_closed() -> None:
    assert is_open(hours(), at("Mon 2 10:00"))
    assert not is_open(hours(), at("Mon 2 12:00"))
    assert is_open(hours(), at("Sat 7 23:59"))
    assert not is_open(hours(), at("Sun 8 00:00"))


def test_the_day_on_which_clocks_change() -> None:
    """Berlin, Sunday 25 October 2026: 03:00 comes twice, so a night desk is open for an hour more."""
    night = DeskHours(zone=BERLIN, days=(*((),) * 6, ((time(1), time(4)),)))
    start = datetime(2026, 10, 25, 1, tzinfo=BERLIN)
    assert open_time(night, start, start + timedelta(days=1)) == timedelta(hours=4)
