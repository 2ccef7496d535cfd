"""How a line of the change log reads: what was changed, which field, and its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from plugin.domain.desk_hours import WEEKDAYS
from plugin.services.changes import ChangeLine
from plugin.web.merchant import filters, words

MAX_TEXT = 300  # characters shown of one value
# Fields whose value is one of a few -> where its words begin.
_ONE_OF = {
    "state": "frame.state.", "step": "frame.step.", "outcome": "issues.outcome.", "language": "step.language_",
    "track_opens": "figures.track_", "marketing": "settings.marketing_", "done": "home.first.",
    "address": "changes.address.", "review": "reviews.show.",
}  # fmt: skip
_STEP, _HOW_TO = "step", "how_to"


class ChangeWords:
    """In one language, for a shop in one zone. `titles`: of products by their platform id; `currency`: of amounts."""

    def __init__(
        self, language: str, timezone: str | None, titles: Mapping[str, str], currency: str | None = None
    ) -> None:
        self.language, self.timezone, self.titles, self.currency = language, timezone, titles, currency

    def said(self, what: str) -> str:
        """What was changed; the code itself where a page has no words for it."""
        if found := self._words(f"changes.what.{what.replace('.', '_')}"):
            return found
        kind, _, name = what.partition(".")
        if kind == _STEP and (step := self._words(f"frame.step.{name}")):
            return self._words("changes.what.step", step=step)
        return what

    def differences(self, line: ChangeLine) -> Iterator[tuple[str, str, str]]:
        """(field, before, after) for everything that differs."""
        old, new = dict(_flat("", line.before or {})), dict(_flat("", line.after or {}))
        for path in sorted({**old, **new}, key=_order):
            yield self._label(path), self._value(path, old.get(path)), self._value(path, new.get(path))

    def _label(self, path: str) -> str:
        """The field as the pages call it; its path where they do not."""
        parts = path.split(".")
        if parts[0] == "steps" and len(parts) > 2 and words.has(self.language, f"changes.field.{parts[2]}"):
            tongue = f" ({self._words(f'step.language_{parts[3]}')})" if parts[3:] else ""
            return self._words(f"changes.field.{parts[2]}", step=self._words(f"frame.step.{parts[1]}")) + tongue
        if parts[0] == "days" and parts[-1] in WEEKDAYS:
            return self._words(f"issues.day.{parts[-1]}")
        if parts[0] == _HOW_TO and parts[1:]:
            return self.titles.get(parts[1], parts[1])
        for key in (f"settings.field.{'_'.join(parts)}", f"changes.field.{'_'.join(parts)}"):
            if found := self._words(key):
                kind = self._words(f"settings.{parts[0]}") if parts[1:] else ""
                return f"{kind}: {found}" if kind else found
        return path

    def _value(self, path: str, value: Any) -> str:
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return self._words("changes.yes" if path == "answered" else "frame.on" if value else "frame.off")
        if path.endswith("delay_minutes") and isinstance(value, int):
            return filters.span(value, self.language)
        if path.endswith("spared_until"):
            return filters.when(datetime.fromisoformat(value), self.language, self.timezone)
        if path.startswith("offers.") and path.endswith("minor") and isinstance(value, int) and self.currency:
            return filters.money(value, self.currency, self.language)
        if path.startswith("offers.") and path.endswith(".kind"):
            return self._words(f"offers.kinds.{value}") or str(value)
        if isinstance(value, list):
            return ", ".join("–".join(map(str, one)) if isinstance(one, list) else self._named(path, one)
                             for one in value)[:MAX_TEXT]  # fmt: skip
        return self._named(path, value)[:MAX_TEXT]

    def _named(self, path: str, value: Any) -> str:
        if path == "questions" and isinstance(value, dict):  # of the survey: in the merchant's words, else by its kind
            told = value.get("wording") or {}
            return str(told.get(self.language) or next(iter(told.values()), "")
                       or self._words(f"questions.kind.{value.get('kind')}"))  # fmt: skip
        return self._words(f"{_ONE_OF[path]}{value}") or str(value) if path in _ONE_OF else str(value)

    def _words(self, key: str, **values: str) -> str:
        return words.text(self.language, key, **values) if words.has(self.language, key) else ""


def _order(path: str) -> tuple[str, int, str]:
    """As the alphabet has it, but a week as it goes."""
    head, _, last = path.rpartition(".")
    return head, WEEKDAYS.index(last) if head == "days" and last in WEEKDAYS else 0, last


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif value is not None:
        yield prefix, value
