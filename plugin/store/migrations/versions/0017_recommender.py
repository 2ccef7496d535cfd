"""What goes with what, learned from each shop's own orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recommenders",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("trained_at", UtcDateTime(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("products", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_recommenders_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_recommenders")),
    )
    op.create_table(
        "product_lists",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_product_lists_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "generation", "key", name=op.f("pk_product_lists")),
    )
    op.create_table(
        "training_parts",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_training_parts_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "number", name=op.f("pk_training_parts")),
    )


def downgrade() -> None:
    op.drop_table("training_parts")
    op.drop_table("product_lists")
    op.drop_table("recommenders")
