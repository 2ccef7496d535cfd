"""What nobody was told of: receipts whose nudge was lost."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from plugin.services.context import Context
from plugin.store.models.shops import Receipt


def anything_unprocessed(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        return (
            session.scalar(
                select(Receipt.id)
                .where(Receipt.state == "received", Receipt.next_attempt_at <= datetime.now(UTC))
                .limit(1)
            )
            is not None
        )
