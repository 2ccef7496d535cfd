"""What merchants wrote into their messages, version by version."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class TemplateVersion(Base):
    """One saved wording of a step in a language; both texts None: the default. The settings hold the one in use."""

    __tablename__ = "template_versions"
    __table_args__ = (Index("ix_template_versions_step", "shop_id", "step", "language", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str | None] = mapped_column(Text)
    intro: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(320))
    at: Mapped[datetime]


class TemplateDraft(Base):
    """What a merchant is writing and has not saved: seen in previews and test mails, never sent to a customer."""

    __tablename__ = "template_drafts"
    __table_args__ = (
        UniqueConstraint("shop_id", "step", "language"),
        Index("ix_template_drafts_test", "test_at", postgresql_where=text("test_at IS NOT NULL"),
              sqlite_where=text("test_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str | None] = mapped_column(Text)
    intro: Mapped[str | None] = mapped_column(Text)
    order_id: Mapped[int | None] = mapped_column(BigId)  # shown on this order; None: the newest
    test_to: Mapped[str | None] = mapped_column(String(320))
    test_at: Mapped[datetime | None]  # machine time from which a test mail is to leave; None: none is asked for
    written_at: Mapped[datetime]
