"""The service desk: its hours and the letters it writes to customers; and the indexes of the merchant's lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.types import BigId

# Searching orders by the beginning of their name, of a customer's name or of an address. On PostgreSQL only this class
# of operators serves prefixes whatever the database's collation; SQLite compares bytes anyway. `placed_at` gives the
# newest of many namesakes without sorting them all. Plain columns: SQLite forgets indexes of expressions whenever a
# migration rebuilds a table.
PREFIX = "text_pattern_ops"
Index("ix_orders_search_name", Order.shop_id, Order.name, postgresql_ops={"name": PREFIX})
Index("ix_orders_search_first", Order.shop_id, Order.first_name, Order.placed_at, postgresql_ops={"first_name": PREFIX})
Index("ix_orders_search_last", Order.shop_id, Order.last_name, Order.placed_at, postgresql_ops={"last_name": PREFIX})
Index("ix_orders_search_address", Order.shop_id, Order.address, postgresql_ops={"address": PREFIX})

# What waits, was stopped or failed, the newest first. No row that is due, claimed or sent is in it, so that sending
# a message costs nothing more.
IDLE = "state IN ('waiting', 'held', 'failed', 'cancelled', 'withheld')"
Index("ix_messages_idle", Message.shop_id, Message.state, Message.step, Message.id,
      postgresql_where=text(IDLE), sqlite_where=text(IDLE))  # fmt: skip


class DeskHours(Base):
    """When a shop's desk answers. `days`: {"mon": [["10:00", "18:00"]] …}, wall times of `zone`; no row: not told."""

    __tablename__ = "desk_hours"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    days: Mapped[dict[str, Any]]
    goal_minutes: Mapped[int]  # open minutes within which a customer is to be answered


class DeskLetter(Base):
    """A mail of the desk to a customer, kept before it is sent. States: planned, sending, sent, failed, cancelled.

    kind: acknowledgement (we heard you), reply (the merchant's own words), solved (was it solved?).
    """

    __tablename__ = "desk_letters"
    __table_args__ = (
        UniqueConstraint("issue_id", "kind", "number"),
        Index("ix_desk_letters_order", "order_id"),
        Index("ix_desk_letters_ready", "ready_at", postgresql_where=text("state = 'planned'"),
              sqlite_where=text("state = 'planned'")),
        Index("ix_desk_letters_leased", "lease_until", postgresql_where=text("state = 'sending'"),
              sqlite_where=text("state = 'sending'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]  # the how manieth of its kind for the issue, from 1
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    words: Mapped[str | None] = mapped_column(Text)  # of a reply
    author: Mapped[str | None] = mapped_column(String(320))
    made_at: Mapped[datetime]
    ready_at: Mapped[datetime]  # business time from which it may leave
    attempts: Mapped[int] = mapped_column(default=0)
    claim_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]  # machine time, by the database's clock
    sent_at: Mapped[datetime | None]
