from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from plugin.services.ratings import ratings
from plugin.services.recommend import NEW, POPULAR, TOGETHER, Recommendation, recommend
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from schemas.events import Money

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Store:
    """A shop with its catalogue and its orders, one line for each."""

    def __init__(self, session: Session, domain: str = "teapot.myshopify.com", code: str = "TEA01") -> None:
        self.session = session
        self.shop = Shop(
            platform="shopify", domain=domain, code=code, installed_at=NOON, storefront="teapot.example", currency="GBP"
        )
        session.add(self.shop)
        session.flush()
        self.numbers = count(1)

    def product(self, product_id: str, **facts: Any) -> None:
        known = {"title": product_id.title(), "price_minor": 1999, "currency": "GBP", "handle": product_id, **facts}
        self.session.add(Product(shop_id=self.shop.id, platform_id=product_id, **known))

    def order(self, *products: str, days: float = 0, test: bool = False, **purchase: Any) -> Order:
        placed_at = NOON - timedelta(days=days)
        order = Order(
            shop_id=self.shop.id, platform_id=str(next(self.numbers)), first_heard_at=placed_at, placed_at=placed_at,
            test=test,
        )  # fmt: skip
        self.session.add(order)
        self.session.flush()
        facts = {"price_minor": 900, "currency": "GBP", **purchase}
        for product_id in products:
            self.session.add(
                Purchase(**{
                    "shop_id": self.shop.id, "order_id": order.id, "product_id": product_id, "placed_at": placed_at,
                    "title": product_id.title(), **facts,
                })
            )  # fmt: skip
        return order

    def suggest(self, *seeds: str, exclude: tuple[str, ...] = (), limit: int = 4) -> list[Recommendation]:
        self.session.flush()
        return recommend(self.session, self.shop, exclude=exclude, seeds=seeds, limit=limit)

    def ids(self, *seeds: str, exclude: tuple[str, ...] = (), limit: int = 4) -> list[str]:
        return [one.product_id for one in self.suggest(*seeds, exclude=exclude, limit=limit)]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as opened:
        yield opened


@pytest.fixture
def store(session: Session) -> Store:
    return Store(session)


def test_an_empty_shop_has_nothing_to_suggest(store: Store) -> None:
    assert store.suggest("pot") == []
    assert store.suggest() == []


def test_what_was_bought_together_comes_before_what_is_popular_and_new(store: Store) -> None:
    for product_id in ("pot", "cup", "lamp", "vase"):
        store.product(product_id)
    for _ in range(3):
        store.order("pot", "cup")
    for _ in range(9):
        store.order("lamp")
    found = store.suggest("pot")
    assert [(one.product_id, one.reason, one.buyers) for one in found] == [
        ("cup", TOGETHER, 3), ("lamp", POPULAR, 9), ("vase", NEW, 0),
    ]  # fmt: skip
    assert found[0] == Recommendation(
        product_id="cup", title="Cup", url="https://teapot.example/products/cup", image_url=None,
        price=Money(1999, "GBP"), buyers=3, reason=TOGETHER, because="Pot",
    )  # fmt: skip


def test_what_everybody_buys_does_not_win(store: Store) -> None:
    for _ in range(6):
        store.order("pot", "strainer", "bag")
    for _ in range(3):
        store.order("pot", "bag")
    for _ in range(200):
        store.order("bag")
    assert store.ids("pot")[:2] == ["strainer", "bag"]


def test_its_own_collection_comes_first(store: Store) -> None:
    store.product("pot", product_type="Tea")
    store.product("cup", product_type="Kitchen")
    store.product("leaves", product_type="tea ")
    for _ in range(5):
        store.order("pot", "cup")
    for _ in range(2):
        store.order("pot", "leaves")
    assert store.ids("pot") == ["leaves", "cup"]


def test_its_own_maker_comes_first_among_near_ties(store: Store) -> None:
    for product_id, vendor in (("pot", "Mori"), ("a", "Other"), ("b", "Mori"), ("c", "Other")):
        store.product(product_id, vendor=vendor)
    for other in ("a", "b", "c", "c", "c"):
        store.order("pot", other)
        store.order("pot", other)
    assert store.ids("pot") == ["c", "b", "a"]


def test_one_order_is_chance_unless_the_shop_is_young(store: Store) -> None:
    store.order("pot", "cup", days=200)
    assert [one.reason for one in store.suggest("pot")] == [TOGETHER]
    for _ in range(10):
        store.order("pot")
    assert store.suggest("pot") == []


def test_several_seeds_add_up(store: Store) -> None:
    for _ in range(4):
        store.order("pot", "cup")
        store.order("tray", "cup")
        store.order("pot", "lid")
    assert store.ids("pot", "tray") == ["cup", "lid"]


GONE: list[dict[str, Any]] = [{"deleted": True}, {"published": False}, {"in_stock": False}, {"title": "\x07 \u202e"}]


@pytest.mark.parametrize("fault", GONE)
def test_what_cannot_be_bought_is_never_suggested(fault: dict[str, Any], store: Store) -> None:
    store.product("cup", **fault)
    for _ in range(5):
        store.order("pot", "cup")
    assert store.ids("pot") == []


def test_unknown_stock_counts_as_available(store: Store) -> None:
    store.product("cup", in_stock=None)
    assert store.ids("pot") == ["cup"]


def test_seeds_and_exclusions_are_never_suggested_by_any_source(store: Store) -> None:
    for product_id in ("pot", "cup", "lamp", "vase"):
        store.product(product_id)
    for product_id in ("cup", "lamp", "vase"):
        store.order("pot", product_id)
    assert set(store.ids("pot")) == {"cup", "lamp", "vase"}
    assert store.ids("pot", exclude=("cup", "lamp", "vase", "pot")) == []
    assert store.ids("pot", exclude=("cup",)) == ["lamp", "vase"]
    assert "lamp" not in store.ids(*["s"] * 3, "a", "b", "c", "d", "e", "lamp")


def test_no_more_than_asked_for(store: Store) -> None:
    for number in range(30):
        store.product(f"p{number:02}")
    assert store.ids("pot", limit=2) == ["p29", "p28"]
    assert len(store.ids("pot")) == 4


def test_thousands_of_exclusions_and_lines_are_no_trouble(store: Store) -> None:
    many = tuple(f"x{number}" for number in range(3000))
    store.order("pot", *many)
    store.product("vase")
    assert store.ids("pot", exclude=many) == ["vase"]
    assert len(store.ids("pot")) == 4
    assert len(store.ids(*many)) <= 4


def test_old_orders_are_not_popular(store: Store) -> None:
    for _ in range(5):
        store.order("lamp", days=91)
    store.order("vase")
    assert store.ids("pot") == ["vase"]


def test_test_orders_teach_nothing_about_what_goes_together(store: Store) -> None:
    for _ in range(5):
        store.order("pot", "cup", days=100, test=True)
    store.order("pot")
    assert store.ids("pot") == []


def test_a_product_only_orders_told_of_is_described_by_its_latest_purchase(store: Store) -> None:
    store.order("pot", "cup", days=3, title="Old name", price_minor=500)
    store.order("pot", "cup", title="Cup &\r\n saucer\x07", price_minor=700)
    found = store.suggest("pot")[0]
    assert (found.title, found.price) == ("Cup & saucer", Money(700, "GBP"))
    assert found.url == "https://teapot.example/search?q=Cup+%26+saucer"


def test_a_price_is_shown_only_in_a_known_currency(store: Store) -> None:
    store.product("cup", currency=None)  # as the catalogue tells it: in the shop's own
    store.order("pot", "cup")
    store.order("pot", "bowl", currency="EUR")
    assert {one.product_id: one.price for one in store.suggest("pot")} == {"cup": Money(1999, "GBP"), "bowl": None}


def test_a_price_told_without_a_currency_waits_for_the_shops(store: Store) -> None:
    store.product("cup", currency=None)
    store.order("pot", "cup")
    store.shop.currency = None
    assert [one.price for one in store.suggest("pot")] == [None]
    store.shop.currency = "JPY"  # told in hundredths, as all of Shopify's product prices are; yen have none
    assert [one.price for one in store.suggest("pot")] == [Money(20, "JPY")]


def test_addresses_are_web_addresses(store: Store) -> None:
    store.product("cup", url="javascript:alert(1)", image_url="data:image/png,x", handle="a cup/é")
    store.product("bowl", url="https://shop.example/bowl", image_url="https://cdn.example/bowl.jpg")
    store.order("pot", "cup", "bowl")
    found = {one.product_id: one for one in store.suggest("pot")}
    assert found["cup"].url == "https://teapot.example/products/a%20cup%2F%C3%A9"
    assert found["cup"].image_url is None
    assert found["bowl"].url == "https://shop.example/bowl"
    assert found["bowl"].image_url == "https://cdn.example/bowl.jpg"


def test_a_shop_without_a_storefront_of_its_own(store: Store) -> None:
    store.shop.storefront = None
    store.product("cup")
    assert store.suggest("pot")[0].url == "https://teapot.myshopify.com/products/cup"


def answer(store: Store, satisfaction: int | None, *products: str) -> None:
    order = store.order(*products)
    store.session.add(
        SurveyAnswer(shop_id=store.shop.id, order_id=order.id, satisfaction=satisfaction, started_at=NOON)
    )
    store.session.flush()


def test_ratings_need_three_answers(store: Store) -> None:
    for satisfaction in (5, 4):
        answer(store, satisfaction, "cup", "pot")
    answer(store, None, "cup")
    assert ratings(store.session, store.shop, ["cup"]) == {}
    answer(store, 3, "cup")
    assert ratings(store.session, store.shop, ["cup", "pot", "none", "cup"]) == {"cup": (4.0, 3)}
    found = store.suggest("pot")[0]
    assert (found.product_id, found.rating, found.rating_count) == ("cup", 4.0, 3)


def test_another_shop_is_another_world(session: Session) -> None:
    here, there = Store(session), Store(session, "other.myshopify.com", "OTH01")
    for _ in range(5):
        there.product(f"secret{next(there.numbers)}")
        answer(there, 5, "pot", "cup")
    assert here.suggest("pot") == []
    assert ratings(session, here.shop, ["cup"]) == {}
    here.order("pot", "cup")
    found = here.suggest("pot")
    assert [(one.product_id, one.buyers, one.rating) for one in found] == [("cup", 1, None)]


def test_every_query_runs_on_an_index(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        assert_no_scans(Store(session))


def assert_no_scans(store: Store) -> None:
    for _ in range(12):
        answer(store, 4, "pot", "cup", "bowl")
    store.product("vase")
    store.product("cup")
    store.session.flush()
    said: list[tuple[str, Any]] = []
    engine = store.session.get_bind()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    store.suggest("pot")
    event.remove(engine, "before_cursor_execute", note)
    assert len(said) >= 8
    for statement, parameters in said:
        plan = store.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        scans = [row[3] for row in plan if row[3].startswith("SCAN") and not row[3].endswith("anon_1")]
        assert scans == [], statement
