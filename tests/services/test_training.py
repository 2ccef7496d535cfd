"""What a shop's training learns, keeps and replaces, and what a message then suggests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from plugin.clock import FixedClock
from plugin.services import errands, shop_work
from plugin.services.context import Context
from plugin.services.errands import TRAIN
from plugin.services.recommend import NEW, POPULAR, SIMILAR, TOGETHER, Recommendation, recommend
from plugin.services.recommender import lists, maths, parts, train
from plugin.store.models.orders import Order, Product
from plugin.store.models.platform import Errand
from plugin.store.models.recommender import ProductList, Recommender, TrainingPart
from plugin.store.models.shops import Shop
from schemas.events import Money
from tests.services.test_recommend import NOON, Store
from tests.services.world import World, order, product
from tests.support.training import learn


class Scene:
    """Shops that sell, are trained, and suggest."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.ids: dict[str, int] = {}

    @contextmanager
    def selling(self, code: str = "TEA01") -> Iterator[Store]:
        with self.ctx.database.transaction() as session:
            if code in self.ids:
                store = Store.__new__(Store)
                store.session, store.shop, store.numbers = session, session.get_one(Shop, self.ids[code]), _later
            else:
                store = Store(session, f"{code.lower()}.myshopify.com", code)
                self.ids[code] = store.shop.id
            yield store

    def learn(self, code: str = "TEA01", between: Callable[[], object] = lambda: None) -> int:
        return learn(self.ctx, self.ids[code], between)

    def suggest(self, *seeds: str, code: str = "TEA01", exclude: tuple[str, ...] = (), **how: Any
                ) -> list[Recommendation]:  # fmt: skip
        with self.ctx.database.reading() as session:
            shop = session.get_one(Shop, self.ids[code])
            return recommend(session, shop, exclude=exclude, seeds=seeds, **how)

    def told(self, *seeds: str, **how: Any) -> list[tuple[str, str, int, str | None]]:
        return [(one.product_id, one.reason, one.buyers, one.because) for one in self.suggest(*seeds, **how)]

    def count(self, model: type) -> int:
        with self.ctx.database.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


_later = iter(range(10_000, 20_000))


@pytest.fixture
def scene(context: Context) -> Scene:
    return Scene(replace(context, clock=FixedClock(NOON + timedelta(hours=1))))


def tea(scene: Scene) -> None:
    """Pots with cups (four orders) and trays (two), a lamp bought alone, a vase nobody has bought yet."""
    with scene.selling() as store:
        for product_id in ("pot", "cup", "tray", "lamp", "vase"):
            store.product(product_id)
        for _ in range(4):
            store.order("pot", "cup")
        for _ in range(2):
            store.order("pot", "tray")
        for _ in range(9):
            store.order("lamp")


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


def test_page_by_page_and_block_by_block_it_learns_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    turns = scene.learn()
    at_once = lists_of(scene)
    monkeypatch.setattr(parts, "PAGE", 4)
    monkeypatch.setattr(train, "TURN", 0.0)
    monkeypatch.setattr(maths.Affinities, "end_of_block", lambda _, begin: begin + 1)
    assert scene.learn() > turns + 8
    assert lists_of(scene) == at_once


def test_of_a_shop_with_millions_of_lines_the_newest_teach(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.selling() as store:
        for days, other in ((3, "old"), (2, "middle"), (1, "new")):
            for _ in range(4):
                store.order("pot", other, days=days)
    monkeypatch.setattr(parts, "PAGE", 8)
    monkeypatch.setattr(parts, "MOST", 16)
    scene.learn()
    assert {one.product_id for one in scene.suggest("pot")} == {"new", "middle"}


def lists_of(scene: Scene) -> dict[str, list[lists.Entry]]:
    with scene.ctx.database.reading() as session:
        rows = session.execute(select(ProductList.key, ProductList.packed))
        return {key: lists.unpack(packed) for key, packed in rows}


def test_the_new_lists_hold_all_at_once_and_the_old_ones_go(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    scene.learn()
    before = scene.told("pot")
    with scene.selling() as store:
        for _ in range(40):
            store.order("pot", "vase")
            store.order("lamp", "cup")
    seen: list[object] = []
    monkeypatch.setattr(train, "TURN", 0.0)
    monkeypatch.setattr(maths.Affinities, "end_of_block", lambda _, begin: begin + 1)
    scene.learn(between=lambda: seen.append((scene.told("pot"), scene.told("lamp")[0][0])))
    after = scene.told("pot")
    assert after[0][:3] == ("vase", TOGETHER, 40)
    assert [told[0] for told in seen] == sorted((told[0] for told in seen), key=lambda told: told != before)
    assert {told[0][0][0] for told in seen} == {"cup", "vase"}
    assert all((told[0] == before) == (told[1] == "cup" and told[0] != after) for told in seen)
    with scene.ctx.database.reading() as session:
        assert set(session.scalars(select(ProductList.generation))) == {2}


def test_a_worker_that_dies_costs_one_turn(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tea(scene)
    monkeypatch.setattr(train, "TURN", 0.0)
    with scene.ctx.database.transaction() as session:
        errands.ask(session, scene.ids["TEA01"], TRAIN)
    for _ in range(2):
        claimed = errands.claim(scene.ctx)
        assert claimed is not None
        train.step(scene.ctx, claimed)
    claimed = errands.claim(scene.ctx)  # and never heard of again
    assert claimed is not None
    assert claimed.state["stage"] == "learn"
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=datetime.now(UTC)))
    while shop_work.work_off(scene.ctx):
        pass
    with pytest.raises(errands.LostClaim):
        train.step(scene.ctx, claimed)
    assert scene.told("pot")[0] == ("cup", TOGETHER, 4, "Pot")


def test_shops_take_turns(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop with much to learn does not keep one with little waiting."""
    with scene.selling("BIG01") as store:
        for number in range(40):
            store.order(f"p{number}", f"q{number}")
    tea(scene)
    monkeypatch.setattr(parts, "PAGE", 4)
    monkeypatch.setattr(train, "TURN", 0.0)
    with scene.ctx.database.transaction() as session:
        for code in ("BIG01", "TEA01"):
            errands.ask(session, scene.ids[code], TRAIN)
    steps = list[int]()
    while (claimed := errands.claim(scene.ctx)) is not None:
        steps.append(claimed.shop_id)
        train.step(scene.ctx, claimed)
    big, small = (scene.ids[code] for code in ("BIG01", "TEA01"))
    theirs = [place for place, shop_id in enumerate(steps) if shop_id == small]
    assert theirs == list(range(1, 2 * len(theirs), 2))  # every second turn, until it had learned
    assert steps.count(big) > len(theirs) + 5


def test_each_shop_is_trained_in_its_own_night(scene: Scene) -> None:
    for code, zone in (("SEOUL", "Asia/Seoul"), ("PARIS", "Europe/Paris"), ("EMPTY", "Asia/Seoul")):
        with scene.selling(code) as store:
            store.shop.timezone = zone
            if code != "EMPTY":
                store.order("pot")
    assert train.ask_nightly(scene.ctx) == 2  # never trained: at once
    with scene.ctx.database.transaction() as session:
        ended = datetime.now(UTC) - timedelta(hours=19)
        session.execute(update(Errand).values(next_at=None, finished_at=ended))
        session.execute(update(Shop).where(Shop.code == "SEOUL").values(timezone=_zone_where_it_is(3)))
        session.execute(update(Shop).where(Shop.code == "PARIS").values(timezone=_zone_where_it_is(15)))
    assert train.ask_nightly(scene.ctx) == 1
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=None, finished_at=datetime.now(UTC) - timedelta(hours=31)))
    assert train.ask_nightly(scene.ctx) == 2  # its night was missed
    with scene.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=None, finished_at=datetime.now(UTC)))
    assert train.ask_nightly(scene.ctx) == 0


def _zone_where_it_is(hour: int) -> str:
    ahead = (hour - datetime.now(UTC).hour + 11) % 24 - 11  # -11 … 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


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


@pytest.mark.parametrize("junk", [b"", b"\x02\x00\x00", b"\x01\x05\x00", b"\x01\x01\x00" + b"\x00" * 8 + b"a\nb",
                                  b"\x01\x01\x00" + b"\x00" * 8 + b"\xff"])  # fmt: skip
def test_a_list_that_cannot_be_read_is_as_good_as_none(junk: bytes, scene: Scene) -> None:
    tea(scene)
    scene.learn()
    with scene.ctx.database.transaction() as session:
        session.execute(update(ProductList).where(ProductList.key == lists.of_product("pot")).values(packed=junk))
    with pytest.raises(lists.BadList):
        lists.unpack(junk)
    assert scene.told("pot")[0] == ("cup", TOGETHER, 4, "Pot")  # asked live


def test_a_list_is_kept_as_it_is() -> None:
    entries = [("gid-1", 0.5, 41), ("찻잔", 0.25, 0)]
    assert lists.unpack(lists.pack(entries)) == entries
    assert lists.unpack(lists.pack([])) == []
    assert lists.of_kind(" Tea") == lists.of_kind("tea") != lists.of_kind("Cups")


def test_orders_are_only_read(scene: Scene) -> None:
    tea(scene)
    before = scene.count(Order)
    scene.learn()
    assert scene.count(Order) == before
