"""One webhook, one committed receipt, one answer. Nothing is understood here that can wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.platforms.shopify.webhook import BadEnvelope, Envelope, open_envelope
from plugin.queues import INGEST
from plugin.secrets import fingerprint
from plugin.services.context import Context
from plugin.services.erase import BURIED, buried
from plugin.services.shops import SHOPIFY, find_shop, register
from plugin.store.models.shops import Receipt, Shop, Tombstone
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


def receive_shopify(ctx: Context, headers: Mapping[str, str], body: bytes) -> Answer:
    """Verify, keep, answer. Raises SQLAlchemyError when the database cannot keep it (the web answers 503)."""
    try:
        envelope = open_envelope(headers, body, ctx.settings.shopify_secrets)
    except BadEnvelope as exc:
        return Answer(exc.status, exc.error, str(exc), exc.field)
    customer_ref, order_ref, named_shop = body_subjects(body, envelope.topic)
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        shop, refusal = _shop_for(session, ctx, envelope, named_shop, now)
        if shop is None:
            log.info("webhook_dropped", extra={"topic": envelope.topic, "why": refusal})
            return ACCEPTED
        if envelope.topic not in COMPLIANCE and buried(session, ctx, shop.code, [customer_ref], [order_ref]):
            refusal = refusal or BURIED
        new = _insert(session, {
            "shop_id": shop.id,
            "webhook_id": envelope.webhook_id,
            "topic": envelope.topic,
            "event_id": envelope.event_id,
            "api_version": envelope.api_version,
            "triggered_at": envelope.triggered_at,
            "received_at": now,
            "accepted_at": datetime.now(UTC),
            "next_attempt_at": datetime.now(UTC),
            "body": None if refusal else ctx.vault.seal_bytes(body),
            "customer_ref": None if refusal else customer_ref,
            "order_ref": None if refusal else order_ref,
            "state": "kept" if refusal else "received",
            "reason": refusal,
            "attempts": 0,
        })  # fmt: skip
    if new and not refusal:
        ctx.queues.nudge(INGEST)
    return ACCEPTED


def _insert(session: Session, values: dict[str, object]) -> bool:
    """Insert the receipt; False when this webhook is here already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(Receipt).values(values).on_conflict_do_nothing(index_elements=["shop_id", "webhook_id"])
    return bool(session.execute(statement.returning(Receipt.id)).first())


def _shop_for(
    session: Session, ctx: Context, envelope: Envelope, named_shop: str | None, now: datetime
) -> tuple[Shop | None, str | None]:
    """The shop of a webhook, and why its payload must not be kept; no shop: nothing about it may be stored.

    The signature covers the body, not the header that names the shop, so a body that names another one is not believed.
    """
    shop = find_shop(session, envelope.shop)
    mismatch = named_shop is not None and named_shop.endswith(".myshopify.com") and named_shop != envelope.shop
    ending = envelope.topic == UNINSTALLED or envelope.topic in COMPLIANCE
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
