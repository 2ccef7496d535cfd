"""The hourly look at what changed: orders whose webhooks never came are fed in, the rest costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.services import gone_orders
from plugin.services.context import Context
from plugin.services.errands import RECONCILE
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Product
from tests.schemas import admin_shapes as shapes
from tests.schemas.admin_shapes import gid
from tests.services.fake_shopify import connection, data, failure
from tests.services.shop_scene import ShopScene, api_order, api_parcel
from tests.services.world import World, customer, iso, order, parcel, tracked


@pytest.fixture
def scene(context: Context) -> Iterator[ShopScene]:
    scene = ShopScene(World(context))
    scene.synchronised()
    scene.world.later(hours=1)
    scene.answer(products=[], customers=[])
    scene.changed()
    yield scene
    context.shopify.close()


def reconcile(scene: ShopScene) -> None:
    scene.due(RECONCILE)
    scene.work()


def read_whole(scene: ShopScene) -> list[str]:
    return [str(asked["id"]).rpartition("/")[2] for asked in scene.shopify.asked("OrderById")]


def test_an_order_that_was_never_told_of_is_planned_as_if_it_had_been(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(minutes=30)
    scene.changed(api_order(1001, at))
    reconcile(scene)
    assert read_whole(scene) == ["1001"]
    assert {m.step for m in scene.world.rows(Message)} >= {"thank_you", "survey", "cross_sell"}
    scene.world.send()
    assert scene.world.sink.steps() == ["thank_you"]


def test_what_is_known_is_not_asked_for_again(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(minutes=30)
    node = api_order(1001, at)
    scene.world.hook("orders/create", order(at, 1001, financial_status="partially_refunded"))
    scene.changed(node, api_order(1002, at))
    reconcile(scene)
    assert read_whole(scene) == ["1002"]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"financial_status": "pending"}, {}),  # paid within the same second
        ({}, {"cancelledAt": "2026-11-02T09:30:00Z"}),
    ],
)
def test_a_change_within_the_same_second_is_seen(
    scene: ShopScene, known: dict[str, object], told: dict[str, object]
) -> None:
    at = scene.world.now - timedelta(minutes=30)
    webhook = order(at, 1001, **({"financial_status": "partially_refunded"} | known))
    scene.world.hook("orders/create", webhook, triggered_at=at)
    scene.changed(api_order(1001, at, **told))
    reconcile(scene)
    assert read_whole(scene) == ["1001"]
    row = scene.world.row(Order)
    assert (row.financial_status, bool(row.cancelled_at)) == ("partially_refunded", "cancelledAt" in told)
    scene.shopify.calls.clear()
    reconcile(scene)
    assert read_whole(scene) == [], "now it is level"


def test_a_parcel_that_was_never_told_of(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(minutes=50)
    scene.world.hook("orders/create", order(at, 1001))
    shipped = at + timedelta(minutes=20)
    node = api_order(1001, at, fulfillments=[api_parcel(1001, shipped)], updatedAt=iso(shipped))
    scene.changed(node)
    reconcile(scene)
    (message,) = scene.world.rows(Message, step="shipped")
    assert message.subject == "100100"


def test_a_stub_without_its_order_counts_as_unknown(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(minutes=30)
    scene.world.hook("refunds/create", {"id": 5, "order_id": 1001, "created_at": iso(at), "refund_line_items": []})
    scene.changed(api_order(1001, at))
    reconcile(scene)
    assert scene.world.row(Order).version


def test_it_looks_from_where_it_got_to(scene: ShopScene) -> None:
    begun = scene.world.now
    reconcile(scene)
    first = scene.shopify.asked("OrdersChanged")[0]["query"]
    assert first == "updated_at:>='2026-11-02T08:45:00Z' updated_at:<='2026-11-02T09:58:00Z'"
    row = scene.errand(RECONCILE)
    assert row is not None
    assert row.state == {"through": (begun - timedelta(minutes=2)).isoformat(), "recovered": 0}
    assert row.next_at is not None
    assert timedelta(minutes=59) < row.next_at - datetime.now(UTC) <= timedelta(hours=1)
    scene.world.later(hours=1)
    reconcile(scene)
    second = scene.shopify.asked("OrdersChanged")[1]["query"]
    assert second == "updated_at:>='2026-11-02T09:43:00Z' updated_at:<='2026-11-02T10:58:00Z'"


def test_many_pages_and_many_that_are_missing(scene: ShopScene) -> None:
    at = scene.world.now - timedelta(minutes=30)
    missing = [api_order(number, at) for number in range(1001, 1013)]
    scene.changed(*missing)
    (one_page,) = scene.shopify.answers["OrdersChanged"]
    assert isinstance(one_page, dict)
    light = one_page["data"]["orders"]["nodes"]
    scene.shopify.answers["OrdersChanged"] = [
        data(orders=connection(*light[:7], after="c1")), data(orders=connection(*light[7:])),
    ]  # fmt: skip
    reconcile(scene)
    assert sorted(read_whole(scene)) == [str(number) for number in range(1001, 1013)]
    assert [asked["after"] for asked in scene.shopify.asked("OrdersChanged")] == [None, "c1"]
    assert len(scene.world.rows(Order)) == 12
    row = scene.errand(RECONCILE)
    assert row is not None
    assert row.state["recovered"] == 12


def test_consents_and_products_that_changed_are_read_again(scene: ShopScene) -> None:
    customer = shapes.api_customer()
    customer["defaultEmailAddress"]["marketingUpdatedAt"] = iso(scene.world.now)
    scene.answer(customers=[customer], products=[shapes.api_product()])
    reconcile(scene)
    (consent,) = scene.world.rows(Consent)
    assert consent.opted_out_at == scene.world.now
    assert scene.world.row(Product).title == "Green tea"
    for document in ("CustomersPage", "ProductsPage"):
        (asked,) = scene.shopify.asked(document)
        assert asked["sort"] == "UPDATED_AT"
        assert asked["query"].startswith("updated_at:>=")


def test_without_the_customers_the_orders_are_reconciled(scene: ShopScene) -> None:
    scene.shopify.answers["CustomersPage"] = [failure("ACCESS_DENIED")]
    scene.changed(api_order(1001, scene.world.now - timedelta(minutes=30)))
    reconcile(scene)
    assert scene.world.row(Order).name == "#1001"
    row = scene.errand(RECONCILE)
    assert row is not None
    assert row.state["recovered"] == 1


def test_an_order_that_is_gone_by_now(scene: ShopScene) -> None:
    scene.changed(api_order(1001, scene.world.now - timedelta(minutes=30)))
    scene.shopify.answers["OrderById"] = [data(order=None)]
    # An answer whose only root is empty, without an error, is an answer.
    reconcile(scene)
    row = scene.errand(RECONCILE)
    assert row is not None
    assert row.reason is None
    assert "to" not in row.state


# -- deleted without our hearing of it --------------------------------------------------------------------------------
def delete(scene: ShopScene, *numbers: int, errors: bool = False, still_read: bool = False) -> None:
    """The shop deleted these orders, and no webhook came."""
    gone = {gid("Order", number) for number in numbers}

    def there(variables: dict[str, Any]) -> dict[str, Any]:
        answer = data(nodes=[None if id_ in gone else {"id": id_} for id_ in variables["ids"]])
        trouble = {"message": "?", "path": ["nodes", 0], "extensions": {"code": "ACCESS_DENIED"}}
        return answer | ({"errors": [trouble]} if errors else {})

    scene.shopify.answers["OrdersThere"] = [there]
    kept = api_order(numbers[0], scene.world.now) if still_read else None
    scene.shopify.answers["OrderById"] = [data(order=kept)]


def placed(scene: ShopScene, *numbers: int) -> None:
    for number in numbers:
        scene.world.hook("orders/create", order(scene.world.now, number, customer=customer(number)))
        scene.world.hook("fulfillments/create", parcel(scene.world.now, order_id=number))
    scene.world.send()
    scene.world.later(days=1)
    for number in numbers:
        scene.world.hook("fulfillment_events/create", tracked(scene.world.now, order_id=number))
    scene.world.send()
    scene.world.later(days=3, hours=23)  # an hour before the surveys


def test_a_lost_deletion_is_noticed_before_the_next_mail(scene: ShopScene) -> None:
    placed(scene, 1001, 1002)
    delete(scene, 1001)
    scene.shopify.calls.clear()
    reconcile(scene)
    (asked,) = scene.shopify.asked("OrdersThere")
    assert asked["ids"] == [gid("Order", 1001), gid("Order", 1002)]
    assert read_whole(scene) == ["1001"]  # asked for once more, alone
    assert scene.world.row(Order, platform_id="1001").deleted_at
    scene.world.later(hours=2)
    scene.world.send()
    surveys = {m.subject: (m.state, m.reason) for m in scene.world.rows(Message, step="survey")}
    assert surveys["1001"] == ("cancelled", "the order was deleted")
    assert surveys["1002"][0] == "sent"


@pytest.mark.parametrize("doubt", [{"errors": True}, {"still_read": True}])
def test_a_deletion_is_not_believed_in_doubt(scene: ShopScene, doubt: dict[str, bool]) -> None:
    placed(scene, 1001)
    delete(scene, 1001, **doubt)
    reconcile(scene)
    assert scene.world.row(Order).deleted_at is None
    row = scene.errand(RECONCILE)
    assert row
    assert "to" not in row.state


def test_many_deletions_at_once_are_a_fault_and_no_deletions(scene: ShopScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone_orders, "MANY", 1)
    placed(scene, 1001, 1002)
    delete(scene, 1001, 1002)
    reconcile(scene)
    assert [row.deleted_at for row in scene.world.rows(Order)] == [None, None]


def test_only_what_will_be_written_to_soon_is_asked_for(scene: ShopScene) -> None:
    placed(scene, 1001)
    scene.world.later(days=-2)
    scene.shopify.calls.clear()
    reconcile(scene)
    assert scene.shopify.asked("OrdersThere") == []


def test_a_platform_that_does_not_know_the_question_is_reconciled_all_the_same(scene: ShopScene) -> None:
    placed(scene, 1001)
    scene.shopify.answers["OrdersThere"] = [failure("undefinedField")]
    reconcile(scene)
    row = scene.errand(RECONCILE)
    assert row
    assert "to" not in row.state
