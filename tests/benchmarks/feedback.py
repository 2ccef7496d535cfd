"""The feedback desk over 100,000 answers among a million messages: its lists, scores, and who hears of a mending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.feedback_list import Mark, Wanted, find_answers
from plugin.services.feedback_scores import score_report
from plugin.services.mending_audience import audience
from plugin.services.tagging import make_tags
from plugin.store.models.customers import SurveyAnswer
from tests.benchmarks.harness import Options, Result, progress, stage
from tests.benchmarks.lists import MESSAGES, NOW, PER_ORDER, SHORT, fill, measure

TITLE = "the feedback desk over 100,000 answers and a million messages (the floor: fifty orders by their ids)"
SLOW = 3_000.0  # ms for what is no list: a year's scores, and who would hear of a mending

# Six orders of ten are answered, one answer in three has words, one in seven of those raises something.
_ANSWERS = """
INSERT INTO survey_answers (shop_id, order_id, satisfaction, recommendation, words, started_at, completed_at)
SELECT shop_id, id, 1 + (id * 7) % 5, (id * 3) % 11, CASE WHEN id % 3 = 0 THEN 'It came late' END,
  placed_at + interval '9 days', placed_at + interval '9 days'
FROM orders WHERE shop_id = :shop AND id % 10 < 6
"""
_TAGS = """
INSERT INTO answer_tags (shop_id, answer_id, order_id, tag_id, by, removed, at, answered_at)
SELECT a.shop_id, a.id, a.order_id, CASE WHEN a.id % 7 = 0 THEN CAST(:common AS bigint) ELSE :rare END, 'suggested',
  false, a.started_at, a.started_at
FROM survey_answers a WHERE a.shop_id = :shop AND (a.id % 7 = 0 OR a.id % 1000 = 1)
"""
_PURCHASES = """
INSERT INTO purchases (shop_id, order_id, product_id, placed_at, title)
SELECT shop_id, id, CASE WHEN id % 2000 = 0 THEN 'rare' WHEN id % 3 = 0 THEN 'common' ELSE 'p' || id % 500 END,
  placed_at, 'A product'
FROM orders WHERE shop_id = :shop
"""


def run(options: Options) -> list[Result]:
    count = SHORT if options.short else MESSAGES
    with stage() as here:
        ctx, shop_id = fill(here, count // PER_ORDER)
        common, rare = _answers(ctx, shop_id)
        try:
            results = measure(ctx, shop_id, _lists(ctx, shop_id, common, rare), options.rounds * 4)
            return results + measure(ctx, shop_id, _slow(ctx, shop_id, common), options.rounds, SLOW)
        finally:
            ctx.database.dispose()
            ctx.queues.redis.close()


def _answers(ctx: Context, shop_id: int) -> tuple[int, int]:
    """The ids of a tag that many answers carry, and of one that few do."""
    with ctx.database.transaction() as session:
        tags = make_tags(session, shop_id)
        common, rare = tags[0].id, tags[1].id
        progress("answers, their tags, and what was bought")
        session.execute(text(_ANSWERS), {"shop": shop_id})
        session.execute(text(_TAGS), {"shop": shop_id, "common": common, "rare": rare})
        session.execute(text(_PURCHASES), {"shop": shop_id})
    with ctx.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return common, rare


def _lists(ctx: Context, shop_id: int, common: int, rare: int) -> dict[str, Callable[[Session], Any]]:
    with ctx.database.reading() as session:
        old = session.execute(
            select(SurveyAnswer.started_at, SurveyAnswer.id)
            .where(SurveyAnswer.shop_id == shop_id).order_by(SurveyAnswer.started_at).limit(1)
        ).one()  # fmt: skip

    def found(after: Mark | None = None, **wanted: Any) -> Callable[[Session], Any]:
        return lambda session: find_answers(session, shop_id, Wanted(**wanted), after)

    return {
        "answers, the newest": found(),
        "answers of long ago": found(Mark(old.started_at + timedelta(days=60), old.id)),
        "answers with a low score": found(band="low"),
        "answers with words": found(worded=True),
        "answers with words, a low score, 30 days": found(worded=True, band="low", since=NOW - timedelta(days=30)),
        "answers with a common tag": found(tag_id=common),
        "answers with a rare tag, a high score": found(tag_id=rare, band="high"),
        "answers on a common product": found(product_id="common"),
        "answers on a rare product": found(product_id="rare"),
        "answers on a product nobody bought, with words": found(product_id="none", worded=True),
        "answers with a rare tag on a common product": found(tag_id=rare, product_id="common"),
    }


def _slow(ctx: Context, shop_id: int, common: int) -> dict[str, Callable[[Session], Any]]:
    return {
        "a year's scores, by month, tag and product": lambda session: score_report(session, ctx, shop_id, "months"),
        "who of 14,000 would hear of a mending": lambda session: audience(session, ctx, shop_id, common),
    }
