"""Messages of long ago: out of the way of the calendar, still there for the order's page and for the law."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.partitions import with_default


class MessageArchive(Base):
    """A message that was moved here with all others of its order, which is marked `archived_at`. Its id stays.

    `at`: when it left, else when it was due, else when its order was placed; on PostgreSQL a partition for each month
    of it. What came of it stays with it, because the rows that told so go with the message's own.
    """

    __tablename__ = "messages_archive"
    __table_args__ = (
        Index("ix_messages_archive_order", "order_id"),
        Index("ix_messages_archive_shop", "shop_id", "at"),
        Index("ix_messages_archive_at", "at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    flow: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(10))
    copy: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    message_class: Mapped[str] = mapped_column(String(15))
    due_at: Mapped[datetime | None]
    parcels: Mapped[list[Any]]
    estimated: Mapped[bool]
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(320))
    mail_subject: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(300))
    opened_at: Mapped[datetime | None]  # first, by a person
    clicked_at: Mapped[datetime | None]  # first, by a person


with_default(MessageArchive.__table__)
