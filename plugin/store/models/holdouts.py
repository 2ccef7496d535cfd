"""Who is compared with whom: customers in the holdout of a step, and those who got its message meanwhile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class Holdout(Base):
    """A customer's group in one step, from the moment that its first message would have left: a fact, for good.

    `set_aside`: the merchant sent by hand what would have been kept out, so the customer says nothing of either group.
    """

    __tablename__ = "holdouts"
    __table_args__ = (
        UniqueConstraint("shop_id", "step", "customer_id"),
        Index("ix_holdouts_customer", "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(BigId)  # whose message it was
    step: Mapped[str] = mapped_column(String(40))
    kept_out: Mapped[bool]
    percent: Mapped[int]  # in force then
    at: Mapped[datetime]  # business time
    until: Mapped[datetime]  # what is bought before then is counted
    set_aside: Mapped[bool] = mapped_column(default=False)
