"""How moments, money and numbers look on the merchant's pages: in the shop's time zone, in the page's language."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time

from plugin.content.formats import money as money_text
from plugin.content.formats import number, parse_locale
from plugin.web.merchant import words
from schemas.events import Money

DAY, HOUR = 24 * 60, 60  # minutes


@lru_cache(maxsize=256)
def zone(name: str | None) -> ZoneInfo:
    """The shop's zone; UTC when it told none or one that does not exist."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def when(moment: datetime | None, language: str, timezone: str | None) -> str:
    """`Mon 2 Nov 2026, 18:00`, `2026년 11월 2일(월) 18:00`; a dash for nothing."""
    if moment is None:
        return "–"
    pattern = "y년 M월 d일(EEE) HH:mm" if language == "ko" else "EEE d MMM y, HH:mm"
    return format_datetime(moment, pattern, tzinfo=zone(timezone), locale=parse_locale(language))


def day(moment: datetime | date | None, language: str, timezone: str | None, now: datetime | None = None) -> str:
    """`Fri 6 November`, `11월 6일(금)`; with its year where that is not the year of `now`."""
    if moment is None:
        return "–"
    local = moment.astimezone(zone(timezone)).date() if isinstance(moment, datetime) else moment
    year = now is not None and now.astimezone(zone(timezone)).year != local.year
    if language == "ko":
        pattern = "y년 M월 d일(EEE)" if year else "M월 d일(EEE)"
    else:
        pattern = "EEE d MMMM y" if year else "EEE d MMMM"
    return format_date(local, pattern, locale=parse_locale(language))


def clock(moment: datetime | None, language: str, timezone: str | None) -> str:
    """`18:00` in the shop's zone."""
    if moment is None:
        return "–"
    return format_time(moment, "HH:mm", tzinfo=zone(timezone), locale=parse_locale(language))


def money(minor: int | None, currency: str | None, language: str) -> str:
    """Integer minor units as the language writes them; a dash where either is unknown."""
    return "–" if minor is None or not currency else money_text(Money(minor, currency), language)


def count(value: float | None, language: str) -> str:
    return "–" if value is None else number(value, language)


def span(minutes: int, language: str) -> str:
    """A delay in its largest whole unit: `4 days`, `90 minutes`, `at once`."""
    if minutes == 0:
        return words.text(language, "frame.at_once")
    for unit, size in (("days", DAY), ("hours", HOUR)):
        if minutes % size == 0:
            return words.text(language, f"frame.{unit}", n=minutes // size)
    return words.text(language, "frame.minutes", n=minutes)
