"""What nobody was told of: receipts whose nudge was lost."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, literal, select

from plugin.services.context import Context
from plugin.store.models.shops import Receipt

# Written into the statement as it stands, because only then does the partial index serve whatever plan is kept.
_RECEIVED = literal("received", literal_execute=True)


def unprocessed() -> tuple[ColumnElement[bool], ...]:
    """Which receipts wait for a worker."""
    return Receipt.state == _RECEIVED, Receipt.next_attempt_at <= datetime.now(UTC)


def anything_unprocessed(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        return session.scalar(select(Receipt.id).where(*unprocessed()).limit(1)) is not None
