"""A shop of ours behind which the twin stands: the merchant opens the app, workers work, a test looks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from plugin.services import shop_tokens, sync
from plugin.services.context import Context
from plugin.services.errands import FIRST_SYNC, RECONCILE
from plugin.services.ingest import ingest_receipts
from plugin.services.shop_work import work_off
from plugin.services.sync import Progress
from plugin.store.models.platform import Errand
from tests.twin.server import Twin

SHOP = "demo.myshopify.com"


@dataclass
class TwinShop:
    ctx: Context
    twin: Twin
    shop_id: int

    def open_app(self) -> None:
        shop_tokens.exchange(self.ctx, self.shop_id, self.twin.session_token())

    def progress(self) -> Progress | None:
        with self.ctx.database.reading() as session:
            return sync.progress(session, self.shop_id)

    def errand(self, kind: str) -> Errand:
        with self.ctx.database.reading() as session:
            return session.get_one(Errand, (self.shop_id, kind))

    def hurry(self, kind: str) -> None:
        """Pauses after failures are over at once."""
        with self.ctx.database.transaction() as session:
            session.execute(
                update(Errand)
                .where(Errand.kind == kind, Errand.holder.is_(None))
                .values(next_at=datetime.now(UTC) - timedelta(seconds=1))
            )

    def lease_is_over(self, kind: str) -> None:
        """Of whoever had the errand in hand and died."""
        with self.ctx.database.transaction() as session:
            session.execute(update(Errand).where(Errand.kind == kind).values(next_at=datetime.now(UTC)))

    def synchronise(self, seconds: float = 120, *, hurried: bool = True) -> None:
        """Until the first synchronisation is through, whatever fails on the way. `hurried`: it waits for nothing."""
        end = time.monotonic() + seconds
        while self.errand(FIRST_SYNC).finished_at is None:
            assert time.monotonic() < end, self.progress()
            if not work_off(self.ctx):
                if hurried:
                    self.hurry(FIRST_SYNC)
                else:
                    time.sleep(0.05)

    def reconcile(self, seconds: float = 120) -> int:
        """One round of the hourly look; how many orders it brought."""
        self.hurry(RECONCILE)
        end = time.monotonic() + seconds
        while True:
            assert time.monotonic() < end, self.errand(RECONCILE).state
            worked = work_off(self.ctx)
            state = self.errand(RECONCILE).state
            if "to" not in state and "recovered" in state:
                return int(state["recovered"])
            if not worked:
                self.hurry(RECONCILE)

    def ingest(self) -> None:
        while ingest_receipts(self.ctx, limit=200):
            pass

    def count(self, model: Any, *conditions: Any) -> int:
        with self.ctx.database.reading() as session:
            return int(session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0)

    def rows(self, model: Any, *conditions: Any) -> list[Any]:
        with self.ctx.database.reading() as session:
            return list(session.scalars(select(model).where(*conditions).order_by(model.id)))
