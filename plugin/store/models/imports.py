"""Lists of consents that merchants bring in, while they are worked off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.types import BigId


class ConsentImport(Base):
    """One list. `dry`: it is only tried. `state`: waiting (parts are left) or done. Kept for a day.

    `outcome`: what it did so far, encrypted, since wrong lines are quoted in it. Machine time.
    """

    __tablename__ = "consent_imports"
    __table_args__ = (
        Index("ix_consent_imports_shop", "shop_id", "state", "id"),
        Index("ix_consent_imports_made", "made_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(320))
    dry: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10))
    parts: Mapped[int]
    done: Mapped[int]  # parts that are dealt with
    outcome: Mapped[bytes] = mapped_column(LargeBinary)


class ConsentImportPart(Base):
    """Some of its good lines, all of an address in one part; encrypted. They go with the end of the import."""

    __tablename__ = "consent_import_parts"
    __table_args__ = (Index("ix_consent_import_parts_shop", "shop_id"),)

    import_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("consent_imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    lines: Mapped[bytes] = mapped_column(LargeBinary)
