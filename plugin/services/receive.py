"""One webhook, one committed receipt, one answer. Nothing is understood here that can wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.platforms.shopify.webhook import BadEnvelope, Envelope, open_envelope
from plugin.queues import INGEST
from plugin.secrets import fingerprint
from plugin.services.context import Context
from plugin.services.erase import BURIED, buried
from plugin.services.group_commit import PATIENCE, GaveUp
from plugin.services.receipt_groups import Groups, Plain
from plugin.services.shops import SHOPIFY, find_shop, register
from plugin.store.models.shops import Receipt, Shop, Tombstone
from plugin.store.upserts import insert_for
from schemas.shopify.subjects import body_subjects

COMPLIANCE = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
UNINSTALLED = "app/uninstalled"
# A shop that installed us without our being called: its first webhook may be a retry (four hours) or a day late.
UNSEEN_INSTALL = timedelta(days=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform is told: an HTTP status and, where refused, a word, a sentence and the header at fault."""

    status: int
    error: str | None = None
    message: str | None = None
    field: str | None = None


ACCEPTED = Answer(200)
BUSY = Answer(503, "unavailable", "The database did not answer in time. Send it again.")


def receive_shopify(ctx: Context, headers: Mapping[str, str], body: bytes, groups: Groups | None = None) -> Answer:
    """Verify, keep, answer. Raises SQLAlchemyError when the database cannot keep it (the web answers 503).

    With `groups` a webhook that nothing speaks against is committed together with others; the rest is looked at alone.
    """
    try:
        envelope = open_envelope(headers, body, ctx.settings.shopify_secrets)
    except BadEnvelope as exc:
        return Answer(exc.status, exc.error, str(exc), exc.field)
    customer_ref, order_ref, named_shop = body_subjects(body, envelope.topic)
    now, accepted_at = ctx.clock.now(), datetime.now(UTC)
    values = {
        "webhook_id": envelope.webhook_id,
        "topic": envelope.topic,
        "event_id": envelope.event_id,
        "api_version": envelope.api_version,
        "triggered_at": envelope.triggered_at,
        "received_at": now,
        "accepted_at": accepted_at,
        "next_attempt_at": accepted_at,
        "body": ctx.vault.seal_bytes(body),
        "customer_ref": customer_ref,
        "order_ref": order_ref,
        "state": "received",
        "attempts": 0,
    }
    if groups and not _ending(envelope.topic) and not _mismatch(envelope, named_shop):
        try:
            if groups.keep(Plain(envelope.shop, values)):
                return ACCEPTED
        except GaveUp:
            return BUSY
    if _keep_alone(ctx, envelope, named_shop, values):
        ctx.queues.nudge(INGEST)
    return ACCEPTED


def _keep_alone(ctx: Context, envelope: Envelope, named_shop: str | None, values: dict[str, Any]) -> bool:
    """Commit one receipt, or what may be kept of it. Whether a worker has something new to do."""
    with ctx.database.transaction() as session:
        if not ctx.database.is_sqlite:
            session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
        shop, refusal = _shop_for(session, ctx, envelope, named_shop, values["received_at"])
        if shop is None:
            log.info("webhook_dropped", extra={"topic": envelope.topic, "why": refusal})
            return False
        named = [values["customer_ref"]], [values["order_ref"]]
        if envelope.topic not in COMPLIANCE and buried(session, ctx, shop.code, *named):
            refusal = refusal or BURIED
        if refusal:
            emptied = {"body": None, "customer_ref": None, "order_ref": None, "state": "kept", "reason": refusal}
            values = values | emptied
        insert = insert_for(session, Receipt).values(shop_id=shop.id, **values)
        insert = insert.on_conflict_do_nothing(index_elements=["shop_id", "webhook_id"])
        new = session.execute(insert.returning(Receipt.id)).first() is not None
    return new and not refusal


def _ending(topic: str) -> bool:
    """Whether it speaks of the end of a shop's or a customer's data."""
    return topic == UNINSTALLED or topic in COMPLIANCE


def _mismatch(envelope: Envelope, named_shop: str | None) -> bool:
    return named_shop is not None and named_shop.endswith(".myshopify.com") and named_shop != envelope.shop


def _shop_for(
    session: Session, ctx: Context, envelope: Envelope, named_shop: str | None, now: datetime
) -> tuple[Shop | None, str | None]:
    """The shop of a webhook, and why its payload must not be kept; no shop: nothing about it may be stored.

    The signature covers the body, not the header that names the shop, so a body that names another one is not believed.
    """
    shop = find_shop(session, envelope.shop)
    mismatch, ending = _mismatch(envelope, named_shop), _ending(envelope.topic)
    if shop is None:
        if ending or mismatch:
            return None, "from a shop that is not installed"
        buried_at = session.scalar(
            select(Tombstone.buried_at).where(
                Tombstone.kind == "shop",
                Tombstone.fingerprint == fingerprint(ctx.settings.secret_key, SHOPIFY, envelope.shop),
            )
        )
        if buried_at and (envelope.triggered_at is None or envelope.triggered_at <= buried_at):
            return None, "from a shop that was erased"
        told = min(max(envelope.triggered_at or now, now - UNSEEN_INSTALL), now)
        return register(session, envelope.shop, told - UNSEEN_INSTALL), None
    if mismatch:
        return shop, "its body names another shop"
    if shop.uninstalled_at and not ending:
        if envelope.triggered_at is None or envelope.triggered_at <= shop.uninstalled_at:
            return shop, "the shop uninstalled Dasi before"
        shop.uninstalled_at, shop.installed_at = None, min(envelope.triggered_at, now)
    return shop, None
