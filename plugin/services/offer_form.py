"""The form of the offers' rules: flat fields of text, amounts in the shop's currency; rules on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from plugin.services.offer_view import GIVES
from schemas.money import exponent, minor_units
from schemas.offers import CODES, LANGUAGES, PERCENTAGE, Give, OfferRules, OfferRulesSchema
from schemas.own import http_url

_SCHEMA = OfferRulesSchema()
_WORDS = ("check_in", "early_words")


def form_of(rules: OfferRules, currency: str) -> dict[str, str]:
    """The rules as the form's fields: `first_below.kind`, `first_below.worth` …; blank: nothing is set."""
    found = {
        "affordable": "yes" if rules.affordable else "",
        "well_above": f"{rules.well_above:g}",
        "signed_by": rules.signed_by or "",
        "exclusive": ", ".join(rules.exclusive),
        "gift_above": _amount(rules.gift_above_minor, currency),
        "early_url": rules.early_url or "",
        "margin_percent": _text(rules.margin_percent),
        "floor_percent": _text(rules.floor_percent),
    }
    for name in GIVES:
        give: Give | None = getattr(rules, name)
        worth = _amount(give.minor if give else None, currency)
        if give and give.kind == PERCENTAGE:
            worth = _text(give.percent)
        found |= {
            f"{name}.kind": give.kind if give else "",
            f"{name}.worth": worth,
            f"{name}.minimum": _amount(give.minimum_minor if give else None, currency),
            f"{name}.days": str(give.days if give else 30),
        }
    for name in _WORDS:
        found |= {f"{name}.{language}": getattr(rules, name).get(language, "") for language in LANGUAGES}
    return found


def read_form(rules: OfferRules, form: Mapping[str, str], currency: str) -> tuple[OfferRules | None, list[str]]:
    """The rules with the form in them; or None and the fields at fault. Whether they are in force stays as it is."""
    wrong: list[str] = []
    data: dict[str, Any] = {"enabled": rules.enabled, "affordable": form.get("affordable") == "yes"}
    for name in GIVES:
        data[name] = _give(form, name, currency, wrong)
    for name in _WORDS:
        told = {language: form.get(f"{name}.{language}", "").replace("\r\n", "\n").strip() for language in LANGUAGES}
        data[name] = {language: words for language, words in told.items() if words}
    data["signed_by"], data["early_url"] = _blank(form, "signed_by"), _blank(form, "early_url")
    data["exclusive"] = [one for one in form.get("exclusive", "").replace(",", " ").split() if one]
    data["gift_above_minor"] = _minor(form, "gift_above", currency, wrong)
    data["well_above"] = form.get("well_above", "").strip() or rules.well_above
    for name in ("margin_percent", "floor_percent"):
        data[name] = _whole(form, name, wrong)
    if data["early_url"] and not _is_url(data["early_url"]):
        wrong.append("early_url")
    if wrong:
        return None, sorted(set(wrong))
    try:
        read: OfferRules = _SCHEMA.load(data)
    except ValidationError as exc:
        return None, sorted(set(_fields(exc.messages_dict)))
    return read, []


def _give(form: Mapping[str, str], name: str, currency: str, wrong: list[str]) -> dict[str, Any] | None:
    kind = form.get(f"{name}.kind", "")
    if not kind:
        return None
    given: dict[str, Any] = {"kind": kind, "days": _whole(form, f"{name}.days", wrong) or 30}
    if kind == PERCENTAGE:
        given["percent"] = _whole(form, f"{name}.worth", wrong)
    else:
        given["minor"] = _minor(form, f"{name}.worth", currency, wrong)
    if kind in CODES:
        given["minimum_minor"] = _minor(form, f"{name}.minimum", currency, wrong)
    return given


def _minor(form: Mapping[str, str], name: str, currency: str, wrong: list[str]) -> int | None:
    text = form.get(name, "").replace(",", "").strip()
    if not text:
        return None
    try:
        return minor_units(text, currency)
    except ValueError:
        wrong.append(name)
        return None


def _whole(form: Mapping[str, str], name: str, wrong: list[str]) -> int | None:
    text = form.get(name, "").strip().removesuffix("%").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return int(text)
    wrong.append(name)
    return None


def _blank(form: Mapping[str, str], name: str) -> str | None:
    return form.get(name, "").strip() or None


def _is_url(text: str) -> bool:
    try:
        http_url(text)
    except (ValidationError, ValueError):
        return False
    return True


def _amount(minor: int | None, currency: str) -> str:
    if minor is None:
        return ""
    places = exponent(currency)
    value = Decimal(minor).scaleb(-places)
    return f"{value:.{places}f}"


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _fields(messages: dict[Any, Any]) -> list[str]:
    """The form's names of the fields that the schema does not take."""
    names = {"minor": "worth", "percent": "worth", "minimum_minor": "minimum"}
    found = []
    for name, inner in messages.items():
        if name in GIVES and isinstance(inner, dict):
            found += [f"{name}.{names.get(str(part), part)}" for part in inner]
        else:
            found.append("gift_above" if name == "gift_above_minor" else str(name))
    return found
