"""The desk: issues with an owner and a clock, its hours and letters; acts on copies; indexes of the lists."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IDLE = sa.text("state IN ('waiting', 'held', 'failed', 'cancelled', 'withheld')")
PLANNED, SENDING = sa.text("state = 'planned'"), sa.text("state = 'sending'")
SEARCH = {
    "ix_orders_search_name": ["shop_id", "name"],
    "ix_orders_search_first": ["shop_id", "first_name", "placed_at"],
    "ix_orders_search_last": ["shop_id", "last_name", "placed_at"],
    "ix_orders_search_address": ["shop_id", "address"],
}
ISSUE_COLUMNS: dict[str, Any] = {
    "message_id": BigId,
    "owner": sa.String(length=320),
    "reply_by": UtcDateTime(),
    "first_replied_at": UtcDateTime(),
    "solved": sa.String(length=3),
    "solved_at": UtcDateTime(),
    "reopened_at": UtcDateTime(),
}


def upgrade() -> None:
    for name, kind in ISSUE_COLUMNS.items():
        op.add_column("issues", sa.Column(name, kind, nullable=True))
    op.create_index("ix_issues_message", "issues", ["message_id"], unique=True)
    op.create_index("ix_issues_shop", "issues", ["shop_id", "id"], unique=False)
    op.add_column("acts", sa.Column("copy", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "desk_hours",
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("days", Json, nullable=False),
        sa.Column("goal_minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_desk_hours_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_desk_hours")),
    )
    _letters()
    for name, columns in SEARCH.items():
        op.create_index(name, "orders", columns, unique=False, postgresql_ops={columns[1]: "text_pattern_ops"})
    op.create_index("ix_messages_idle", "messages", ["shop_id", "state", "step", "id"], unique=False,
                    postgresql_where=IDLE, sqlite_where=IDLE)  # fmt: skip


def _letters() -> None:
    op.create_table(
        "desk_letters",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("issue_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("author", sa.String(length=320), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ready_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [f"{of}_id"], [f"{of}s.id"], name=op.f(f"fk_desk_letters_{of}_id"), ondelete="CASCADE"
            )
            for of in ("shop", "order", "issue")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_letters")),
        sa.UniqueConstraint("issue_id", "kind", "number", name=op.f("uq_desk_letters_issue_id_kind_number")),
    )
    op.create_index("ix_desk_letters_order", "desk_letters", ["order_id"], unique=False)
    op.create_index("ix_desk_letters_ready", "desk_letters", ["ready_at"], unique=False,
                    postgresql_where=PLANNED, sqlite_where=PLANNED)  # fmt: skip
    op.create_index("ix_desk_letters_leased", "desk_letters", ["lease_until"], unique=False,
                    postgresql_where=SENDING, sqlite_where=SENDING)  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_messages_idle", table_name="messages", postgresql_where=IDLE, sqlite_where=IDLE)
    for name in SEARCH:
        op.drop_index(name, table_name="orders")
    op.drop_table("desk_letters")
    op.drop_table("desk_hours")
    op.drop_index("ix_issues_shop", table_name="issues")
    op.drop_index("ix_issues_message", table_name="issues")
    with op.batch_alter_table("acts") as acts:
        acts.drop_column("copy")
    with op.batch_alter_table("issues") as issues:
        for name in ISSUE_COLUMNS:
            issues.drop_column(name)
