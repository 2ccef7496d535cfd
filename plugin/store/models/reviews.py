"""What customers let the shop tell others. A row is there only while their leave holds: taking it back deletes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Review(Base):
    """A good answer that may be shown, once somebody of the shop approves. States: pending, approved, rejected."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("answer_id"),
        Index("ix_reviews_order", "order_id"),
        Index("ix_reviews_shop", "shop_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    answer_id: Mapped[int] = mapped_column(ForeignKey("survey_answers.id", ondelete="CASCADE"))
    products: Mapped[list[Any]]  # platform ids of what it speaks of
    stars: Mapped[int]
    words: Mapped[str] = mapped_column(Text)  # the customer's, never edited
    first_name: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(5))  # of the page on which it was written
    given_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(320))


class ReviewShown(Base):
    """Where an approved review is found: one row for each product and reader's language."""

    __tablename__ = "reviews_shown"
    __table_args__ = (
        UniqueConstraint("review_id", "product_id"),
        Index("ix_reviews_shown_product", "shop_id", "product_id", "language", "given_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"))
    product_id: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(5))
    given_at: Mapped[datetime]
