"""What mail providers tell of messages that they took, kept before it is answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class MailWebhook(Base):
    """One event of a mail provider's. `word`: of schemas.mail.events.MailWord, or confirm for SNS's question.

    States as a receipt's: received, done, kept (it changed nothing, with a reason), rejected (a schema refused it, its
    body is in `body`), failed. `recipient` is encrypted and goes once the event is dealt with.
    """

    __tablename__ = "mail_webhooks"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("ix_mail_webhooks_unprocessed", "next_attempt_at", "id", postgresql_where=text("state = 'received'"),
              sqlite_where=text("state = 'received'")),
        Index("ix_mail_webhooks_rejected", "provider", postgresql_where=text("state = 'rejected'"),
              sqlite_where=text("state = 'rejected'")),
        Index("ix_mail_webhooks_recipient", "recipient_hash"),
        Index("ix_mail_webhooks_shop", "shop_id", "id"),
        Index("ix_mail_webhooks_accepted", "accepted_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(200))
    word: Mapped[str | None] = mapped_column(String(16))
    at: Mapped[datetime | None]  # the provider's time
    key: Mapped[str | None] = mapped_column(String(300))  # of the message, as the provider hands it back
    rfc_id: Mapped[str | None] = mapped_column(String(200))  # left part of its Message-ID
    status: Mapped[str | None] = mapped_column(String(20))
    recipient: Mapped[str | None] = mapped_column(Text)
    recipient_hash: Mapped[str | None] = mapped_column(String(64))  # keyed, to find what an erasure must take
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    order_id: Mapped[int | None] = mapped_column(BigId)  # whose message it was; no reference: orders may go before it
    received_at: Mapped[datetime]  # business time
    accepted_at: Mapped[datetime]  # machine time
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(300))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]  # machine time


class MailNonce(Base):
    """A token that signed one body and must not sign another (Mailgun's signature does not cover the body)."""

    __tablename__ = "mail_nonces"
    __table_args__ = (Index("ix_mail_nonces_seen", "seen_at"),)

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]  # machine time
