"""What was written to a customer, as it left: kept beside the messages so that their rows stay small."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.partitions import with_default


class MessageBody(Base):
    """A message's rendered content. Rows are only ever inserted; a message's newest holds.

    On PostgreSQL a partition for each month of `made_at`, so that what is too old is dropped whole. Nothing refers to
    it and it refers to nothing the database knows: a reference would have every insertion look the message up.
    """

    __tablename__ = "message_bodies"
    __table_args__ = (
        Index("ix_message_bodies_made", "made_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (made_at)"},
    )

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(primary_key=True)  # machine time
    body: Mapped[bytes] = mapped_column(LargeBinary)  # compressed and encrypted


with_default(MessageBody.__table__)
