"""The first synchronisation: it teaches and mails nobody, goes on where it was, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from plugin.services import errands, shop_work, sync
from plugin.services.context import Context
from plugin.services.errands import FIRST_SYNC, LostClaim
from plugin.services.plan import learned_duration
from plugin.store.models.customers import Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.platform import Errand
from plugin.store.models.shops import Shop
from schemas.settings import load_settings
from tests.schemas import admin_shapes as shapes
from tests.services.fake_shopify import connection, data, failure
from tests.services.shop_scene import ShopScene, api_order, api_parcel
from tests.services.world import World, customer, iso, order


@pytest.fixture
def scene(context: Context) -> Iterator[ShopScene]:
    scene = ShopScene(World(context))
    yield scene
    context.shopify.close()


@pytest.fixture
def history(scene: ShopScene) -> list[dict[str, Any]]:
    """Thirty orders of last month, each delivered in two days."""
    placed = scene.world.now - timedelta(days=30)
    nodes = []
    for number in range(1001, 1031):
        parcel = api_parcel(number, placed + timedelta(days=1), placed + timedelta(days=3))
        nodes.append(api_order(number, placed, fulfillments=[parcel]))
    scene.answer(products=[shapes.api_product()], orders=nodes, customers=[shapes.api_customer()])
    return nodes


def test_it_teaches_and_mails_nobody(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    world = scene.world
    scene.work()
    assert scene.progress().state == "done"
    assert len(world.rows(Order)) == len(world.rows(Parcel)) == len(world.rows(Purchase)) == 30
    assert len(world.rows(Product)) == 1
    assert world.rows(Message) == []
    world.send()
    assert world.sink.mails == []
    shop = world.row(Shop)
    assert (shop.name, shop.timezone, shop.locale) == ("Haneul", "Asia/Seoul", "ko")
    with scene.ctx.database.reading() as session:
        days = learned_duration(session, shop.id, load_settings({}), world.now, "CJ Logistics", "KR")
    assert timedelta(days=2) < days < timedelta(days=4.1)


def test_orders_of_the_time_since_the_installation_are_planned(scene: ShopScene) -> None:
    """Their webhooks may have come before we knew the shop, or not at all."""
    at = scene.world.now
    scene.answer(products=[], orders=[api_order(1001, at), api_order(1002, at - timedelta(seconds=1))], customers=[])
    scene.work()
    planned = {m.subject for m in scene.world.rows(Message) if m.step == "thank_you"}
    assert planned == {"1001"}


def test_of_customers_only_the_consent_is_kept(scene: ShopScene) -> None:
    nobody = shapes.api_customer() | {"id": shapes.gid("Customer", 9)}
    nobody["defaultEmailAddress"] = {"emailAddress": "never@example.com", "marketingState": "NOT_SUBSCRIBED",
                                     "marketingUpdatedAt": None}  # fmt: skip
    scene.answer(products=[], orders=[], customers=[shapes.api_customer(), nobody])
    scene.work()
    (consent,) = scene.world.rows(Consent)
    assert consent.opted_out_at == datetime(2026, 11, 1, tzinfo=UTC)
    (customer_row,) = scene.world.rows(Customer)
    assert (customer_row.platform_id, customer_row.first_name) == (str(shapes.CUSTOMER_ID), None)


def test_how_far_it_is(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    scene.shopify.answers["OrdersPage"] = [
        data(orders=connection(*history[:10], after="c1")), data(orders=connection(*history[10:])),
    ]  # fmt: skip
    seen = []
    while not seen or seen[-1][0] != "done":
        assert scene.work(1)
        progress = scene.progress()
        seen.append((progress.state, progress.stage, progress.done, progress.of))
    assert seen == [
        ("running", "products", 0, 1), ("running", "orders", 0, 30), ("running", "orders", 10, 30),
        ("running", "customers", 0, 1), ("done", "customers", 1, 1),
    ]  # fmt: skip
    first, second = scene.shopify.asked("OrdersPage")
    assert (first["after"], second["after"]) == (None, "c1")
    since = (scene.world.now - timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert first["query"] == second["query"] == f"created_at:>='{since}'"


def test_a_page_is_as_large_as_a_call_may_cost(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    def page(variables: dict[str, Any]) -> Any:
        cost = variables["size"] * 60
        if cost > 1000:
            return failure("MAX_COST_EXCEEDED")
        told = data(orders=connection(history[0], after="more" if len(scene.shopify.asked("OrdersPage")) < 3 else None))
        told["extensions"] = {"cost": {"requestedQueryCost": cost, "actualQueryCost": 50, "throttleStatus": {
            "maximumAvailable": 2000.0, "currentlyAvailable": 1900, "restoreRate": 100.0}}}  # fmt: skip
        return told

    scene.shopify.answers["OrdersPage"] = [page]
    scene.work()
    assert [asked["size"] for asked in scene.shopify.asked("OrdersPage")] == [4, 15, 15]
    with scene.ctx.database.transaction() as session:
        sync.start_again(session, scene.shop_id)
        state = {"stage": "orders", "size": 100, "after": None, "done": 0, "counts": {},
                 "since": iso(scene.world.now), "through": iso(scene.world.now)}  # fmt: skip
        session.execute(update(Errand).where(Errand.kind == FIRST_SYNC).values(state=state))
    scene.shopify.calls.clear()
    scene.work(1)
    assert [asked["size"] for asked in scene.shopify.asked("OrdersPage")] == [100, 50, 25, 12]


def test_it_waits_for_the_bucket_without_holding_a_worker(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    scene.shopify.answers["OrdersPage"].insert(0, failure("THROTTLED"))
    scene.work()
    row = scene.errand(FIRST_SYNC)
    assert row is not None
    assert row.next_at is not None
    assert timedelta(seconds=8) < row.next_at - datetime.now(UTC) < timedelta(seconds=10.1)
    assert row.attempts == 0
    scene.due()
    scene.work()
    assert scene.progress().state == "done"


def test_a_killed_worker_costs_one_page(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    scene.work(2)  # the shop and its products
    killed = errands.claim(scene.ctx)  # and never heard of again
    assert killed is not None
    assert scene.work() <= 1, "the errand is not due while its lease holds (another one may be)"
    scene.due(FIRST_SYNC)  # the lease is over
    scene.work()
    assert scene.progress().state == "done"
    assert len(scene.world.rows(Order)) == 30
    assert len(scene.shopify.asked("ProductsPage")) == 1, "what was done is not done again"
    with pytest.raises(LostClaim):  # woken after all, it changes nothing
        shop_work.STEPS[killed.kind](scene.ctx, killed)


def test_two_workers_never_have_the_same_shop_in_hand(scene: ShopScene) -> None:
    first, second = errands.claim(scene.ctx), errands.claim(scene.ctx)
    assert first is not None
    assert second is None or second.kind != first.kind


def test_long_orders_are_read_to_their_end(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(days=9)
    node = api_order(1001, at, fulfillments=[api_parcel(1001, at)])
    node["lineItems"] = connection(*node["lineItems"]["nodes"], after="l1")
    node["fulfillments"][0]["fulfillmentLineItems"] = connection(
        *node["fulfillments"][0]["fulfillmentLineItems"]["nodes"], after="p1")  # fmt: skip
    more = shapes.api_order()["lineItems"]["nodes"][0]
    lines = [more | {"id": shapes.gid("LineItem", 900 + place)} for place in range(3)]
    scene.shopify.answers |= {
        "OrderLines": [data(order={"lineItems": connection(*lines[:2], after="l2")}),
                       data(order={"lineItems": connection(lines[2])})],
        "ParcelLines": [data(fulfillment={"fulfillmentLineItems": connection(
            {"quantity": 1, "lineItem": {"id": lines[2]["id"]}})})],
    }  # fmt: skip
    scene.shopify.answers["OrdersPage"] = [data(orders=connection(node))]
    scene.work()
    (row,) = scene.world.rows(Order)
    assert [line["line_id"] for line in row.lines] == ["10010", "10011", "900", "901", "902"]
    assert [asked["after"] for asked in scene.shopify.asked("OrderLines")] == ["l1", "l2"]
    (parcel,) = scene.world.rows(Parcel)
    assert parcel.lines == [["10010", 2], ["902", 1]]


def test_an_order_that_cannot_be_read_holds_up_no_other(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    history[3]["totalPriceSet"] = None
    scene.answer(orders=history, products=[], customers=[])
    scene.work()
    assert scene.progress().state == "done"
    assert len(scene.world.rows(Order)) == 29


def test_what_a_webhook_told_later_is_not_overwritten(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(days=5)
    scene.answer(orders=[api_order(1001, at)], products=[], customers=[])
    newer = order(at, 1001, customer=customer(), financial_status="refunded", updated_at=iso(at + timedelta(days=1)))
    scene.world.hook("orders/updated", newer)
    scene.work()
    assert scene.world.row(Order).financial_status == "refunded"


def test_the_erased_stay_erased(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    person = {"id": shapes.CUSTOMER_ID, "email": "jimin@example.com", "phone": None}
    scene.world.hook("customers/redact", {"shop_id": 1, "shop_domain": scene.world.domain, "customer": person,
                                          "orders_to_redact": []})  # fmt: skip
    scene.work()
    assert scene.progress().state == "done"
    assert [row.email for row in scene.world.rows(Order)] == []
    assert scene.world.rows(Consent) == []


# -- trouble ----------------------------------------------------------------------------------------------------------
def test_trouble_is_told_and_tried_again_ever_later(scene: ShopScene) -> None:
    scene.shopify.answers["ShopFacts"] = [httpx.Response(500)]
    pauses = []
    for _ in range(4):
        scene.work(1)
        row = scene.errand(FIRST_SYNC)
        assert row is not None
        assert row.next_at is not None
        pauses.append(round((row.next_at - datetime.now(UTC)).total_seconds()))
        scene.due(FIRST_SYNC)
    assert pauses == [5, 30, 120, 600]
    progress = scene.progress()
    assert (progress.state, progress.reason) == ("stuck", "Shopify answered 500")
    scene.answer(products=[], orders=[], customers=[])
    scene.work()
    assert (scene.progress().state, scene.progress().reason) == ("done", None)


@pytest.mark.alone
def test_a_platform_that_hangs_is_given_a_rest(scene: ShopScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers have webhooks to read and mail to send."""
    monkeypatch.setattr(shop_work, "SLOW", 0.0)
    monkeypatch.setattr(shop_work, "REST_SECONDS", 0.8)
    scene.shopify.answers["ShopFacts"] = [httpx.ReadTimeout("x")]
    scene.work()
    scene.answer(products=[], orders=[], customers=[])
    scene.due(FIRST_SYNC)
    assert scene.work() == 0
    assert len(scene.shopify.calls) == 1
    time.sleep(0.9)
    scene.work()
    assert scene.progress().state == "done"


def test_a_lapsed_access_waits_for_the_merchant(scene: ShopScene) -> None:
    scene.shopify.revoked.add("shpat_1")
    scene.shopify.refresh.clear()
    scene.work()
    progress = scene.progress()
    assert progress.state == "stuck"
    assert progress.reason is not None
    assert "open the app" in progress.reason
    assert not errands.anything_waiting(scene.ctx)


def test_a_token_that_was_revoked_is_replaced_on_the_way(scene: ShopScene) -> None:
    scene.shopify.revoked.add("shpat_1")
    scene.work()
    assert scene.progress().state == "done"


@pytest.mark.parametrize("document", ["CustomersPage", "ProductsPage", "ShopLocale", "HowMany"])
def test_without_a_permission_the_rest_is_synchronised(
    scene: ShopScene, history: list[dict[str, Any]], document: str
) -> None:
    scene.shopify.answers[document] = [failure("ACCESS_DENIED")]
    scene.work()
    assert scene.progress().state == "done"
    assert len(scene.world.rows(Order)) == 30


def test_without_the_orders_it_says_so(scene: ShopScene) -> None:
    scene.shopify.answers["OrdersPage"] = [failure("ACCESS_DENIED")]
    scene.work()
    progress = scene.progress()
    assert progress.reason is not None
    assert "permission" in progress.reason


def test_a_shop_that_leaves_meanwhile_is_left_alone(scene: ShopScene, history: list[dict[str, Any]]) -> None:
    scene.work(2)

    def leave(_: dict[str, Any]) -> Any:
        scene.world.later(hours=1)
        scene.world.hook("app/uninstalled", {"id": 1})
        return data(orders=connection(*history))

    scene.shopify.answers["OrdersPage"] = [leave]
    scene.work()
    assert [row for row in scene.world.rows(Order) if row.version] == []
    assert scene.errand(FIRST_SYNC) is None
