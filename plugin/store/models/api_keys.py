"""Keys to the JSON API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class ApiKey(Base):
    """A key that a merchant made. Only its hash is kept: the key itself is shown once. All moments are machine time."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_api_keys_shop", "shop_id", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    hint: Mapped[str] = mapped_column(String(8))  # how the key ends, to tell one from another
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(120))
    makes_keys: Mapped[bool] = mapped_column(default=False, server_default=false())  # may make and revoke keys itself
    used_at: Mapped[datetime | None]  # to the minute
    revoked_at: Mapped[datetime | None]
