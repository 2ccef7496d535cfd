"""Receipts that were given up on: shown, and put back to be processed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.store.models.shops import Receipt, Shop
from plugin.store.session import database_now

GIVEN_UP = ("failed", "rejected")
PAGE = 500  # rows
SHOWN = 50  # of one shop's, on a page


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


@dataclass(frozen=True, slots=True)
class Notices:
    """What one shop's platform told and we gave up on, the newest first. `more`: the id to go on before, if any."""

    notices: Sequence[GivenUp]
    more: int | None


def given_up_of(session: Session, shop_id: int, before: int | None = None) -> Notices:
    """The shop's own, a page of SHOWN."""
    r = Receipt
    asked = (
        select(r.id, Shop.domain, r.topic, r.received_at, r.state, r.reason, r.body.is_not(None).label("body_left"))
        .join(Shop, Shop.id == r.shop_id)
        .where(r.shop_id == shop_id, r.state.in_(GIVEN_UP))
        .order_by(r.id.desc())
        .limit(SHOWN + 1)
    )
    rows = session.execute(asked.where(r.id < before) if before is not None else asked).all()
    found = [GivenUp(*row[:5], " ".join((row.reason or "").split()), row.body_left) for row in rows[:SHOWN]]
    return Notices(found, found[-1].id if len(rows) > SHOWN else None)


def run_again_of(session: Session, ctx: Context, shop_id: int, actor: str) -> int:
    """Put all of the shop's that still have a body back in line. Returns how many; the caller nudges a worker."""
    ids = session.scalars(select(Receipt.id).where(Receipt.shop_id == shop_id, Receipt.state.in_(GIVEN_UP))).all()
    count = run_again(session, ids)
    if count:
        record_change(session, shop_id, actor, "notices.again", None, {"notices": count}, ctx.clock.now())
    return count
