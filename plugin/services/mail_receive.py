"""One webhook of a mail provider's: verified, kept and committed, then answered. What it means is for a worker."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.providers import signatures, sns
from plugin.channels.email.providers.signatures import Refused, Verified
from plugin.channels.email.providers.sns import Unreachable
from plugin.domain.addresses import normalise_email
from plugin.queues import INGEST
from plugin.services.context import Context
from plugin.services.erase import mail_print
from plugin.services.receive import ACCEPTED, Answer
from plugin.store.models.mail_events import MailNonce, MailWebhook
from plugin.store.upserts import insert_for
from schemas.mail import ses
from schemas.mail.events import MailEvent
from schemas.mail.providers import Rejected, hear

CONFIRM = "confirm"  # the word of SNS's question
AT_ONCE = 500  # rows of one statement
_CHECKS = {
    "sendgrid": signatures.sendgrid,
    "postmark": signatures.postmark,
    "mailgun": signatures.mailgun,
    "resend": signatures.resend,
}
NO_SUCH = Answer(404, "not_found", "No webhooks of this provider are taken here.")
NO_CERTIFICATE = Answer(503, "unavailable", "The certificate of the signature could not be fetched. Send it again.")
REUSED = Answer(401, "reused_token", "The token signed another body before.", "signature.token")

log = logging.getLogger(__name__)


def receive_mail_event(ctx: Context, provider: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Verify, keep, answer. A provider without a secret in the settings is not there at all.

    Raises SQLAlchemyError when the database cannot keep it (the web answers 503).
    """
    secrets = ctx.settings.email_webhooks.get(provider, ())
    if not secrets:
        return NO_SUCH
    now = datetime.now(UTC)
    try:
        if provider == "ses":
            verified = sns.verify(body, secrets, ctx.amazon, now)
        else:
            verified = _CHECKS[provider](headers, body, secrets, now)
    except Refused as exc:
        log.warning("mail_webhook_refused", extra={"provider": provider, "why": exc.error})
        return Answer(exc.status, exc.error, str(exc), exc.field)
    except Rejected as exc:  # so far from what it should be that it cannot even be checked
        return Answer(400, "unreadable", str(exc)[:200], "body")
    except Unreachable as exc:
        log.warning("certificate_unreachable", extra={"why": str(exc)})
        return NO_CERTIFICATE
    rows = _rows(ctx, provider, verified, body, now)
    with ctx.database.transaction() as session:
        if verified.nonce and not _first_use(session, provider, verified.nonce, body, now):
            return REUSED
        new = _keep(session, rows)
    log.info("mail_webhook", extra={"provider": provider, "events": len(rows), "new": new})
    if new:
        ctx.queues.nudge(INGEST)
    return ACCEPTED


def _rows(ctx: Context, provider: str, verified: Verified, body: bytes, machine_now: datetime) -> list[dict[str, Any]]:
    """What is kept of it: a row for each event that means something to us, or one for what cannot be read."""
    common = {
        "provider": provider, "received_at": ctx.clock.now(), "accepted_at": machine_now,
        "next_attempt_at": machine_now, "attempts": 0, "state": "received", "word": None, "at": None, "key": None,
        "rfc_id": None, "status": None, "recipient": None, "recipient_hash": None, "body": None, "reason": None,
    }  # fmt: skip
    try:
        if provider == "ses" and (question := ses.confirmation(ses.read_envelope(body))):
            url = ctx.vault.seal_bytes(question.url.encode())
            return [common | {"event_id": verified.delivery, "word": CONFIRM, "body": url}]
        heard = hear(provider, body, verified.delivery)
    except Rejected as exc:
        log.warning("mail_webhook_rejected", extra={"provider": provider})
        return [common | {
            "event_id": hashlib.sha256(body).hexdigest(), "state": "rejected", "reason": str(exc)[:300],
            "body": ctx.vault.seal_bytes(body),
        }]  # fmt: skip
    events = {event.event_id: event for event in heard.events}  # one delivery may name an event twice
    return [common | _told(ctx, event) for _, event in sorted(events.items())]


def _told(ctx: Context, event: MailEvent) -> dict[str, Any]:
    address = normalise_email(event.recipient)
    return {
        "event_id": event.event_id[:200], "word": str(event.word), "at": event.at, "key": event.key,
        "rfc_id": event.rfc_id, "status": event.status,
        "recipient": ctx.vault.seal(address) if address else None,
        "recipient_hash": mail_print(ctx, address) if address else None,
    }  # fmt: skip


def _keep(session: Session, rows: list[dict[str, Any]]) -> int:
    """Insert what is not there yet; how many that were."""
    new = 0
    for start in range(0, len(rows), AT_ONCE):
        statement = insert_for(session, MailWebhook).values(rows[start : start + AT_ONCE])
        statement = statement.on_conflict_do_nothing(index_elements=["provider", "event_id"])
        new += len(session.execute(statement.returning(MailWebhook.id)).all())
    return new


def _first_use(session: Session, provider: str, nonce: str, body: bytes, now: datetime) -> bool:
    """False when the nonce came with another body before. The same body again is a repetition, which does no harm."""
    digest, body_digest = hashlib.sha256(nonce.encode()).hexdigest(), hashlib.sha256(body).hexdigest()
    statement = insert_for(session, MailNonce).values(
        provider=provider, digest=digest, body_digest=body_digest, seen_at=now
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["provider", "digest"]))
    known = session.scalar(
        select(MailNonce.body_digest).where(MailNonce.provider == provider, MailNonce.digest == digest)
    )
    return known == body_digest
