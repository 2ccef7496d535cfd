"""What the schemas of our own JSON share: unknown fields are errors, a line holds no break, addresses are http(s)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate


def http_url(value: str) -> None:
    """Accept http and https addresses only: anything else has no place in a mail. Raises ValidationError."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s<>\"]", value):
        raise ValidationError("must be a full http(s) address")


def line(limit: int = 255) -> fields.String:
    return fields.String(allow_none=True, validate=[validate.Length(max=limit), validate.ContainsNoneOf("\r\n\0")])


def url() -> fields.String:
    return fields.String(allow_none=True, validate=[validate.Length(max=2000), http_url])


class OwnSchema(Schema):
    """Ours rejects unknown fields and makes the dataclass `makes`."""

    makes: type[Any]

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.makes(**data)
