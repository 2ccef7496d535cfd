"""Whether a shop's sender address is its own, and what its domain says about mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class SenderCheck(Base):
    """A sender address that the shop set: asked by mail, and confirmed by whoever reads it. All times machine time.

    `mail_at`: when a link is to be mailed; None when none is wanted. The token is stored hashed and good until
    `expires_at`, once.
    """

    __tablename__ = "sender_checks"
    __table_args__ = (
        UniqueConstraint("shop_id", "address"),
        UniqueConstraint("token_hash"),
        Index("ix_sender_checks_mail", "mail_at", postgresql_where=text("mail_at IS NOT NULL"),
              sqlite_where=text("mail_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(320))  # normalised
    token_hash: Mapped[str | None] = mapped_column(String(64))
    mail_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]  # when the newest link was mailed
    expires_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)  # mailings that failed in a row


class SenderDomain(Base):
    """What the DNS said about the domain of the shop's sender. `found`: a list of plugin.domain.sender_dns.Record."""

    __tablename__ = "sender_domains"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    looked_at: Mapped[datetime]  # machine time
    found: Mapped[list[Any]] = mapped_column(default=list)
