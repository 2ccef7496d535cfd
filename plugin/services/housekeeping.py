"""What is kept only for a while: the bodies of webhooks, and their receipts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.shops import Receipt
from plugin.store.session import database_now

BODIES = timedelta(days=30)  # of receipts that are dealt with
RECEIPTS = timedelta(days=90)  # dealt with: so long is a repeated webhook id known; others lose their body
BATCH = 500  # rows in one transaction, so that nobody waits for it

DEALT_WITH = ("done", "kept")
GIVEN_UP = ("failed", "rejected")  # may be run again, so their bodies stay longer

log = logging.getLogger(__name__)


def prune(ctx: Context) -> None:
    """Drop what has outlived its use, by machine time, in batches. May be stopped and repeated at any point."""
    with ctx.database.transaction() as session:
        now = database_now(session)
    deleted = _in_batches(ctx, _older(now - RECEIPTS, DEALT_WITH), _delete)
    has_body = Receipt.body.is_not(None)
    emptied = _in_batches(ctx, [*_older(now - BODIES, DEALT_WITH), has_body], _empty)
    emptied += _in_batches(ctx, [*_older(now - RECEIPTS, GIVEN_UP), has_body], _empty)
    log.info("housekeeping_done", extra={"receipts_deleted": deleted, "bodies_dropped": emptied})


def _older(than: datetime, states: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [Receipt.state.in_(states), Receipt.accepted_at < than]


def _in_batches(
    ctx: Context, conditions: Sequence[ColumnElement[bool]], act: Callable[[Session, Sequence[int]], None]
) -> int:
    count = last = 0
    while True:
        with ctx.database.transaction() as session:
            ids = session.scalars(
                select(Receipt.id).where(Receipt.id > last, *conditions).order_by(Receipt.id).limit(BATCH)
            ).all()
            if ids:
                act(session, ids)
        count += len(ids)
        if len(ids) < BATCH:
            return count
        last = ids[-1]


def _delete(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(Receipt).where(Receipt.id.in_(ids)).execution_options(synchronize_session=False))


def _empty(session: Session, ids: Sequence[int]) -> None:
    session.execute(
        update(Receipt).where(Receipt.id.in_(ids)).values(body=None).execution_options(synchronize_session=False)
    )
