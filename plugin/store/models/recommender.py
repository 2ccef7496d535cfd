"""What a shop's own orders taught about its products: found by key when a message is written, made anew every night."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Recommender(Base):
    """Which generation of a shop's lists holds. Setting it is what replaces all of them at once."""

    __tablename__ = "recommenders"

    shop_id: Mapped[int] = mapped_column(BigId, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int]
    trained_at: Mapped[datetime]  # business time up to which orders taught
    orders: Mapped[int]  # that taught
    products: Mapped[int]  # that have a list


class ProductList(Base):
    """The products that go with a product, sell in a country or belong to a kind, packed: `recommender.lists`."""

    __tablename__ = "product_lists"

    shop_id: Mapped[int] = mapped_column(BigId, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class TrainingPart(Base):
    """Some thousand of a shop's order lines, packed, from when they are read until the training has ended."""

    __tablename__ = "training_parts"

    shop_id: Mapped[int] = mapped_column(BigId, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    packed: Mapped[bytes] = mapped_column(LargeBinary)
