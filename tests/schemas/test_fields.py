from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from schemas import fields
from schemas.events import Money
from schemas.money import exponent, in_currency, minor_units, money_of


@pytest.mark.parametrize(
    ("told", "currency", "minor"),
    [
        ("19.99", "USD", 1999),
        ("19.9", "USD", 1990),
        ("19", "USD", 1900),
        (19.99, "USD", 1999),
        (20, "USD", 2000),
        ("0.00", "USD", 0),
        ("-0.00", "USD", 0),
        (" 5.00 ", "USD", 500),
        ("16.485", "USD", 1649),
        ("95220.00", "KRW", 95220),
        ("95220", "KRW", 95220),
        ("95219.5", "KRW", 95220),
        ("1.2345", "KWD", 1235),
        ("1.5", "CLF", 15000),
        ("1.50", "XXX", 150),
    ],
)
def test_amounts(told: object, currency: str, minor: int) -> None:
    assert minor_units(told, currency) == minor


@pytest.mark.parametrize(
    "told", ["", "example string", "NaN", "1e5", "1_000", "1,50", "١٢", "9" * 30, 10**40, True, None, [], float("nan"),
             float("inf"), 1e300, "-1.00", -1, -0.01, str(2**63)]
)  # fmt: skip
def test_amounts_that_are_none(told: object) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        minor_units(told, "USD")


def test_money_needs_a_currency() -> None:
    assert money_of("5.00", "usd") == Money(500, "USD")
    for currency in (None, "", "example string", 5, "US"):
        with pytest.raises(ValueError, match="currency"):
            money_of("5.00", currency)


def test_exponents() -> None:
    assert [exponent(code) for code in ("USD", "KRW", "JPY", "KWD", "CLF", "HUF", "")] == [2, 0, 0, 3, 4, 2, 2]


def test_an_unnamed_currency_is_given_later() -> None:
    assert in_currency(Money(1900000, ""), "KRW") == Money(19000, "KRW")
    assert in_currency(Money(1999, ""), "USD") == Money(1999, "USD")
    assert in_currency(Money(1999, ""), "KWD") == Money(19990, "KWD")
    assert in_currency(Money(5, "EUR"), "USD") == Money(5, "EUR")


@pytest.mark.parametrize("blank", [None, "", "  ", [], {}])
def test_blanks_are_none(blank: object) -> None:
    declared: list[Any] = [
        fields.Text(), fields.Word(), fields.Email(), fields.Phone(), fields.Locale(), fields.CountryCode(),
        fields.CurrencyCode(), fields.WebUrl(), fields.Moment(), fields.Flag(default=None), fields.Quantity(),
        fields.PlatformId(),
    ]  # fmt: skip
    assert [field.deserialize(blank) for field in declared] == [None] * len(declared)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("  plain ", "plain"),
        ("Bcc: x\r\nSubject: hi", "Bcc: x Subject: hi"),
        ("a\x00b", "ab"),
        ("line\u2028break\x85here", "line break here"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("👩‍👩‍👧 👍🏽", "👩‍👩‍👧 👍🏽"),
        ("שלום \u200fעולם", "שלום \u200fעולם"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("x" * 900, "x" * 255),
        (755357713, "755357713"),
        (True, None),
        (1.5, None),
        (["a"], None),
        ("\x00", None),
    ],
)
def test_text(told: object, kept: str | None) -> None:
    assert fields.Text().deserialize(told) == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("jon@example.com", "jon@example.com"),
        (" Jon+tag@Example.com ", "Jon+tag@Example.com"),
        ("한글@예시.한국", "한글@예시.한국"),
        ("example string", None),
        ("a@b@c", None),
        ("a@example.com\nBcc: b@example.com", None),
        ("a b@example.com", None),
        ("<a@example.com>", None),
        ("a..b@example.com", None),
        ("a" * 330 + "@example.com", None),
        (5, None),
    ],
)
def test_email(told: object, kept: str | None) -> None:
    assert fields.Email().deserialize(told) == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("https://a.example.com/x?y=1#z", "https://a.example.com/x?y=1#z"),
        ("http://a.example.com", "http://a.example.com"),
        ("https://a.example.com/?no=1Z 99", "https://a.example.com/?no=1Z%2099"),
        ("https://a.example.com/추적", "https://a.example.com/추적"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("data:text/html,x", None),
        ("//a.example.com", None),
        ("https:///x", None),
        ("https://a b.example.com/", None),
        ("https://[bad", None),
        ('https://a.example.com/"onclick="x', None),
        ("https://a.example.com/\r\nX: y", None),
        ("https://a.example.com/" + "x" * 3000, None),
        (5, None),
    ],
)
def test_web_url(told: object, kept: str | None) -> None:
    assert fields.WebUrl().deserialize(told) == kept


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2021-12-31T19:00:00-05:00", datetime(2022, 1, 1, tzinfo=UTC)),
        ("2019-01-01 00:00:00.000Z", datetime(2019, 1, 1, tzinfo=UTC)),
        ("2026-11-12T19:00:00+09:00", datetime(2026, 11, 12, 10, tzinfo=UTC)),
        ("2026-11-12T19:00:00", datetime(2026, 11, 12, 19, tzinfo=UTC)),
        ("2026-11-12", datetime(2026, 11, 12, tzinfo=UTC)),
        ("2026-11-12T19:00:00.123456Z", datetime(2026, 11, 12, 19, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_moments(told: str, moment: datetime) -> None:
    read = fields.Moment().deserialize(told)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "told", ["example string", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+09:00", "99999-01-01T00:00:00Z",
             "9999-12-31T23:59:59-12:00", "1969-12-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30", 1700000000,
             True, 1.5, ["2026-11-12"], "2026-11-12T19:00:00Z" * 9]
)  # fmt: skip
def test_moments_that_are_none(told: object) -> None:
    assert fields.Moment(lenient=True).deserialize(told) is None
    with pytest.raises(ValidationError):
        fields.Moment().deserialize(told)


@pytest.mark.parametrize(("told", "kept"), [(1, "1"), ("007", "7"), (820982911946154508, "820982911946154508")])
def test_ids(told: object, kept: str) -> None:
    assert fields.PlatformId().deserialize(told) == kept


@pytest.mark.parametrize("told", [True, False, 0, -5, 1.0, 8.2e17, "x", "1.0", "-5", 2**70, [1], {"id": 1}])
def test_ids_that_are_none(told: object) -> None:
    with pytest.raises(ValidationError):
        fields.PlatformId().deserialize(told)


@pytest.mark.parametrize(("told", "kept"), [(0, 0), (3, 3), ("3", 3), (3.0, 3)])
def test_quantities(told: object, kept: int) -> None:
    assert fields.Quantity().deserialize(told) == kept


@pytest.mark.parametrize("told", [-1, "-1", 1.5, True, "two", 2**31, float("inf"), [1]])
def test_quantities_that_are_none(told: object) -> None:
    with pytest.raises(ValidationError):
        fields.Quantity().deserialize(told)


def test_flags() -> None:
    read = [fields.Flag().deserialize(told) for told in (True, False, 1, 0, "true", "False", None, "")]
    assert read == [True, False, True, False, True, False, False, False]
    with pytest.raises(ValidationError):
        fields.Flag().deserialize("example string")


def test_small_words() -> None:
    assert fields.CountryCode().deserialize("kr") == "KR"
    assert fields.CountryCode().deserialize("KOR") is None
    assert fields.CountryCode().deserialize("ß1") is None
    assert fields.Locale().deserialize("ko-KR") == "ko-KR"
    assert fields.Locale().deserialize("example string") is None
    assert fields.Word().deserialize(" Delivered ") == "delivered"
    assert fields.Phone().deserialize("+82 10-1234-5678") == "+82 10-1234-5678"
    assert fields.Phone().deserialize("example string") is None
