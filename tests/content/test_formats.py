"""Money, dates, names and numbers, as tables of what a customer reads."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from plugin.content import formats
from schemas.events import Money


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (1999, "USD", "en", "$19.99"),
        (1999, "USD", "en-US", "$19.99"),
        (1999, "USD", "ko-KR", "US$19.99"),
        (1999, "CAD", "en", "CA$19.99"),
        (1999, "GBP", "en-GB", "£19.99"),
        (123456, "EUR", "de", "1.234,56\xa0€"),
        (1999, "EUR", "fr-FR", "19,99\xa0€"),
        (12000, "KRW", "ko", "12,000원"),
        (12000, "KRW", "ko-KR", "12,000원"),
        (12000, "KRW", "en", "₩12,000"),
        (4800, "JPY", "en", "¥4,800"),
        (1500, "KWD", "en", "KWD\xa01.500"),
        (1500, "IQD", "en", "IQD\xa01.500"),
        (0, "USD", "en", "$0.00"),
        (-500, "USD", "en", "-$5.00"),
        (10**15, "USD", "en", "$10,000,000,000,000.00"),
        (1999, "USD", "nowhere", "$19.99"),
        (1999, "usd", "en", "$19.99"),
        (1999, "", "en", "19.99"),
        (1999, "<b>", "en", "19.99"),
    ],
)
def test_money(minor: int, currency: str, locale: str, shown: str) -> None:
    assert formats.money(Money(minor, currency), locale) == shown


@pytest.mark.parametrize(
    ("first", "last", "locale", "shown"),
    [
        (date(2026, 11, 3), date(2026, 11, 6), "en", "between Tue 3 and Fri 6 November"),
        (date(2026, 11, 3), date(2026, 11, 6), "en-GB", "between Tue 3 and Fri 6 November"),
        (date(2026, 11, 3), date(2026, 11, 6), "en-US", "between Tue, November 3 and Fri, November 6"),
        (date(2026, 11, 30), date(2026, 12, 3), "en", "between Mon 30 November and Thu 3 December"),
        (date(2026, 12, 31), date(2027, 1, 2), "en", "between Thu 31 December and Sat 2 January"),
        (date(2026, 11, 3), date(2026, 11, 3), "en", "on Tue 3 November"),
        (date(2026, 11, 6), date(2026, 11, 3), "en", "between Tue 3 and Fri 6 November"),
        (date(2026, 11, 3), date(2026, 11, 6), "ko", "11월 3일(화)~6일(금) 사이"),
        (date(2026, 11, 30), date(2026, 12, 3), "ko-KR", "11월 30일(월)~12월 3일(목) 사이"),
        (date(2026, 11, 3), date(2026, 11, 3), "ko", "11월 3일(화)"),
        (date(2026, 11, 3), date(2026, 11, 6), "de", "between Tue 3 and Fri 6 November"),
    ],
)
def test_delivery_window(first: date, last: date, locale: str, shown: str) -> None:
    assert formats.window(first, last, locale) == shown


@pytest.mark.parametrize(
    ("locale", "timezone", "shown"),
    [
        ("en", "UTC", "Tue 3 November 2026"),
        ("en-US", "UTC", "Tue, November 3, 2026"),
        ("en", "Asia/Seoul", "Wed 4 November 2026"),
        ("ko-KR", "Asia/Seoul", "2026년 11월 4일(수)"),
        ("en", "Mars/Olympus", "Tue 3 November 2026"),
        ("en", "../../etc/passwd", "Tue 3 November 2026"),
        ("", "", "Tue 3 November 2026"),
    ],
)
def test_the_day_of_a_moment_is_the_zones(locale: str, timezone: str, shown: str) -> None:
    assert formats.local_day(datetime(2026, 11, 3, 20, 0, tzinfo=UTC), locale, timezone) == shown


@pytest.mark.parametrize(
    ("first", "last", "locale", "shown"),
    [
        ("Anna", "Berg", "en", "Anna"),
        (None, "Berg", "en", "Berg"),
        ("  Anna  Maria ", None, "en", "Anna Maria"),
        ("민준", "김", "ko", "김민준 님"),
        ("민준", "김", "en", "민준"),
        ("김민준", "김", "ko", "김민준 님"),
        ("민준", None, "ko", "민준 님"),
        (None, "김민준", "ko-KR", "김민준 님"),
        ("John", "Smith", "ko", "John Smith 님"),
        (None, None, "en", None),
        (None, None, "ko", None),
        ("", " ", "en", None),
        (".", "-", "en", None),
        ("12345", None, "en", None),
        ("Win at https://evil.example", None, "en", None),
        ("a@b.example", None, "en", None),
        ("x" * 61, None, "en", None),
        ("Anna\r\nBcc: x", None, "en", "Anna Bcc: x"),
        ("👩‍🍳 Zoë", None, "en", "👩‍🍳 Zoë"),
        ("משה", None, "en", "\u2068משה\u2069"),
        ("Anna\u202eevil", None, "en", "Annaevil"),
    ],
)
def test_names(first: str | None, last: str | None, locale: str, shown: str | None) -> None:
    assert formats.customer_name(first, last, locale) == shown


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("ko", "ko"), ("ko-KR", "ko"), ("ko_KR", "ko"), ("KO-kr", "ko"), ("fr", "en"), ("zh-Hant-TW", "en"),
     ("", "en"), (None, "en"), ("x-klingon", "en"), ("🙂", "en"), ("kok", "en")],
)  # fmt: skip
def test_the_language_of_the_words(tag: str | None, language: str) -> None:
    assert formats.text_language(tag) == language


def test_numbers() -> None:
    assert formats.number(1204, "en") == "1,204"
    assert formats.number(4.66, "en") == "4.7"
    assert formats.number(4.0, "en") == "4"
    assert formats.number(4.7, "de") == "4,7"
