"""What mail providers tell of messages they took: bounces, complaints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_webhooks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("rfc_id", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("recipient_hash", sa.String(length=64), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("shop_id", BigId, nullable=True),
        sa.Column("order_id", BigId, nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_mail_webhooks_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_webhooks")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("uq_mail_webhooks_provider_event_id")),
    )
    op.create_index("ix_mail_webhooks_accepted", "mail_webhooks", ["accepted_at"], unique=False)
    op.create_index("ix_mail_webhooks_recipient", "mail_webhooks", ["recipient_hash"], unique=False)
    op.create_index(
        "ix_mail_webhooks_rejected",
        "mail_webhooks",
        ["provider"],
        unique=False,
        postgresql_where=sa.text("state = 'rejected'"),
        sqlite_where=sa.text("state = 'rejected'"),
    )
    op.create_index("ix_mail_webhooks_shop", "mail_webhooks", ["shop_id", "id"], unique=False)
    op.create_index(
        "ix_mail_webhooks_unprocessed",
        "mail_webhooks",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'received'"),
        sqlite_where=sa.text("state = 'received'"),
    )
    op.create_table(
        "mail_nonces",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "digest", name=op.f("pk_mail_nonces")),
    )
    op.create_index("ix_mail_nonces_seen", "mail_nonces", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("mail_nonces")
    op.drop_table("mail_webhooks")
