"""figures: opens, reactions, the counts of each day, and the indexes they are counted by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNTS = ("sent", "bounced", "opened", "machine_opened", "clicked", "unsubscribed", "complained", "orders")


def upgrade() -> None:
    op.create_table(
        "opens",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("message_id", BigId, nullable=False),
        sa.Column("by_machine", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_opens_shop_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_opens_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opens")),
        sa.UniqueConstraint("message_id", "by_machine", name=op.f("uq_opens_message_id_by_machine")),
    )
    op.create_index("ix_opens_shop_at", "opens", ["shop_id", "at"], unique=False)
    op.create_table(
        "reactions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("message_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_reactions_shop_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_reactions_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reactions")),
        sa.UniqueConstraint("message_id", "kind", name=op.f("uq_reactions_message_id_kind")),
    )
    op.create_index("ix_reactions_shop_at", "reactions", ["shop_id", "at"], unique=False)
    op.create_table(
        "figure_days",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("revenue", Json, nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_figure_days_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", "day", "step", name=op.f("pk_figure_days")),
    )
    op.create_table(
        "figure_runs",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_figure_runs_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_figure_runs")),
    )
    sent = sa.text("sent_at IS NOT NULL")
    op.create_index(
        "ix_messages_shop_sent", "messages", ["shop_id", "sent_at"], unique=False,
        postgresql_where=sent, sqlite_where=sent,
    )  # fmt: skip
    op.create_index("ix_clicks_shop_at", "clicks", ["shop_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_clicks_shop_at", table_name="clicks")
    sent = sa.text("sent_at IS NOT NULL")
    op.drop_index("ix_messages_shop_sent", table_name="messages", postgresql_where=sent, sqlite_where=sent)
    op.drop_table("figure_runs")
    op.drop_table("figure_days")
    op.drop_table("reactions")
    op.drop_table("opens")
