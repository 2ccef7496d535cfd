"""Who is compared with whom, to see what a step brings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holdouts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("customer_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("kept_out", sa.Boolean(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("set_aside", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_holdouts_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_holdouts_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdouts")),
        sa.UniqueConstraint("shop_id", "step", "customer_id", name=op.f("uq_holdouts_shop_id_step_customer_id")),
    )
    op.create_index("ix_holdouts_customer", "holdouts", ["customer_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_holdouts_customer", table_name="holdouts")
    op.drop_table("holdouts")
