"""What is kept only for a while: webhooks, what was written to customers, and the calendar of long ago.

How long is in `plugin.domain.retention`. On PostgreSQL the tables that only grow lie in a partition for each month:
those to come are made here, those gone by are dropped whole, which leaves nothing to vacuum.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, column, delete, select, table, tuple_, update
from sqlalchemy.orm import Session, class_mapper

from plugin.domain import retention
from plugin.services.archive import archive
from plugin.services.consent_files import prune_imports
from plugin.services.context import Context
from plugin.services.logins import prune_logins
from plugin.store import partitions
from plugin.store.models.archive import MessageArchive
from plugin.store.models.bodies import MessageBody
from plugin.store.models.mail_events import MailNonce, MailWebhook
from plugin.store.models.shops import Receipt
from plugin.store.session import database_now

BATCH = 500  # rows in one transaction, so that nobody waits for it
AHEAD = 3  # months of bodies that have their partition in time, should nobody keep house for so long

DEALT_WITH = ("done", "kept")
GIVEN_UP = ("failed", "rejected")  # may be run again, so their bodies stay longer

log = logging.getLogger(__name__)


def prune(ctx: Context) -> None:
    """Drop what has outlived its use, in batches. May be stopped and repeated at any point."""
    with ctx.database.transaction() as session:
        now = database_now(session)
    partitions.make_months(ctx.database, MessageBody.__tablename__, list(partitions.months(now, 1 + AHEAD)))
    with ctx.database.transaction() as session:
        prune_logins(session)
        prune_imports(session, now)
    _receipts(ctx, now)
    _mail_webhooks(ctx, now)
    _drop_months(ctx, MessageBody, "made_at", now - retention.MESSAGE_BODIES)
    moved = archive(ctx)
    _drop_months(ctx, MessageArchive, "at", ctx.clock.now() - retention.ARCHIVE)
    log.info("messages_archived", extra={"messages": moved})


def _receipts(ctx: Context, now: datetime) -> None:
    deleted = _in_batches(ctx, _older(now - retention.RECEIPTS, DEALT_WITH), _delete)
    has_body = Receipt.body.is_not(None)
    emptied = _in_batches(ctx, [*_older(now - retention.RECEIPT_BODIES, DEALT_WITH), has_body], _empty)
    emptied += _in_batches(ctx, [*_older(now - retention.RECEIPTS, GIVEN_UP), has_body], _empty)
    log.info("housekeeping_done", extra={"receipts_deleted": deleted, "bodies_dropped": emptied})


def _mail_webhooks(ctx: Context, now: datetime) -> None:
    """So long is a repeated event known, and a token that must not sign another body; what was given up on too."""
    _until_gone(ctx, MailWebhook, [MailWebhook.id], MailWebhook.accepted_at < now - retention.RECEIPTS)
    keys = [MailNonce.provider, MailNonce.digest]
    _until_gone(ctx, MailNonce, keys, MailNonce.seen_at < now - retention.MAIL_NONCES)


def _until_gone(ctx: Context, model: Any, keys: Sequence[Any], which: ColumnElement[bool]) -> None:
    """Delete what fits, in batches."""
    while True:
        with ctx.database.transaction() as session:
            some = select(*keys).where(which).limit(BATCH)
            gone = session.execute(delete(model).where(tuple_(*keys).in_(some)).returning(keys[0])).all()
        if len(gone) < BATCH:
            return


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


def _drop_months(ctx: Context, model: type[MessageBody | MessageArchive], moment: str, than: datetime) -> int:
    """Whole months where there are partitions: a row lives until the last one of its month may go. Elsewhere, and what
    landed in the default partition, row by row. Returns how many months and rows.
    """
    name = model.__tablename__
    dropped = partitions.drop_before(ctx.database, name, than)
    keys = [column(key.name, key.type) for key in class_mapper(model).primary_key]
    rest = table(name if ctx.database.is_sqlite else f"{name}_default", *keys)
    query = select(*rest.c).where(rest.c[moment] < than).order_by(rest.c[moment]).limit(BATCH)
    while True:
        with ctx.database.transaction() as session:
            rows = [tuple(row) for row in session.execute(query)]
            if rows:
                session.execute(delete(rest).where(tuple_(*rest.c).in_(rows)))
        dropped += len(rows)
        if len(rows) < BATCH:
            return dropped
