"""Money, dates, numbers and names as a customer of a locale reads them.

The words of a message are English or Korean; the locale alone decides how money and numbers look, and dates too where
it is neither. Every function takes a BCP 47 tag or a Babel identifier and falls back to English.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal

from plugin.content.safe_text import one_line
from schemas.events import Money
from schemas.money import exponent


@lru_cache(maxsize=256)
def parse_locale(tag: str | None) -> Locale:
    """The Babel locale of a tag such as `ko-KR`, `en_GB` or `zh-Hant-TW`; its language's, else English."""
    wanted = (tag or "en").strip().replace("-", "_")
    for attempt in (wanted, wanted.split("_", maxsplit=1)[0]):
        try:
            return Locale.parse(attempt)
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return Locale("en")


def text_language(tag: str | None) -> str:
    """The language that a message is written in: `ko` or `en`."""
    return "ko" if parse_locale(tag).language == "ko" else "en"


@lru_cache(maxsize=4096)
def money(amount: Money, locale: str) -> str:
    """`$19.99`, `19,99 €`, `12,000원`. A currency that is no ISO code is left out rather than guessed."""
    currency = amount.currency.upper()
    digits = exponent(currency)  # ISO 4217's; CLDR's are those of cash: none for the Iraqi dinar
    value = Decimal(amount.minor).scaleb(-digits)
    known = parse_locale(locale)
    if currency == "KRW" and known.language == "ko":
        return f"{format_decimal(value, locale=known)}원"
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        currency = ""
    shown = str(_currency_pattern(locale, digits).apply(value, known, currency=currency, currency_digits=False))
    # CLDR sets a code that stands for a symbol apart from the digits, Babel does not: CHF 12.00.
    return re.sub(r"(?<=[A-Z])(?=[0-9])", "\xa0", shown).strip()


@lru_cache(maxsize=256)
def _currency_pattern(locale: str, digits: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(parse_locale(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


@lru_cache(maxsize=1024)
def number(value: float, locale: str) -> str:
    """`1,204`, `4.6`: at most one decimal."""
    return format_decimal(round(value, 1), format="#,##0.#", locale=parse_locale(locale))


@lru_cache(maxsize=1024)
def day(value: date, locale: str, *, with_year: bool = False) -> str:
    """`Tue 3 November`, `Tue, November 3` (en-US), `11월 3일(화)`: in the language of the text around it."""
    known = _of_text(locale)
    if known.language == "ko":
        pattern = "y년 M월 d일(EEE)" if with_year else "M월 d일(EEE)"
    else:
        month_first = _month_first(known)
        pattern = "EEE, MMMM d" if month_first else "EEE d MMMM"
        pattern += (", y" if month_first else " y") if with_year else ""
    return one_line(format_date(value, pattern, locale=known)) or ""


def _of_text(tag: str) -> Locale:
    """The locale of the text: who reads English for want of their own language reads its days in English too."""
    known = parse_locale(tag)
    return known if known.language in ("ko", "en") else Locale("en")


def _month_first(known: Locale) -> bool:
    return known.territory in ("US", "PH")


def local_day(value: datetime, locale: str, timezone: str) -> str:
    """The day, with its year, on which an aware moment fell in an IANA time zone (UTC when there is no such zone)."""
    return day(value.astimezone(_zone(timezone)).date(), locale, with_year=True)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def window(first: date, last: date, locale: str) -> str:
    """The days of an expected delivery, to stand in a sentence.

    `between Tue 3 and Fri 6 November`, `on Tue 3 November`; `11월 3일(화)~6일(금) 사이`, `11월 3일(화)`. Days
    in the wrong order are put right.
    """
    first, last = min(first, last), max(first, last)
    known = _of_text(locale)
    same_month = (first.year, first.month) == (last.year, last.month)
    if known.language == "ko":
        if first == last:
            return day(first, locale)
        end = format_date(last, "d일(EEE)", locale=known) if same_month else day(last, locale)
        return f"{day(first, locale)}~{end} 사이"
    if first == last:
        return f"on {day(first, locale)}"
    start = day(first, locale)
    if same_month and not _month_first(known):
        start = format_date(first, "EEE d", locale=known)
    return f"between {start} and {day(last, locale)}"


def customer_name(first_name: str | None, last_name: str | None, locale: str) -> str | None:
    """How the message calls the customer: `Anna`; `김민준 님`, `John Smith 님`. None: greet without a name.

    None too where the field holds no name: blanks, digits, an address (a trick to have a shop mail somebody's link).
    """
    first, last = plausible_name(first_name), plausible_name(last_name)
    if text_language(locale) != "ko":
        return one_line(first or last, 60)
    if first and last:
        if _is_hangul(first + last):
            # Shops that ask for one name often have all of it in one of the two fields.
            full = first if first.startswith(last) and len(first) >= 3 else last + first
        else:
            full = f"{first} {last}"
    else:
        full = first or last or ""
    kept = one_line(full, 60)
    return f"{kept} 님" if kept else None


def plausible_name(text: str | None) -> str | None:
    """The text of a name field, or None where it can be no name (see `customer_name`)."""
    kept = " ".join((text or "").split())
    lowered = kept.lower()
    if len(kept) > 60 or "://" in lowered or "www." in lowered or "@" in lowered:
        return None
    return kept if any(unicodedata.category(letter)[0] == "L" for letter in kept) else None


def _is_hangul(text: str) -> bool:
    return all("\uac00" <= letter <= "\ud7a3" or letter == " " for letter in text)
