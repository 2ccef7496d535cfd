"""The feedback desk: tags, which answers carry them, and what the shop says that it has mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback_tags",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("name_ko", sa.String(length=60), nullable=False),
        sa.Column("words", Json, nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_feedback_tags_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_tags")),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_feedback_tags_shop_id_key")),
    )
    op.create_table(
        "mendings",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("tag_id", BigId, nullable=False),
        sa.Column("sentence_en", sa.Text(), nullable=True),
        sa.Column("sentence_ko", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("planned_after", BigId, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_mendings_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["feedback_tags.id"], name=op.f("fk_mendings_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mendings")),
    )
    op.create_index("ix_mendings_shop", "mendings", ["shop_id", "made_at"], unique=False)
    op.create_index(
        "ix_mendings_unplanned",
        "mendings",
        ["shop_id", "id"],
        unique=False,
        postgresql_where=sa.text("planned_after IS NOT NULL"),
        sqlite_where=sa.text("planned_after IS NOT NULL"),
    )
    op.create_table(
        "answer_tags",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("answer_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("tag_id", BigId, nullable=False),
        sa.Column("by", sa.String(length=10), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["survey_answers.id"], name=op.f("fk_answer_tags_answer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_answer_tags_order_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_answer_tags_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["feedback_tags.id"], name=op.f("fk_answer_tags_tag_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_tags")),
        sa.UniqueConstraint("answer_id", "tag_id", name=op.f("uq_answer_tags_answer_id_tag_id")),
    )
    op.create_index("ix_answer_tags_order", "answer_tags", ["order_id"], unique=False)
    op.create_index("ix_answer_tags_tag", "answer_tags", ["tag_id", "answered_at", "answer_id"], unique=False)
    op.create_index(
        "ix_survey_answers_score", "survey_answers", ["shop_id", "satisfaction", "started_at"], unique=False
    )
    op.create_index(
        "ix_survey_answers_worded",
        "survey_answers",
        ["shop_id", "started_at", "id"],
        unique=False,
        postgresql_where=sa.text("words IS NOT NULL"),
        sqlite_where=sa.text("words IS NOT NULL"),
    )


def downgrade() -> None:
    for name in ("ix_survey_answers_worded", "ix_survey_answers_score"):
        op.drop_index(name, table_name="survey_answers")
    for table in ("answer_tags", "mendings", "feedback_tags"):
        op.drop_table(table)
