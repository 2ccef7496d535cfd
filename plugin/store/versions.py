"""How news is ordered: a version is a text that sorts as the snapshots it stands for follow each other."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def version_of(updated_at: datetime | None, triggered_at: datetime | None, final: bool, content: object) -> str:
    """Newer snapshots give greater versions, whatever order they come in.

    By the platform's `updated_at` (whole seconds, so ties are common), then the moment it told us, then whether it is
    in a state that nothing returns from, then by content, so that even a perfect tie has one winner.
    """
    digest = hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()
    return f"{_sortable(updated_at)}|{_sortable(triggered_at)}|{int(final)}|{digest}"


def is_newer(version: str, stored: str | None) -> bool:
    return stored is None or version > stored


def _sortable(moment: datetime | None) -> str:
    return (moment or _NEVER).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
