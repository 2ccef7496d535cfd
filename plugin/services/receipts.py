"""Receipts that were given up on: shown, and put back to be processed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.store.models.shops import Receipt, Shop
from plugin.store.session import database_now

GIVEN_UP = ("failed", "rejected")
PAGE = 500  # rows


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A webhook that a schema refused or a worker could not process. `body_left` False: it cannot be run again."""

    id: int
    shop: str
    topic: str
    received_at: datetime
    state: str
    reason: str
    body_left: bool


def given_up(session: Session) -> Iterator[GivenUp]:
    """All of them, oldest first."""
    last = 0
    while True:
        page = session.execute(
            select(
                Receipt.id, Shop.domain, Receipt.topic, Receipt.received_at, Receipt.state, Receipt.reason,
                Receipt.body.is_not(None),
            )
            .join(Shop, Shop.id == Receipt.shop_id)
            .where(Receipt.state.in_(GIVEN_UP), Receipt.id > last)
            .order_by(Receipt.id)
            .limit(PAGE)
        ).all()  # fmt: skip
        if not page:
            return
        for id_, domain, topic, received_at, state, reason, body_left in page:
            yield GivenUp(id_, domain, topic, received_at, state, " ".join((reason or "").split()), body_left)
        last = page[-1][0]


def run_again(session: Session, ids: Sequence[int]) -> int:
    """Put receipts that were given up on back to `received`, with no attempts. Returns how many still had a body."""
    count = 0
    for start in range(0, len(ids), PAGE):
        done = session.scalars(
            update(Receipt)
            .where(Receipt.id.in_(ids[start : start + PAGE]), Receipt.state.in_(GIVEN_UP), Receipt.body.is_not(None))
            .values(state="received", reason=None, attempts=0, next_attempt_at=database_now(session), processed_at=None)
            .returning(Receipt.id)
            .execution_options(synchronize_session=False)
        ).all()
        count += len(done)
    return count
