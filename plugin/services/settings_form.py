"""The settings page's form: flat fields of text on one side, settings on the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from schemas.settings import ShopSettings, dump_settings, load_settings

# Fields by the part of the settings that they belong to; None: the settings themselves.
TEXTS: dict[str | None, tuple[str, ...]] = {
    "sender": ("name", "email"),
    "brand": ("colour", "logo_url", "legal_name", "postal_address"),
    "support": ("email", "phone", "hours", "help_url"),
    None: ("delivery_days", "marketing", "language", "max_per_hour"),
}
_NEEDED = {"brand.colour", "delivery_days", "marketing"}  # blank is no value of theirs


def form_of(settings: ShopSettings) -> dict[str, str]:
    """The settings as the form's fields: `brand.colour`, `delivery_days`, `quiet.start` …; blank: nothing is set."""
    data = dump_settings(settings)
    found = {}
    for part, names in TEXTS.items():
        for name in names:
            value = (data[part] if part else data)[name]
            found[f"{part}.{name}" if part else name] = "" if value is None else str(value)
    quiet, cap = settings.quiet_hours, settings.cap
    return found | {
        "quiet.start": f"{quiet.start:%H:%M}" if quiet else "",
        "quiet.end": f"{quiet.end:%H:%M}" if quiet else "",
        "cap.messages": str(cap.messages) if cap else "",
        "cap.days": str(cap.days) if cap else "",
    }


def read_form(settings: ShopSettings, form: Mapping[str, str]) -> tuple[ShopSettings | None, list[str]]:
    """The settings with the form in them; or None and the fields at fault. What is not given stays as it is."""
    data = dump_settings(settings)
    for part, names in TEXTS.items():
        for name in names:
            key = f"{part}.{name}" if part else name
            if key in form:
                text = form[key].replace("\r\n", "\n").strip()
                (data[part] if part else data)[name] = text or (None if key not in _NEEDED else "")
    _pair(data, form, "quiet_hours", "quiet", ("start", "end"))
    _pair(data, form, "cap", "cap", ("messages", "days"))
    try:
        return load_settings(data), []
    except ValidationError as exc:
        return None, sorted(set(_fields(exc.messages_dict)))


def _pair(data: dict[str, Any], form: Mapping[str, str], field: str, part: str, names: tuple[str, str]) -> None:
    """Two fields that hold together: both blank is off, one blank is a fault of the blank one."""
    given = {name: form[f"{part}.{name}"].strip() for name in names if f"{part}.{name}" in form}
    if len(given) == len(names):
        data[field] = {name: text for name, text in given.items() if text} or None


def _fields(messages: dict[Any, Any]) -> list[str]:
    found = []
    for part, inner in messages.items():
        if isinstance(inner, dict):
            found += [f"{'quiet' if part == 'quiet_hours' else part}.{name}" for name in inner]
        else:
            found.append(str(part))
    return found
