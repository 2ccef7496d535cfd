"""What all providers' payloads share: moments in Unix seconds, ids of messages, status codes."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from schemas.fields import Blankable, Text
from schemas.shopify.base import Data, Payload, PayloadSchema, Rejected, load, reject

KEY_NAME = "dasi"  # under which a message's key travels in a provider's own metadata
KEY_HEADER = "x-entity-ref-id"
MOST = 5_000  # elements of one delivery

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_RFC_ID = re.compile(r"<?([^\s<>@]{1,200})@[^\s<>@]{1,255}>?")


class UnixMoment(Blankable):
    """Seconds since 1970, also with a fraction or as text, to aware UTC; anything else is dropped."""

    def read(self, value: Any) -> datetime | None:
        try:
            moment = datetime.fromtimestamp(float(value), UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            return None
        return moment if 1990 <= moment.year <= 2199 else None


class RfcId(Blankable):
    """The left part of a Message-ID; anything else is dropped."""

    def read(self, value: Any) -> str | None:
        found = _RFC_ID.fullmatch(value.strip()) if isinstance(value, str) else None
        return found[1] if found else None


class Status(Blankable):
    """The first RFC 3463 status code in a server's reply, which may hold addresses; None when there is none."""

    def read(self, value: Any) -> str | None:
        found = _STATUS.search(value[:2000]) if isinstance(value, str) else None
        return found[1] if found else None


class HeaderSchema(PayloadSchema):
    name = Text(100)
    value = Text(1000)


def header_of(headers: list[Data], name: str) -> str | None:
    """The first header of that name, in lower case."""
    return next((one["value"] for one in headers if (one["name"] or "").lower() == name), None)


def read_json(body: bytes) -> Any:
    """Raises Rejected."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise reject("body", "is not JSON.") from None


def read_object(body: bytes) -> dict[str, Any]:
    """Raises Rejected."""
    payload = read_json(body)
    if not isinstance(payload, dict):
        raise reject("body", "is not an object.")
    return payload


def own_id(*parts: object) -> str:
    """For what its provider gave no id: the same content is the same event."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


__all__ = [
    "KEY_HEADER", "KEY_NAME", "MOST", "Data", "HeaderSchema", "Payload", "PayloadSchema", "Rejected", "RfcId",
    "Status", "UnixMoment", "header_of", "load", "own_id", "read_json", "read_object", "reject",
]  # fmt: skip
