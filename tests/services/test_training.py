"""What a shop's training learns, keeps and replaces, and what a message then suggests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from plugin.clock import FixedClock
from plugin.services.context import Context
from plugin.services.recommend import NEW, POPULAR, SIMILAR, TOGETHER
from plugin.store.models.orders import Order, Product
from plugin.store.models.recommender import Recommender, TrainingPart
from plugin.store.models.shops import Shop
from schemas.events import Money
from tests.services.test_recommend import NOON
from tests.services.training_scene import Scene, tea
from tests.services.world import World, order, product


@pytest.fixture
def scene(context: Context) -> Scene:
    return Scene(replace(context, clock=FixedClock(NOON + timedelta(hours=1))))


def test_it_learns_what_goes_together_and_says_why(scene: Scene) -> None:
    tea(scene)
    scene.learn()
    assert scene.told("pot") == [
        ("cup", TOGETHER, 4, "Pot"), ("tray", TOGETHER, 2, "Pot"), ("lamp", POPULAR, 9, None), ("vase", NEW, 0, None),
    ]  # fmt: skip
    with scene.ctx.database.reading() as session:
        known = session.get_one(Recommender, scene.ids["TEA01"])
        assert (known.generation, known.orders, known.products) == (1, 15, 3)
    assert scene.count(TrainingPart) == 0


def test_several_seeds_are_heard_and_the_strongest_is_named(scene: Scene) -> None:
    with scene.selling() as store:
        for _ in range(3):
            store.order("pot", "cup")
            store.order("pot", "lid")
        for _ in range(5):
            store.order("tray", "cup")
    scene.learn()
    assert scene.told("pot", "tray")[0] == ("cup", TOGETHER, 5, "Tray")


def test_what_everybody_buys_does_not_win(scene: Scene) -> None:
    with scene.selling() as store:
        for _ in range(6):
            store.order("pot", "strainer", "bag")
        for _ in range(3):
            store.order("pot", "bag")
        for _ in range(60):
            store.order("bag")
    scene.learn()
    assert [one.product_id for one in scene.suggest("pot")] == ["strainer", "bag"]


def test_an_old_order_tells_less_than_a_new_one(scene: Scene) -> None:
    with scene.selling() as store:
        for days, other in ((400, "cup"), (1, "tray")):
            for _ in range(3):
                store.order("pot", other, days=days)
                store.order(other, days=days)
    scene.learn()
    assert [one.product_id for one in scene.suggest("pot")] == ["tray", "cup"]


def test_one_order_is_chance_unless_the_product_is_rarely_bought(scene: Scene) -> None:
    with scene.selling() as store:
        store.order("pot", "cup")
        for _ in range(10):
            store.order("pot")
    scene.learn()
    assert scene.told("pot") == [("cup", POPULAR, 1, None)]
    assert scene.told("cup") == [("pot", TOGETHER, 1, "Cup")]


SUNDAY = datetime(2026, 11, 1, tzinfo=UTC)
UNTOLD: list[dict[str, Any]] = [
    {"test": True}, {"cancelled_at": SUNDAY}, {"deleted_at": SUNDAY},
    {"financial_status": "voided"}, {"financial_status": "expired"},
]  # fmt: skip


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("fault", UNTOLD)
def test_tests_and_what_was_called_off_teach_nothing(fault: dict[str, Any], trained: bool, scene: Scene) -> None:
    with scene.selling() as store:
        for _ in range(5):
            placed = store.order("pot", "cup")
            for name, value in fault.items():
                setattr(placed, name, value)
        store.order("pot")
    if trained:
        scene.learn()
    assert scene.suggest("pot") == []


def test_a_product_that_nobody_bought_goes_with_what_is_called_alike(scene: Scene) -> None:
    with scene.selling() as store:
        for product_id, title in (("1", "Red Retrospot Mug"), ("2", "Red Retrospot Bowl"), ("3", "Garden Hose"),
                                  ("4", "빨간 도트 찻잔"), ("5", "빨간 도트 접시")):  # fmt: skip
            store.product(product_id, title=title)
        store.order("3")
    scene.learn()
    assert scene.told("1")[:2] == [("2", SIMILAR, 0, "Red Retrospot Mug"), ("3", POPULAR, 1, None)]
    assert scene.told("4")[0] == ("5", SIMILAR, 0, "빨간 도트 찻잔")


def test_a_product_newer_than_the_training_goes_with_the_best_of_its_kind(scene: Scene) -> None:
    with scene.selling() as store:
        for product_id in ("sencha", "assam"):
            store.product(product_id, product_type="Tea")
        for _ in range(3):
            store.order("assam")
            store.order("lamp")
            store.order("lamp")
        store.order("sencha")
    scene.learn()
    with scene.selling() as store:
        store.product("oolong", product_type=" tea")
    assert scene.told("oolong")[:3] == [
        ("assam", SIMILAR, 0, "Oolong"), ("sencha", SIMILAR, 0, "Oolong"), ("lamp", POPULAR, 6, None),
    ]  # fmt: skip


def test_what_was_bought_since_the_training_counts_for_products_it_did_not_know(scene: Scene) -> None:
    tea(scene)
    scene.learn()
    with scene.selling() as store:
        store.product("kettle")
        for _ in range(3):
            store.order("kettle", "cup")
    assert scene.told("kettle")[0] == ("cup", TOGETHER, 3, "Kettle")


@pytest.mark.parametrize("trained", [True, False])
def test_what_is_popular_where_the_customer_lives_comes_first(trained: bool, scene: Scene) -> None:
    with scene.selling() as store:
        for number in range(8):
            store.order("lamp" if number < 6 else "lantern").country_code = "GB" if number < 6 else "KR"
    if trained:
        scene.learn()
    assert scene.told("pot", country="KR") == [("lantern", POPULAR, 2, None), ("lamp", POPULAR, 6, None)]
    assert scene.told("pot", country="GB") == [("lamp", POPULAR, 6, None), ("lantern", POPULAR, 2, None)]
    assert scene.told("pot", country="FR") == scene.told("pot")


def test_a_shop_with_three_orders(scene: Scene) -> None:
    with scene.selling() as store:
        for product_id in ("pot", "cup", "lamp"):
            store.product(product_id)
        store.order("pot", "cup")
        store.order("lamp")
        store.order("pot")
    before = scene.told("pot")
    scene.learn()
    assert scene.told("pot") == before == [("cup", TOGETHER, 1, "Pot"), ("lamp", POPULAR, 1, None)]


def test_a_shop_without_anything(scene: Scene) -> None:
    with scene.selling():
        pass
    scene.learn()
    assert scene.suggest("pot") == []


GONE: list[dict[str, Any]] = [{"deleted": True}, {"published": False}, {"in_stock": False}]


@pytest.mark.parametrize("fault", GONE)
@pytest.mark.parametrize("when", ["before the training", "after it"])
def test_what_cannot_be_bought_now_is_not_suggested(when: str, fault: dict[str, Any], scene: Scene) -> None:
    tea(scene)
    if when == "after it":
        scene.learn()
    with scene.selling() as store:
        store.session.execute(update(Product).where(Product.platform_id == "cup").values(**fault))
    if when != "after it":
        scene.learn()
    assert "cup" not in [one.product_id for one in scene.suggest("pot")]


def test_never_what_the_customer_has(scene: Scene) -> None:
    tea(scene)
    scene.learn()
    assert {one.product_id for one in scene.suggest("pot", exclude=("cup", "lamp"))} == {"tray", "vase"}
    assert scene.suggest("pot", exclude=("cup", "tray", "lamp", "vase")) == []


def test_not_four_of_one_kind(scene: Scene) -> None:
    with scene.selling() as store:
        store.product("pot", product_type="Pots")
        for number in range(1, 6):
            store.product(f"cup{number}", product_type="Cups")
            for _ in range(20 - number):
                store.order("pot", f"cup{number}")
        for product_id in ("lamp", "rug"):
            store.product(product_id, product_type=product_id)
            store.order("pot", product_id)
            store.order("pot", product_id)
    scene.learn()
    four = [one.product_id for one in scene.suggest("pot")]
    assert four == ["cup1", "cup2", "lamp", "rug"]
    assert [one.product_id for one in scene.suggest("pot", limit=7)] == [*four, "cup3", "cup4", "cup5"]
    assert [one.product_id for one in scene.suggest("pot", exclude=("lamp", "rug"))] == ["cup1", "cup2", "cup3", "cup4"]


def test_a_price_far_from_the_order_needs_better_reasons(scene: Scene) -> None:
    with scene.selling() as store:
        for product_id, price in (("pot", 2000), ("cup", 1500), ("piano", 900_000)):
            store.product(product_id, price_minor=price)
        for product_id, times in (("piano", 4), ("cup", 3)):
            for _ in range(times):
                store.order("pot", product_id)
    scene.learn()
    assert [one.product_id for one in scene.suggest("pot")] == ["cup", "piano"]


def test_no_dearer_than_asked_for(scene: Scene) -> None:
    with scene.selling() as store:
        for product_id, price in (("pot", 2000), ("cup", 1500), ("tray", 1501), ("free", None)):
            store.product(product_id, price_minor=price)
            store.order("pot", product_id) if product_id != "pot" else None
    scene.learn()
    assert [one.product_id for one in scene.suggest("pot", price_at_most=Money(1500, "GBP"))] == ["cup"]
    assert scene.suggest("pot", price_at_most=Money(1500, "KRW")) == []


def test_one_shop_never_learns_from_another(scene: Scene) -> None:
    """The same ids in both: what one shop's customers buy says nothing in the other's mails."""
    tea(scene)
    with scene.selling("OTH01") as other:
        for product_id in ("pot", "cup", "secret"):
            other.product(product_id)
        for _ in range(50):
            other.order("pot", "secret")
    scene.learn("OTH01")
    untrained = scene.told("pot")
    scene.learn()
    assert "secret" not in {id_ for id_, *_ in (*scene.told("pot"), *untrained)}
    assert scene.told("pot")[0] == ("cup", TOGETHER, 4, "Pot")
    assert scene.told("pot", code="OTH01") == [("secret", TOGETHER, 50, "Pot"), ("cup", NEW, 0, None)]


def test_a_product_deleted_between_planning_and_sending(scene: Scene) -> None:
    """The mail goes without it."""
    world = World(scene.ctx)
    for number, title in ((7001, "Blue Mug"), (7002, "Tea Strainer"), (7003, "Oak Tray")):
        world.hook("products/update", product(world.now, 1, id=number, title=title))
    scene.ids["TEA01"] = world.row(Shop).id
    with scene.selling() as store:
        for other in ("7002", "7003"):
            for _ in range(5):
                store.order("7001", other)
    scene.learn()
    world.hook("orders/create", order(world.now, line_items=[{
        "id": 1, "title": "Blue Mug", "quantity": 1, "product_id": 7001, "price": "9.00", "requires_shipping": True}],
        buyer_accepts_marketing=True))  # fmt: skip
    assert {one.product_id for one in scene.suggest("7001")} == {"7002", "7003"}
    world.hook("products/delete", {"id": 7002})
    assert [one.product_id for one in scene.suggest("7001")] == ["7003"]


def test_orders_are_only_read(scene: Scene) -> None:
    tea(scene)
    before = scene.count(Order)
    scene.learn()
    assert scene.count(Order) == before
