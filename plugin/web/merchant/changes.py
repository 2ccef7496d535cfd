"""Who changed what: the change log, the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from plugin.services.changes import PAGE, ChangeLine, list_changes
from plugin.web.auth import Auth
from plugin.web.merchant import filters, words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import face, page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
_SHOPIFY_USER = "Shopify user "
MAX_TEXT = 300  # characters shown of one value

blueprint = Blueprint("merchant_changes", __name__)


@blueprint.get("/app/changes")
def show() -> Response:
    before = request.args.get("before", "")
    with context().database.reading() as session:
        from_id = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
        lines = list_changes(session, merchant().shop_id, from_id, PAGE + 1)
    more = lines[PAGE - 1].id if len(lines) > PAGE else None
    shown = [(line, list(_differences(line))) for line in lines[:PAGE]]
    return page("changes", lines=shown, more=more, said=_said, who=_who)


def _who(actor: str) -> str:
    """The actor in the page's language, where it is one of ours."""
    language = merchant().locale
    if actor.startswith(_SHOPIFY_USER):
        return words.text(language, "changes.actor.shopify_user", id=actor.removeprefix(_SHOPIFY_USER))
    key = f"changes.actor.{actor.lower().replace(' ', '_')}"
    return words.text(language, key) if words.has(language, key) else actor


def _said(what: str) -> str:
    """What was changed, in words; the code itself where a page has none for it."""
    language, key = merchant().locale, f"changes.what.{what.replace('.', '_')}"
    if words.has(language, key):
        return words.text(language, key)
    kind, _, name = what.partition(".")
    if kind == "step" and words.has(language, f"frame.step.{name}"):
        return words.text(language, "changes.what.step", step=words.text(language, f"frame.step.{name}"))
    return what


def _differences(line: ChangeLine) -> Iterator[tuple[str, str, str]]:
    """(path of the field, before, after) for everything that differs."""
    old, new = dict(_flat("", line.before or {})), dict(_flat("", line.after or {}))
    for path in sorted({**old, **new}):
        yield _label(path), _value(path, old.get(path)), _value(path, new.get(path))


def _label(path: str) -> str:
    """The field as the pages call it; its path where they do not."""
    language = merchant().locale
    parts = path.split(".")
    if parts[0] == "steps" and len(parts) > 2 and words.has(language, f"changes.field.{parts[2]}"):
        tongue = f" ({words.text(language, f'step.language_{parts[3]}')})" if parts[3:] else ""
        step = words.text(language, f"frame.step.{parts[1]}")
        return words.text(language, f"changes.field.{parts[2]}", step=step) + tongue
    for key in (f"settings.field.{'_'.join(parts)}", f"changes.field.{'_'.join(parts)}"):
        if words.has(language, key):
            kind = words.text(language, f"settings.{parts[0]}") + ": " if parts[1:] else ""
            return kind + words.text(language, key)
    return path


def _value(path: str, value: Any) -> str:
    language = merchant().locale
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return words.text(language, "frame.on" if value else "frame.off")
    if path.endswith("delay_minutes") and isinstance(value, int):
        return filters.span(value, language)
    if path.endswith("spared_until"):
        return filters.when(datetime.fromisoformat(value), language, face().timezone)
    return (", ".join(str(one) for one in value) if isinstance(value, list) else str(value))[:MAX_TEXT]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif value is not None:
        yield prefix, value
