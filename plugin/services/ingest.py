"""From receipts to facts to plans: batches under locks, one transaction each; what fails, fails alone."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from plugin.secrets import Undecryptable
from plugin.services.batch import LockAgain, Told
from plugin.services.context import Context
from plugin.services.erase import BURIED, buried
from plugin.services.races import lost_a_race
from plugin.services.receive import COMPLIANCE
from plugin.services.sweep import unprocessed
from plugin.services.telling import TRIES, open_batch, settle
from plugin.store.models.shops import Receipt
from schemas.shopify.topics import Rejected, parse

ATTEMPTS = 5
BACKOFF = (5, 30, 120, 600)  # seconds of machine time after each failure
BATCH = 100

log = logging.getLogger(__name__)


def ingest_receipts(ctx: Context, limit: int = BATCH) -> int:
    """Take up to `limit` unprocessed receipts and turn them into facts and plans. Returns how many were dealt with.

    A batch that fails is tried again one by one, so that one poisonous payload holds up nobody else. Database outages
    are raised: nothing is marked, everything is still there afterwards.
    """
    try:
        return _told(_batch(ctx, None, limit))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("ingest_batch_failed")
    with ctx.database.reading() as session:
        ids = session.scalars(
            select(Receipt.id).where(*unprocessed()).order_by(Receipt.next_attempt_at, Receipt.id).limit(limit)
        ).all()
    return sum(_alone(ctx, receipt_id) for receipt_id in ids)


def _alone(ctx: Context, receipt_id: int) -> int:
    try:
        return _told(_batch(ctx, receipt_id, 1))
    except (OperationalError, InterfaceError):
        raise
    except Exception as exc:
        log.exception("receipt_failed", extra={"receipt": receipt_id})
        _record_failure(ctx, receipt_id, f"could not be processed: {type(exc).__name__}")
        return 1


def _told(count: int) -> int:
    if count:
        log.info("receipts_ingested", extra={"count": count})
    return count


def _record_failure(ctx: Context, receipt_id: int, reason: str) -> None:
    with ctx.database.transaction() as session:
        receipt = session.get(Receipt, receipt_id, with_for_update=True)
        if receipt is None or receipt.state != "received":
            return
        receipt.attempts += 1
        receipt.reason = reason
        if receipt.attempts >= ATTEMPTS:
            receipt.state = "failed"
        else:
            receipt.next_attempt_at = datetime.now(UTC) + timedelta(seconds=BACKOFF[receipt.attempts - 1])


class _ByItself(Exception):
    """A compliance request: it waits for all that is under way about its customer, so it must hold nothing itself."""

    def __init__(self, receipt_id: int) -> None:
        self.receipt_id = receipt_id


def _batch(ctx: Context, only: int | None, limit: int) -> int:
    for _ in range(TRIES):
        try:
            with ctx.database.transaction() as session:
                return _process(ctx, session, only, limit)
        except LockAgain:
            continue
        except _ByItself as exc:
            only = exc.receipt_id
        except OperationalError as exc:
            if not lost_a_race(exc):
                raise
            log.info("ingest_lost_a_race")
    raise LockAgain


def _process(ctx: Context, session: Session, only: int | None, limit: int) -> int:
    wanted = (Receipt.id == only, Receipt.state == "received") if only else unprocessed()
    receipts = session.scalars(
        select(Receipt).where(*wanted).order_by(Receipt.next_attempt_at, Receipt.id).limit(limit)
        .with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    receipts = sorted(receipts, key=lambda receipt: receipt.id)
    requests = [place for place, receipt in enumerate(receipts) if receipt.topic in COMPLIANCE]
    if requests and len(receipts) > 1:
        if requests[0] == 0:
            raise _ByItself(receipts[0].id)
        receipts = receipts[: requests[0]]
    by_shop: defaultdict[int, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_shop[receipt.shop_id].append(receipt)
    for shop_id in sorted(by_shop):
        _ingest_shop(ctx, session, shop_id, by_shop[shop_id])
    return len(receipts)


def _ingest_shop(ctx: Context, session: Session, shop_id: int, receipts: Sequence[Receipt]) -> None:
    told = [_read(ctx, receipt) for receipt in receipts]
    known = [t for t in told if t is not None]
    batch = open_batch(ctx, session, shop_id, known)
    erased = _about_the_erased(ctx, session, batch.shop.code, receipts)
    settle(batch, [t for t in known if t.receipt_id not in erased])


def _about_the_erased(ctx: Context, session: Session, code: str, receipts: Sequence[Receipt]) -> set[int]:
    """Receipts that came between a request to erase their customer and the erasing: they lose their payload."""
    found = set()
    named = [r for r in receipts if r.topic not in COMPLIANCE and (r.customer_ref or r.order_ref)]
    if named and buried(session, ctx, code, {r.customer_ref for r in named}, {r.order_ref for r in named}):
        for receipt in named:
            if buried(session, ctx, code, [receipt.customer_ref], [receipt.order_ref]):
                receipt.state, receipt.reason, receipt.body = "kept", BURIED, None
                found.add(receipt.id)
    return found


def _read(ctx: Context, receipt: Receipt) -> Told | None:
    """Parse a receipt and mark it; None when it says nothing that we keep."""
    receipt.processed_at = datetime.now(UTC)
    if receipt.body is None:
        receipt.state, receipt.reason = "kept", receipt.reason or "its payload was pruned"
        return None
    try:
        parsed = parse(receipt.topic, ctx.vault.open_bytes(receipt.body), triggered_at=receipt.triggered_at)
    except Undecryptable:
        receipt.state = "failed"
        receipt.reason = "encrypted with a key that ENCRYPTION_KEYS no longer holds"
        return None
    except Rejected as exc:
        receipt.state, receipt.reason = "rejected", _summary(exc)
        log.info("receipt_rejected", extra={"receipt": receipt.id, "topic": receipt.topic})
        return None
    receipt.state, receipt.reason = ("done" if parsed.events else "kept"), parsed.reason
    return Told(receipt.id, receipt.topic, receipt.received_at, receipt.triggered_at, parsed.events)


def _summary(exc: Rejected) -> str:
    parts = [f"{error['field']}: {error['message']}" for error in exc.errors]
    return "; ".join(parts)[:500] or "rejected"
