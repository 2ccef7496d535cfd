"""The calendar: a row for each step of each order, with its state and one reason in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Message(Base):
    """One message to one customer. `due_at` is the plan's, `ready_at` when it may leave (deferral, backoff)."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("shop_id", "flow", "step", "subject", "channel", "copy"),
        Index("ix_messages_order", "order_id"),
        Index("ix_messages_customer_sent", "customer_id", "sent_at"),
        Index("ix_messages_ready", "ready_at", "id", postgresql_where=text("state = 'planned'"),
              sqlite_where=text("state = 'planned'")),
        Index("ix_messages_turns", "shop_id", "step", "ready_at", "id", postgresql_where=text("state = 'planned'"),
              sqlite_where=text("state = 'planned'")),
        Index("ix_messages_leased", "lease_until", postgresql_where=text("state IN ('queued', 'sending')"),
              sqlite_where=text("state IN ('queued', 'sending')")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    flow: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))  # what it is about: the order's or the parcel's platform id
    channel: Mapped[str] = mapped_column(String(10), default="email")
    copy: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    message_class: Mapped[str] = mapped_column(String(15))
    due_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    parcels: Mapped[list[Any]] = mapped_column(default=list)  # platform ids of the parcels it tells of
    estimated: Mapped[bool] = mapped_column(default=False)  # the delivery it speaks of is an estimate
    attempts: Mapped[int] = mapped_column(default=0)
    claim_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]  # machine time, by the database's clock
    sent_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]  # machine time it was handed over, for measuring
    address: Mapped[str | None] = mapped_column(String(320))  # it was sent to
    mail_subject: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(300))


class SendQuota(Base):
    """How much of a send rate is used in its current window; machine time. `key`: provider:email, shop:12, domain:…"""

    __tablename__ = "send_quotas"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    first_at: Mapped[datetime]  # first used: a new domain's warm-up counts from here
    window_at: Mapped[datetime]
    used: Mapped[int]
    put_off: Mapped[int]  # messages promised to later windows


class Act(Base):
    """What the merchant did to a message: cancel, send_now, send_again. A fact, so that no replanning undoes it."""

    __tablename__ = "acts"
    __table_args__ = (Index("ix_acts_order", "order_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    copy: Mapped[int] = mapped_column(default=0, server_default="0")  # which copy is cancelled or sent now
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]


class Click(Base):
    """A visit to a link in a message; `by_scanner` for the software that opens every link before a person does."""

    __tablename__ = "clicks"
    __table_args__ = (Index("ix_clicks_message", "message_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_scanner: Mapped[bool]
