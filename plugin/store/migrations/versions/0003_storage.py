"""message_bodies and messages_archive, by month on PostgreSQL; one index less on messages; vacuuming in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A tenth of a large table is millions of dead rows, which every index keeps: vacuum long before. Room on the pages of
# what is often changed where no index looks lets the new row stand beside the old one.
STORAGE: dict[str, dict[str, float]] = {
    "messages": {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02, "fillfactor": 90},
    "receipts": {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02},
    "orders": {"autovacuum_vacuum_scale_factor": 0.05, "fillfactor": 85},
    "parcels": {"autovacuum_vacuum_scale_factor": 0.05, "fillfactor": 85},
    "leases": {"fillfactor": 40},
    "send_quotas": {"fillfactor": 40},
}


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    op.drop_index("ix_messages_shop_state", table_name="messages")
    op.add_column("orders", sa.Column("archived_at", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_orders_unarchived",
        "orders",
        ["placed_at", "id"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "message_bodies",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "made_at", name=op.f("pk_message_bodies")),
        postgresql_partition_by="RANGE (made_at)",
    )
    op.create_index("ix_message_bodies_made", "message_bodies", ["made_at"], unique=False, postgresql_using="brin")
    _archive()
    if postgres:
        for table in ("message_bodies", "messages_archive"):
            op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        for table, settings in STORAGE.items():
            op.execute(f"ALTER TABLE {table} SET ({', '.join(f'{key} = {value}' for key, value in settings.items())})")


def _archive() -> None:
    op.create_table(
        "messages_archive",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("message_class", sa.String(length=15), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("parcels", Json, nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("mail_subject", sa.Text(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("clicked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_messages_archive_shop_id")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_messages_archive_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("pk_messages_archive")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_messages_archive_order", "messages_archive", ["order_id"], unique=False)
    op.create_index("ix_messages_archive_shop", "messages_archive", ["shop_id", "at"], unique=False)
    op.create_index("ix_messages_archive_at", "messages_archive", ["at"], unique=False, postgresql_using="brin")


def downgrade() -> None:
    """What is in the archive is lost."""
    if op.get_bind().dialect.name == "postgresql":
        for table, settings in STORAGE.items():
            op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
    op.drop_table("messages_archive")
    op.drop_table("message_bodies")
    op.drop_index(
        "ix_orders_unarchived",
        table_name="orders",
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("archived_at")
    op.create_index("ix_messages_shop_state", "messages", ["shop_id", "state"], unique=False)
