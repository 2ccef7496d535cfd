"""messages: an index by which every shop has its turn, none on claim tokens (rows are found by id); send rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_messages_turns",
        "messages",
        ["shop_id", "step", "ready_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'planned'"),
        sqlite_where=sa.text("state = 'planned'"),
    )
    op.drop_index(
        "ix_messages_claim",
        table_name="messages",
        postgresql_where=sa.text("claim_token IS NOT NULL"),
        sqlite_where=sa.text("claim_token IS NOT NULL"),
    )
    op.create_table(
        "send_quotas",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("window_at", UtcDateTime(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("put_off", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_send_quotas")),
    )


def downgrade() -> None:
    op.drop_table("send_quotas")
    op.drop_index(
        "ix_messages_turns",
        table_name="messages",
        postgresql_where=sa.text("state = 'planned'"),
        sqlite_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_messages_claim",
        "messages",
        ["claim_token"],
        unique=False,
        postgresql_where=sa.text("claim_token IS NOT NULL"),
        sqlite_where=sa.text("claim_token IS NOT NULL"),
    )
