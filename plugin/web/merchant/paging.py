"""Where a list goes on, as a parameter of its address: nothing secret, and nothing that a shop could not see anyway."""

from __future__ import annotations

from datetime import UTC, datetime

LIMIT = 2**62  # what a database takes for a number


def mark_text(at: datetime | None, id_: int) -> str:
    """`1762074000000000-17`: microseconds since 1970 and the row's number."""
    moment = "" if at is None else str(int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000 + 0.5))
    return f"{moment}-{id_}"


def read_mark(text: str | None) -> tuple[datetime | None, int] | None:
    """What `mark_text` wrote; None for anything else."""
    moment, dash, id_ = (text or "").partition("-")
    if not dash or not _is_number(id_) or (moment and not _is_number(moment)):
        return None
    try:
        at = datetime.fromtimestamp(int(moment) // 1_000_000, UTC) if moment else None
    except (ValueError, OverflowError, OSError):
        return None
    if at is not None:
        at = at.replace(microsecond=int(moment) % 1_000_000)
    return at, int(id_)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19 and int(text) < LIMIT
