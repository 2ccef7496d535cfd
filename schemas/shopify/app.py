"""app/uninstalled and app/scopes_update."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.events import AppUninstalled, Parsed, ScopesChanged
from schemas.fields import Blankable, Moment, clean_text
from schemas.shopify.base import Payload, PayloadSchema, load, needed


class Scopes(Blankable):
    """A list of scopes or one text with commas, sorted; another type is dropped. Only a missing list is None."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        return () if value == [] else super().deserialize(value, attr, data, **kwargs)

    def read(self, value: Any) -> tuple[str, ...] | None:
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list):
            return None
        return tuple(sorted({clean_text(word, 100) for word in words if isinstance(word, str) and word.strip()}))


class ScopesSchema(PayloadSchema):
    current = Scopes()
    updated_at = Moment(lenient=True)


SCOPES = ScopesSchema()


def parse_uninstalled(payload: Payload, triggered_at: datetime | None) -> Parsed:
    """Whatever the shop's payload says, the topic alone is the news."""
    return Parsed((AppUninstalled(),))


def parse_scopes(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(SCOPES, payload)
    event = ScopesChanged(scopes=needed(data["current"], "current"), updated_at=data["updated_at"] or triggered_at)
    return Parsed((event,))
