"""When much is due: the urgent steps first, and every shop its turn."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from plugin.domain.fairness import Due, fair_share
from plugin.domain.flows import POST_PURCHASE, STEPS
from plugin.services import claims
from plugin.services.claims import claim
from plugin.services.shops import add_shop
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.test_ingest_together import together
from tests.services.world import World

NINE = [f"small{number}.myshopify.com" for number in range(1, 10)]


def shop_with(world: World, domain: str, due: dict[str, int], **late: float) -> int:
    """A shop with so many messages of each step due, older by `late`; its id."""
    at = world.now - timedelta(**(late or {"minutes": 1}))
    with world.ctx.database.transaction() as session:
        add_shop(session, world.ctx, domain, True)
        shop_id = session.scalars(select(Shop.id).where(Shop.domain == domain)).one()
        order = {"shop_id": shop_id, "platform_id": "1", "first_heard_at": at, "test": False, "pickup": False,
                 "lines": [], "refunds": {}, "edits": {}}  # fmt: skip
        order_id = session.execute(insert(Order).returning(Order.id), [order]).scalar_one()
        rows = [row(shop_id, order_id, step, number, at) for step, count in due.items() for number in range(count)]
        session.execute(insert(Message), rows)
    return shop_id


def row(shop_id: int, order_id: int, step: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "shop_id": shop_id, "order_id": order_id, "flow": POST_PURCHASE, "step": step, "subject": str(number),
        "channel": "email", "copy": 0, "state": "planned", "reason": "due", "attempts": 0, "estimated": False,
        "message_class": STEPS[step].message_class, "due_at": at, "ready_at": at, "parcels": [],
    }  # fmt: skip


def shops_of(world: World, ids: list[int]) -> Counter[int]:
    with world.ctx.database.reading() as session:
        return Counter(session.scalars(select(Message.shop_id).where(Message.id.in_(ids))))


def steps_of(world: World, ids: list[int]) -> list[str]:
    with world.ctx.database.reading() as session:
        found = dict(session.execute(select(Message.id, Message.step).where(Message.id.in_(ids))).all())
    return [found[id_] for id_ in ids]


def test_a_big_shop_does_not_starve_small_ones(both: World) -> None:
    big = shop_with(both, "big.myshopify.com", {"survey": 25_000, "thank_you": 25_000}, hours=2)
    small = {shop_with(both, domain, {"survey": 50}) for domain in NINE}
    seen: Counter[int] = Counter()
    for turn in range(12):
        taken = shops_of(both, claim(both.ctx, f"turn {turn}", 50))
        assert taken.total() == 50
        seen += taken
    assert {shop_id: seen[shop_id] for shop_id in small} == dict.fromkeys(small, 50)
    assert seen[big] == 12 * 50 - 9 * 50


def test_the_urgent_steps_of_a_shop_leave_first(both: World) -> None:
    due = {"cross_sell_follow_up": 30, "cross_sell": 30, "survey": 30, "delivered": 30, "shipped": 30, "thank_you": 30}
    shop_with(both, "shop.myshopify.com", due)
    for first, second in (("thank_you", "shipped"), ("delivered", "survey"), ("cross_sell", "cross_sell_follow_up")):
        assert steps_of(both, claim(both.ctx, first, 60)) == [first] * 30 + [second] * 30
    assert claim(both.ctx, "last", 60) == []


def test_a_claim_of_all_that_is_due_is_in_the_order_of_urgency(both: World) -> None:
    shop_with(both, "one.myshopify.com", {"survey": 2, "shipped": 2}, hours=1)
    shop_with(both, "two.myshopify.com", {"thank_you": 2})
    assert steps_of(both, claim(both.ctx, "all", 50)) == ["thank_you"] * 2 + ["shipped"] * 2 + ["survey"] * 2


def test_with_more_shops_than_one_claim_looks_at_each_has_its_turn(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SHOPS", 3)
    shop_with(both, "big.myshopify.com", {"thank_you": 400})
    for domain in NINE:
        shop_with(both, domain, {"survey": 4})
    ids: list[int] = []
    while taken := claim(both.ctx, "again", 10):
        ids += taken
    assert len(ids) == len(set(ids)) == 436


@pytest.mark.postgres
def test_workers_that_claim_a_backlog_at_once_share_it(both: World) -> None:
    shop_with(both, "big.myshopify.com", {"thank_you": 600})
    shop_with(both, "small.myshopify.com", {"survey": 200})
    taken: list[list[int]] = [[], [], []]

    def worker(number: int) -> Any:
        def work() -> None:
            while ids := claim(both.ctx, f"worker {number}", 25):
                taken[number] += ids

        return work

    together(*[worker(number) for number in range(3)])
    ids = [id_ for mine in taken for id_ in mine]
    assert len(ids) == len(set(ids)) == 800


def due(id_: int, shop_id: int, priority: int = 0) -> Due:
    return Due(id_, shop_id, priority, datetime.fromisoformat("2026-11-02T09:00:00+00:00") + timedelta(seconds=id_))


@pytest.mark.parametrize(
    ("waiting", "limit", "expected"),
    [
        ([], 3, []),
        ([due(1, 1), due(2, 1), due(3, 2)], 2, [1, 3]),
        ([due(1, 1, 3), due(2, 1, 0), due(3, 2, 5)], 2, [2, 3]),
        ([due(1, 1, 3), due(2, 1, 3), due(3, 2, 0)], 3, [3, 1, 2]),
        ([due(2, 1), due(1, 1)], 5, [1, 2]),
    ],
)
def test_the_turns(waiting: list[Due], limit: int, expected: list[int]) -> None:
    assert [one.id for one in fair_share(waiting, limit)] == expected
