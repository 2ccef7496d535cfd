"""Offers to customers, and the order values by which they are told apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("purpose", sa.String(length=120), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("platform_id", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("redeemed_order_id", sa.String(length=64), nullable=True),
        sa.Column("redeemed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_offers_order_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_offers_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("shop_id", "purpose", name=op.f("uq_offers_shop_id_purpose")),
    )
    op.create_index("ix_offers_order", "offers", ["order_id"], unique=False)
    op.create_index("ix_offers_code", "offers", ["shop_id", "code"], unique=False)
    op.create_index("ix_offers_redeemed", "offers", ["shop_id", "redeemed_order_id"], unique=False)
    op.create_index("ix_offers_shop", "offers", ["shop_id", "id"], unique=False)
    op.create_index("ix_offers_asked", "offers", ["shop_id", "asked_at"], unique=False)
    op.create_table(
        "order_medians",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("median_minor", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_order_medians_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "currency", name=op.f("pk_order_medians")),
    )


def downgrade() -> None:
    op.drop_table("order_medians")
    op.drop_table("offers")
