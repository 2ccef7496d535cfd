"""The feedback desk: a shop's tags, which answers carry them, and what the shop says that it has mended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.store.models.base import Base
from plugin.store.models.customers import SurveyAnswer
from plugin.store.types import BigId

# The desk's list by score, and of answers with words only, each from the newest on.
Index("ix_survey_answers_score", SurveyAnswer.shop_id, SurveyAnswer.satisfaction, SurveyAnswer.started_at)
Index("ix_survey_answers_worded", SurveyAnswer.shop_id, SurveyAnswer.started_at, SurveyAnswer.id,
      postgresql_where=text("words IS NOT NULL"), sqlite_where=text("words IS NOT NULL"))  # fmt: skip


class FeedbackTag(Base):
    """A tag of the shop's list. `key`: of the starting set. `words`: the merchant's own to look for. `retired_at`: it
    is suggested and offered no more; what carries it keeps it."""

    __tablename__ = "feedback_tags"
    __table_args__ = (UniqueConstraint("shop_id", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    key: Mapped[str | None] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    name_ko: Mapped[str] = mapped_column(String(60))
    words: Mapped[list[Any]] = mapped_column(default=list)
    retired_at: Mapped[datetime | None]


class AnswerTag(Base):
    """A tag on an answer. `by`: "suggested" from the words, or "hand". `removed`: taken off by hand, which stays so.

    `at`: when the answer came to carry it. `answered_at` and `order_id` repeat the answer's, for the lists' indexes.
    """

    __tablename__ = "answer_tags"
    __table_args__ = (
        UniqueConstraint("answer_id", "tag_id"),
        Index("ix_answer_tags_tag", "tag_id", "answered_at", "answer_id"),
        Index("ix_answer_tags_order", "order_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    answer_id: Mapped[int] = mapped_column(ForeignKey("survey_answers.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("feedback_tags.id", ondelete="CASCADE"))
    by: Mapped[str] = mapped_column(String(10))
    removed: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    answered_at: Mapped[datetime]


class Mending(Base):
    """The shop's word that what a tag names is mended, told to those who raised it before `made_at`.

    `sentence_en`, `sentence_ko`: the merchant's; at least one. `undone_at`: taken back, so that what has not left does
    not. `planned_after`: the row of answer_tags up to which orders were planned; None when all are.
    """

    __tablename__ = "mendings"
    __table_args__ = (
        Index("ix_mendings_shop", "shop_id", "made_at"),
        Index("ix_mendings_unplanned", "shop_id", "id", postgresql_where=text("planned_after IS NOT NULL"),
              sqlite_where=text("planned_after IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("feedback_tags.id", ondelete="CASCADE"))
    sentence_en: Mapped[str | None] = mapped_column(Text)
    sentence_ko: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(320))
    made_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    planned_after: Mapped[int | None] = mapped_column(BigId)
