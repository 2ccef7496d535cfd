"""What is known about orders, parcels and products. Each row converges, whatever the order of the news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Order(Base):
    """An order's facts. `version` None: only its parcels, refunds or edits are known yet.

    `lines`: [{line_id, title, quantity, current_quantity, requires_shipping, product_id, variant_id, variant_title,
    gift_card, price: [minor, currency] | None}]. `refunds`: {refund id: [created at, [[line id, quantity] …]]}.
    `edits`: {edit id: [committed at, added, removed]} with added and removed like a refund's lines.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("shop_id", "platform_id"),
        Index("ix_orders_customer", "customer_id", "placed_at"),
        Index("ix_orders_shop_placed", "shop_id", "placed_at"),
        Index("ix_orders_unarchived", "placed_at", "id", postgresql_where=text("archived_at IS NULL"),
              sqlite_where=text("archived_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    platform_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    version: Mapped[str | None] = mapped_column(String(160))
    first_heard_at: Mapped[datetime]  # business time; clamps moments in the future
    told_at: Mapped[datetime | None]  # the platform's updated_at
    placed_at: Mapped[datetime | None]
    name: Mapped[str | None] = mapped_column(String(100))
    email: Mapped[str | None] = mapped_column(String(320))
    address: Mapped[str | None] = mapped_column(String(320))  # the e-mail address, normalised
    phone: Mapped[str | None] = mapped_column(String(60))
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str | None] = mapped_column(String(35))
    country_code: Mapped[str | None] = mapped_column(String(2))
    shipping_address: Mapped[dict[str, Any] | None]
    financial_status: Mapped[str | None] = mapped_column(String(40))
    cancelled_at: Mapped[datetime | None]
    test: Mapped[bool] = mapped_column(default=False)
    source_name: Mapped[str | None] = mapped_column(String(120))
    pickup: Mapped[bool] = mapped_column(default=False)
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    status_url: Mapped[str | None] = mapped_column(Text)  # encrypted
    lines: Mapped[list[Any]] = mapped_column(default=list)
    refunds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    edits: Mapped[dict[str, Any]] = mapped_column(default=dict)
    deleted_at: Mapped[datetime | None]
    redacted_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]  # its messages went to the archive, and no plan makes new ones


class Parcel(Base):
    """A fulfilment. `version` None: only the carrier spoke of it yet.

    `words`: {carrier event id: [status, happened at]}. `delivered_at`: by the carrier's word, else by the earliest
    snapshot that says delivered. `estimated_at`: fixed when the parcel is first planned.
    """

    __tablename__ = "parcels"
    __table_args__ = (
        UniqueConstraint("shop_id", "platform_id"),
        Index("ix_parcels_order", "order_id"),
        Index("ix_parcels_delivered", "shop_id", "carrier", "country_code", "delivered_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    platform_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[str | None] = mapped_column(String(160))
    first_heard_at: Mapped[datetime]
    name: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str | None] = mapped_column(String(40))
    shipped_at: Mapped[datetime | None]
    carrier: Mapped[str | None] = mapped_column(String(120))
    tracking_numbers: Mapped[list[Any]] = mapped_column(default=list)
    tracking_urls: Mapped[list[Any]] = mapped_column(default=list)
    lines: Mapped[list[Any]] = mapped_column(default=list)  # [[line id, quantity] …]
    country_code: Mapped[str | None] = mapped_column(String(2))  # the order's, repeated for the estimate's index
    words: Mapped[dict[str, Any]] = mapped_column(default=dict)
    delivered_at: Mapped[datetime | None]
    estimated_at: Mapped[datetime | None]


class Product(Base):
    """A product as last told by the catalogue. A price without a currency counts hundredths of the shop's own."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("shop_id", "platform_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    platform_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[str | None] = mapped_column(String(160))
    title: Mapped[str] = mapped_column(String(500))
    handle: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(Text)
    image_url: Mapped[str | None] = mapped_column(Text)
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    published: Mapped[bool] = mapped_column(default=True)
    in_stock: Mapped[bool | None]
    product_type: Mapped[str | None] = mapped_column(String(255))
    vendor: Mapped[str | None] = mapped_column(String(255))
    deleted: Mapped[bool] = mapped_column(default=False)


class Purchase(Base):
    """One product in one order: what recommendations are learned from."""

    __tablename__ = "purchases"
    __table_args__ = (
        UniqueConstraint("order_id", "product_id"),
        Index("ix_purchases_product", "shop_id", "product_id", "placed_at"),
        Index("ix_purchases_recent", "shop_id", "placed_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    product_id: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(String(500))
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
