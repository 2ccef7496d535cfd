"""What connects us to a shop's platform: its token, the work that goes on with its API, and what it must be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class ShopToken(Base):
    """A shop's expiring offline token, both parts encrypted. All moments are machine time.

    `lapsed_at`: the platform took neither part any more; only a merchant who opens the app brings a new one.
    """

    __tablename__ = "shop_tokens"
    __table_args__ = (Index("ix_shop_tokens_renewed", "renewed_at"),)

    shop_id: Mapped[int] = mapped_column(BigId, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    access_token: Mapped[str] = mapped_column(Text)
    access_expires_at: Mapped[datetime]
    refresh_token: Mapped[str | None] = mapped_column(Text)
    refresh_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    renewed_at: Mapped[datetime]
    lapsed_at: Mapped[datetime | None]


class Errand(Base):
    """A piece of work with a shop's API that goes on in the background, one worker at a time. Machine time.

    `kind`: first_sync, reconcile, consents, token, feedback, train. `next_at`: when a worker takes it up; None: not
    until asked for again. While a worker has it (`holder`) it is the moment after which another may take over. `state`
    is what its kind keeps between two steps: a killed worker loses no more than the step under way.
    """

    __tablename__ = "shop_errands"
    __table_args__ = (
        Index("ix_shop_errands_next", "next_at", postgresql_where=text("next_at IS NOT NULL"),
              sqlite_where=text("next_at IS NOT NULL")),
    )  # fmt: skip

    shop_id: Mapped[int] = mapped_column(BigId, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    next_at: Mapped[datetime | None]
    holder: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)  # that failed since the last success
    reason: Mapped[str | None] = mapped_column(String(500))  # of the last failure, in plain words
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ConsentWriteback(Base):
    """A word about consent given on our own pages, until the platform knows it too. Settled rows are deleted.

    `next_at` (machine time) None: the platform refused it for good, `reason` says why.
    """

    __tablename__ = "consent_writebacks"
    __table_args__ = (
        Index("ix_consent_writebacks_next", "shop_id", "next_at", postgresql_where=text("next_at IS NOT NULL"),
              sqlite_where=text("next_at IS NOT NULL")),
        Index("ix_consent_writebacks_address", "shop_id", "address"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(320))  # normalised
    customer_ref: Mapped[str | None] = mapped_column(String(64))  # the platform's id, where we know it
    word: Mapped[str] = mapped_column(String(20))  # subscribed, unsubscribed
    at: Mapped[datetime]  # business time: when the customer said it
    next_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(500))
