"""Column types of ours: one for moments, one for ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; timestamptz on PostgreSQL, ISO text in UTC on SQLite. A naive moment is an error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_decode = json.JSONDecoder().decode


def load_json(text: str | bytes) -> Any:
    """Stored JSON -> value, sooner than `json.loads`: half of the columns are empty, and all are known to be UTF-8."""
    if len(text) == 2:
        if text in ("{}", b"{}"):
            return {}
        if text in ("[]", b"[]"):
            return []
    return _decode(text if isinstance(text, str) else text.decode())


BigId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only in INTEGER PRIMARY KEY
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
