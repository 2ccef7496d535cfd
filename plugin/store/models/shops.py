"""Shops, what they sent us, and what is left of those that went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Shop(Base):
    """A merchant's shop. `live` False: everything is recorded and planned, nothing sent."""

    __tablename__ = "shops"
    __table_args__ = (UniqueConstraint("platform", "domain"), UniqueConstraint("code"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    platform: Mapped[str] = mapped_column(String(20))
    domain: Mapped[str] = mapped_column(String(255))  # the platform's own name of it, e.g. demo.myshopify.com
    code: Mapped[str] = mapped_column(String(15))  # 5 to 15 characters, for Feedback-ID and message keys
    live: Mapped[bool] = mapped_column(default=False)
    installed_at: Mapped[datetime]  # business time; orders placed before it are history
    live_at: Mapped[datetime | None]
    uninstalled_at: Mapped[datetime | None]
    name: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(60))
    storefront: Mapped[str | None] = mapped_column(String(255))  # the public host
    address: Mapped[dict[str, Any] | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    locale: Mapped[str | None] = mapped_column(String(35))
    timezone: Mapped[str | None] = mapped_column(String(64))
    told_at: Mapped[datetime | None]  # the platform's updated_at of the facts above
    scopes: Mapped[list[Any] | None]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)  # schemas.settings.ShopSettings
    # Settings changed, and not every order is planned with them yet: see services.replanning
    plans_behind: Mapped[bool] = mapped_column(default=False, server_default=false())


class Tombstone(Base):
    """A keyed hash of a shop or customer that was erased: late webhooks about it store no payload."""

    __tablename__ = "tombstones"
    __table_args__ = (UniqueConstraint("kind", "fingerprint"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # shop, customer, order
    fingerprint: Mapped[str] = mapped_column(String(64))
    buried_at: Mapped[datetime]


class Receipt(Base):
    """One webhook, kept before it is answered. `body` is compressed and encrypted; None once pruned or redacted.

    States: received, done, kept (understood to need nothing, with a reason), rejected (a schema refused it),
    failed (a worker could not process it).
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("shop_id", "webhook_id"),
        Index("ix_receipts_unprocessed", "next_attempt_at", "id", postgresql_where=text("state = 'received'"),
              sqlite_where=text("state = 'received'")),
        Index("ix_receipts_failed", "id", postgresql_where=text("state IN ('failed', 'rejected')"),
              sqlite_where=text("state IN ('failed', 'rejected')")),
        Index("ix_receipts_shop_customer", "shop_id", "customer_ref"),
        Index("ix_receipts_shop_order", "shop_id", "order_ref"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    webhook_id: Mapped[str] = mapped_column(String(120))
    topic: Mapped[str] = mapped_column(String(120))
    event_id: Mapped[str | None] = mapped_column(String(120))
    api_version: Mapped[str | None] = mapped_column(String(20))
    triggered_at: Mapped[datetime | None]  # the platform's time
    received_at: Mapped[datetime]  # business time
    accepted_at: Mapped[datetime]  # machine time, for measuring
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    customer_ref: Mapped[str | None] = mapped_column(String(64))  # platform ids, to find what a redaction must erase
    order_ref: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="received")
    reason: Mapped[str | None] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]  # machine time
    processed_at: Mapped[datetime | None]  # machine time


class ClockRow(Base):
    """The demo's business time. One row, id 1; only the demo's driver moves it on."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    now: Mapped[datetime]
    speed: Mapped[float]
    held_by: Mapped[str | None] = mapped_column(String(200))  # what the clock waits for, in plain words


class Lease(Base):
    """A right to do a periodic task, until `until` on the database's clock."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(60))
    until: Mapped[datetime]
