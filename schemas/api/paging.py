"""Lists in pages: what a list is asked with, and the frame it comes in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields


class After(fields.Field[Any]):
    """`after` of a list: what the page before called `next`. (moment | None, id) in Python."""

    def __init__(self) -> None:
        description = "where to go on: `next` of the page before"
        super().__init__(load_default=None, metadata={"type": "string", "maxLength": 200, "description": description})

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[datetime | None, int]:
        try:
            moment, id_ = json.loads(base64.urlsafe_b64decode(str(value)[:200].encode("ascii")))
            return (datetime.fromisoformat(moment) if moment is not None else None, _row(id_))
        except (ValueError, TypeError, binascii.Error):
            raise ValidationError("not a `next` of ours") from None


def _row(id_: object) -> int:
    if not isinstance(id_, int) or not 0 <= id_ < 2**63:
        raise ValueError
    return id_


def next_after(moment: datetime | None, id_: int) -> str:
    """What `After` reads."""
    told = json.dumps([moment.isoformat() if moment else None, id_], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode()


class PageQuery(Schema):
    """What every list may be asked with."""

    after = After()


class PageSchema(Schema):
    """The frame of every list; the items are the subclass's."""

    next = fields.String(
        required=True, allow_none=True, metadata={"description": "pass it as `after`; null on the last page"}
    )
