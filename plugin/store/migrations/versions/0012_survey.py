"""Surveys of the merchant's own: every answer with what was asked, the seconds it took, and the leave to publish it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin.store.types import BigId, Json, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ANSWER_COLUMNS: dict[str, Any] = {
    "given": Json,
    "seconds": sa.Integer(),
    "edited_at": UtcDateTime(),
    "leave_at": UtcDateTime(),
    "leave_words": sa.Text(),
    "leave_withdrawn_at": UtcDateTime(),
}


def upgrade() -> None:
    for name, kind in ANSWER_COLUMNS.items():
        op.add_column("survey_answers", sa.Column(name, kind, nullable=True))
    op.create_table(
        "reviews",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("answer_id", BigId, nullable=False),
        sa.Column("products", Json, nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("first_name", sa.String(length=255), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=320), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_reviews_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reviews_order_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["survey_answers.id"], name=op.f("fk_reviews_answer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("answer_id", name=op.f("uq_reviews_answer_id")),
    )
    op.create_index("ix_reviews_order", "reviews", ["order_id"], unique=False)
    op.create_index("ix_reviews_shop", "reviews", ["shop_id", "state", "id"], unique=False)
    op.create_table(
        "reviews_shown",
        sa.Column("id", BigId, nullable=False),
        sa.Column("shop_id", BigId, nullable=False),
        sa.Column("review_id", BigId, nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_reviews_shown_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_reviews_shown_review_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_shown")),
        sa.UniqueConstraint("review_id", "product_id", name=op.f("uq_reviews_shown_review_id_product_id")),
    )
    op.create_index(
        "ix_reviews_shown_product", "reviews_shown", ["shop_id", "product_id", "language", "given_at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("reviews_shown")
    op.drop_table("reviews")
    for name in ANSWER_COLUMNS:
        op.drop_column("survey_answers", name)
