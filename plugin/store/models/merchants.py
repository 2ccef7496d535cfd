"""The merchant's side: ways in without the platform's admin, and who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class LoginLink(Base):
    """A one-time way in. `token_hash` None: asked for by mail and not mailed yet. All times are machine time."""

    __tablename__ = "login_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_login_links_shop", "shop_id", "made_at"),
        Index("ix_login_links_expires", "expires_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    token_hash: Mapped[str | None] = mapped_column(String(64))
    via: Mapped[str] = mapped_column(String(10))  # command, mail or demo
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    mail_at: Mapped[datetime | None]  # to be mailed from then on


class MerchantSession(Base):
    """A browser that came in by a link. The cookie's token is stored hashed and changes daily. Machine time."""

    __tablename__ = "merchant_sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        UniqueConstraint("previous_hash"),
        Index("ix_merchant_sessions_shop", "shop_id"),
        Index("ix_merchant_sessions_expires", "expires_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str | None] = mapped_column(String(64))  # good for a minute more: requests under way have it
    csrf: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(320))  # for the change log
    made_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LoginTry(Base):
    """How often one place asked for links in its window; machine time. `key`: a keyed hash, never an address."""

    __tablename__ = "login_tries"
    __table_args__ = (Index("ix_login_tries_window", "window_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_at: Mapped[datetime]
    used: Mapped[int]


class Change(Base):
    """One line of the change log: who changed what. `before` and `after` hold only what differs."""

    __tablename__ = "changes"
    __table_args__ = (Index("ix_changes_shop", "shop_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    actor: Mapped[str] = mapped_column(String(320))
    what: Mapped[str] = mapped_column(String(80))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]  # business time
