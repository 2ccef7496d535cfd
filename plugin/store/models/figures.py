"""What came of messages: opens and reactions, and the figures of each day that are counted from them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.models.messages import Click, Message
from plugin.store.types import BigId

# By which a day's messages, and the days with new clicks, are found. They belong to other modules' tables and serve
# nobody but the figures.
Index("ix_messages_shop_sent", Message.shop_id, Message.sent_at, postgresql_where=text("sent_at IS NOT NULL"),
      sqlite_where=text("sent_at IS NOT NULL"))  # fmt: skip
Index("ix_clicks_shop_at", Click.shop_id, Click.at)


class Open(Base):
    """That a message's picture was asked for: one row for people, one for software, however often either came."""

    __tablename__ = "opens"
    __table_args__ = (UniqueConstraint("message_id", "by_machine"), Index("ix_opens_shop_at", "shop_id", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    by_machine: Mapped[bool]
    at: Mapped[datetime]  # the first time
    last_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)


class Reaction(Base):
    """What came back to a message: unsubscribed (through its link), complained, bounced. Once each."""

    __tablename__ = "reactions"
    __table_args__ = (UniqueConstraint("message_id", "kind"), Index("ix_reactions_shop_at", "shop_id", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]


class FigureDay(Base):
    """The messages of one step that left on one day of the shop's calendar, and what came of them so far.

    Counts are of messages, not of events. `revenue`: {currency: minor units} of `orders`, which are credited to these
    messages.
    """

    __tablename__ = "figure_days"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    step: Mapped[str] = mapped_column(String(40), primary_key=True)
    sent: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)
    machine_opened: Mapped[int] = mapped_column(default=0)  # by software only
    clicked: Mapped[int] = mapped_column(default=0)
    unsubscribed: Mapped[int] = mapped_column(default=0)
    complained: Mapped[int] = mapped_column(default=0)
    orders: Mapped[int] = mapped_column(default=0)
    revenue: Mapped[dict[str, Any]] = mapped_column(default=dict)


class FigureRun(Base):
    """How far a shop's days are counted: all before and on `through`, with what was known at `seen_at`."""

    __tablename__ = "figure_runs"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    through: Mapped[date] = mapped_column(Date)
    seen_at: Mapped[datetime]  # business time
