"""What was offered to whom, what came of it, and the order values by which the shop's rules tell customers apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Offer(Base):
    """One offer to one customer. `purpose` is what it was made for ("cross_sell:1001"), so that no retry makes two.

    States: promised (to be made when the customer has answered), making (the platform was, or is about to be, asked),
    made, refused (with the reason), unknown (store credit whose answer was lost: never asked for again).
    kind: amount, percentage, free_shipping, store_credit or gift_card.
    """

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("shop_id", "purpose"),
        Index("ix_offers_order", "order_id"),
        Index("ix_offers_code", "shop_id", "code"),
        Index("ix_offers_redeemed", "shop_id", "redeemed_order_id"),
        Index("ix_offers_shop", "shop_id", "id"),
        Index("ix_offers_asked", "shop_id", "asked_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))  # that it follows
    purpose: Mapped[str] = mapped_column(String(120))
    tier: Mapped[str] = mapped_column(String(20))  # by which rule: plugin.domain.offers
    kind: Mapped[str] = mapped_column(String(20))
    minor: Mapped[int | None] = mapped_column(BigInteger)  # of an amount; the most that free shipping may cost
    percent: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    minimum_minor: Mapped[int | None] = mapped_column(BigInteger)  # that the order must come to
    days: Mapped[int]  # for which it holds from `asked_at`
    code: Mapped[str | None] = mapped_column(String(40))  # in capitals; None for store credit, and once erased
    platform_id: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(300))
    attempts: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]  # business time: first wanted
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    redeemed_order_id: Mapped[str | None] = mapped_column(String(64))  # the platform's id
    redeemed_at: Mapped[datetime | None]


class OrderMedian(Base):
    """What half of a shop's recent orders in one currency come to at least; `orders` of them were counted."""

    __tablename__ = "order_medians"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    median_minor: Mapped[int] = mapped_column(BigInteger)
    orders: Mapped[int]
    counted_at: Mapped[datetime]  # business time
