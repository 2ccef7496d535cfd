"""Lists of consents while they are worked off; one index on an order's address less, which another one covers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_imports",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=320), nullable=False),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_consent_imports_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_imports")),
    )
    op.create_index("ix_consent_imports_shop", "consent_imports", ["shop_id", "state", "id"], unique=False)
    op.create_index("ix_consent_imports_made", "consent_imports", ["made_at"], unique=False)
    op.create_table(
        "consent_import_parts",
        sa.Column("import_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_consent_import_parts_shop_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["consent_imports.id"], name=op.f("fk_consent_import_parts_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_consent_import_parts")),
    )
    op.create_index("ix_consent_import_parts_shop", "consent_import_parts", ["shop_id"], unique=False)
    op.drop_index("ix_orders_address", table_name="orders")


def downgrade() -> None:
    op.create_index("ix_orders_address", "orders", ["shop_id", "address"], unique=False)
    op.drop_table("consent_import_parts")
    op.drop_table("consent_imports")
