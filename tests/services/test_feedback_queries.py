"""The feedback desk's lists, scores and mendings stand on indexes, and cost as many queries for many as for few."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.services.context import Context
from plugin.services.feedback_list import Wanted, find_answers
from plugin.services.feedback_scores import score_report
from plugin.services.mending_audience import audience
from plugin.services.mending_outcome import outcome
from plugin.services.mendings import undo
from tests.services.test_mendings import LATE, Shop
from tests.services.test_queries import plans, scans
from tests.services.world import World, iso, order


@pytest.fixture
def full(sqlite_context: Context) -> Shop:
    shop = Shop(World(sqlite_context))
    for number in range(2001, 2013):
        shop.buys(number, number)
        shop.world.send()
        shop.says(LATE, score=1 + number % 5, number=number, recommends=number % 11)
    return shop


@pytest.mark.parametrize("wanted", [
    {}, {"band": "low"}, {"worded": True}, {"product_id": "7001"}, {"band": "high", "worded": True}, {"tag_id": 1},
    {"tag_id": 1, "band": "low", "product_id": "7001", "worded": True},
])  # fmt: skip
def test_a_page_of_answers(full: Shop, wanted: dict[str, object]) -> None:
    since = {"since": full.world.now - timedelta(days=30)}
    for more in ({}, since):
        with plans(full.ctx.database) as found, full.ctx.database.reading() as session:
            page = find_answers(session, full.shop_id, Wanted(**wanted, **more))  # type: ignore[arg-type]
        assert scans(found) == []
        assert len(page.answers) > 1
        statements = {statement for statement, _ in found}
        assert len(statements) <= 6  # not one more for each answer


def test_scores_and_who_would_hear(full: Shop) -> None:
    with plans(full.ctx.database) as found, full.ctx.database.reading() as session:
        assert score_report(session, full.ctx, full.shop_id, "months").total.answers == 12
        assert audience(session, full.ctx, full.shop_id, full.tag("late_delivery")).raised == 12
    assert scans(found) == []


def test_a_mending_from_the_plan_to_what_came_of_it(full: Shop) -> None:
    mending = full.mends()
    with plans(full.ctx.database) as found:
        full.tells()
        full.world.hook("orders/updated", order(full.world.now, 2001, updated_at=iso(full.world.now)))
        full.world.later(days=61)
        with full.ctx.database.reading() as session:
            assert outcome(session, full.world.now, full.shop_id, mending).told.customers > 0
        undo(full.ctx, full.shop_id, mending, "the owner")
    assert scans(found) == []
