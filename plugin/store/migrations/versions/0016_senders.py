"""Whether a shop's sender address is its own, and what its domain says about mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sender_checks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("mail_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_sender_checks_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_checks")),
        sa.UniqueConstraint("shop_id", "address", name=op.f("uq_sender_checks_shop_id_address")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sender_checks_token_hash")),
    )
    op.create_index(
        "ix_sender_checks_mail",
        "sender_checks",
        ["mail_at"],
        unique=False,
        postgresql_where=sa.text("mail_at IS NOT NULL"),
        sqlite_where=sa.text("mail_at IS NOT NULL"),
    )
    op.create_table(
        "sender_domains",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=False),
        sa.Column("found", Json, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_sender_domains_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_sender_domains")),
    )


def downgrade() -> None:
    op.drop_table("sender_domains")
    op.drop_table("sender_checks")
