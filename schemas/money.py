"""Amounts as others write them, to minor units and back to one currency."""

from __future__ import annotations

import re

from schemas.events import Money

MAX_MINOR = 2**63 - 1  # what a BIGINT column holds

# ISO 4217 list one (SIX, the maintenance agency, 2024-06-25): the currencies whose minor unit is not 2 digits.
# CLDR, and so Babel, counts some of them otherwise: format amounts by these exponents.
_WHOLE = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG")
_WHOLE_TOO = ("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS = dict.fromkeys(_WHOLE + _WHOLE_TOO, 0) | dict.fromkeys(_THREE, 3) | {"CLF": 4, "UYW": 4}

_AMOUNT = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{0,20}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def exponent(currency: str) -> int:
    """The number of decimals of a currency by ISO 4217; 2 for one that is not known or not named."""
    return _EXPONENTS.get(currency, 2)


def currency_code(value: object) -> str | None:
    """Three letters in upper case, else None."""
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if _CURRENCY.fullmatch(code) else None


def minor_units(amount: object, currency: str) -> int:
    """An amount as told ("19.99", 19.99, 20) in minor units, halves up.

    ValueError, with a message that follows the field's name: not an amount, negative, too large.
    """
    if isinstance(amount, float):
        amount = f"{amount:.6f}"
    elif isinstance(amount, int) and not isinstance(amount, bool):
        amount = str(amount) if abs(amount) <= MAX_MINOR else None
    match = _AMOUNT.fullmatch(amount.strip()) if isinstance(amount, str) and len(amount) <= 50 else None
    if match is None:
        raise ValueError("is not an amount")
    sign, whole, decimals = match[1], match[2], match[3] or ""
    places = exponent(currency)
    minor = int(whole + decimals[:places].ljust(places, "0")) + (decimals[places : places + 1] >= "5")
    if sign and minor:
        raise ValueError("is negative")
    if minor > MAX_MINOR:
        raise ValueError("is too large")
    return minor


def money_of(amount: object, currency: object) -> Money:
    """Money in a named currency. ValueError, with a message that follows the field's name."""
    code = currency_code(currency)
    if code is None:
        raise ValueError("has no ISO 4217 currency")
    return Money(minor_units(amount, code), code)


def in_currency(money: Money, currency: str) -> Money:
    """Money whose payload named no currency (it then counts hundredths), in the shop's currency."""
    if money.currency:
        return money
    places = exponent(currency)
    minor = money.minor * 10 ** (places - 2) if places >= 2 else (money.minor * 10**places + 50) // 100
    return Money(minor, currency)
