"""One webhook, one receipt, one answer; what may not be kept is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from plugin.queues import INGEST
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Receipt, Shop, Tombstone
from tests.services.world import DOMAIN, World, compliance, consent, order, parcel
from tests.support.fakes import RecordingQueues

STRANGER = "stranger.myshopify.com"


def test_one_receipt_is_kept_encrypted_and_a_worker_told(both: World) -> None:
    assert both.receive("orders/create", order(both.now)).status == 200
    receipt = both.row(Receipt)
    assert (receipt.state, receipt.customer_ref, receipt.order_ref) == ("received", "501", "1001")
    assert b"jane" not in receipt.body
    assert b'"jane.doe@example.com"' in both.ctx.vault.open_bytes(receipt.body)
    assert isinstance(both.ctx.queues, RecordingQueues)
    assert both.ctx.queues.nudges == [INGEST]


def test_the_same_delivery_again_changes_nothing(both: World) -> None:
    payload = order(both.now)
    for _ in range(3):
        assert both.hook("orders/create", payload, webhook_id="one").status == 200
        both.send()
    assert len(both.rows(Receipt)) == 1
    assert both.sink.steps() == ["thank_you"]


def test_the_same_id_in_two_shops_is_two_deliveries(both: World) -> None:
    both.add_shop("other.myshopify.com")
    for domain in (DOMAIN, "other.myshopify.com"):
        both.receive("orders/create", order(both.now), webhook_id="one", domain=domain)
    assert len(both.rows(Receipt)) == 2


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"12", b'{"id": NaN}', b"\xff\xfe", b'{"a":' * 5000, b'"' * 9])
def test_a_body_that_is_no_object_is_kept_rejected_and_answered_200(world: World, body: bytes) -> None:
    assert world.hook("orders/create", body).status == 200
    receipt = world.row(Receipt)
    assert receipt.state == "rejected"
    assert receipt.reason.startswith("payload: is not")
    assert world.ctx.vault.open_bytes(receipt.body) == body


def test_a_refused_payload_says_why_without_personal_data(world: World) -> None:
    assert world.hook("orders/create", order(world.now, line_items="Jane Doe")).status == 200
    receipt = world.row(Receipt)
    assert receipt.state == "rejected"
    assert "line_items" in receipt.reason
    assert "Jane" not in receipt.reason


def test_an_unknown_topic_is_kept(both: World) -> None:
    assert both.hook("carts/update", {"id": 1}).status == 200
    receipt = both.row(Receipt)
    assert (receipt.state, receipt.reason) == ("kept", "topic not used by Dasi: carts/update")


def test_a_bad_envelope_leaves_nothing(world: World) -> None:
    answer = world.receive("orders/create", order(world.now), secret="wrong")
    assert (answer.status, answer.error, answer.field) == (401, "wrong_hmac", "X-Shopify-Hmac-Sha256")
    assert world.rows(Receipt) == []


def test_no_database_is_the_callers_matter(world: World) -> None:
    with world.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE receipts RENAME TO elsewhere")
    with pytest.raises(OperationalError):
        world.receive("orders/create", order(world.now))


# -- shops that we do not know ----------------------------------------------------------------------------------------
def test_an_unknown_shop_is_registered_but_not_live(both: World) -> None:
    assert both.hook("orders/create", order(both.now), domain=STRANGER).status == 200
    shop = both.row(Shop, domain=STRANGER)
    assert not shop.live
    assert shop.installed_at < both.now
    message = both.message("thank_you")
    assert (message.state, message.reason) == ("held", "waits for the shop to go live")
    assert both.send() == 0


@pytest.mark.parametrize("topic", ["app/uninstalled", "customers/data_request", "customers/redact", "shop/redact"])
def test_an_unknown_shop_is_not_made_by_news_of_its_end(world: World, topic: str) -> None:
    assert world.receive(topic, compliance(STRANGER), domain=STRANGER).status == 200
    assert world.rows(Shop, domain=STRANGER) == []
    assert world.rows(Receipt) == []


def test_a_body_that_names_another_shop_makes_none(world: World) -> None:
    told = {"id": 1, "myshopify_domain": DOMAIN, "name": "Haneul"}
    assert world.receive("shop/update", told, domain=STRANGER).status == 200
    assert world.rows(Shop, domain=STRANGER) == []


def test_a_body_that_names_another_shop_is_not_believed(world: World) -> None:
    assert world.hook("shop/update", {"id": 1, "myshopify_domain": STRANGER, "name": "Mallory"}).status == 200
    receipt = world.row(Receipt)
    assert (receipt.state, receipt.body, receipt.reason) == ("kept", None, "its body names another shop")
    assert world.row(Shop).name == "Haneul Tea"


@pytest.mark.parametrize("triggered", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
def test_an_absurd_moment_registers_a_shop_as_of_about_now(world: World, triggered: datetime) -> None:
    world.hook("products/update", {"id": 1}, domain=STRANGER, triggered_at=triggered)
    assert world.now - timedelta(days=2) <= world.row(Shop, domain=STRANGER).installed_at <= world.now


# -- shops that left ------------------------------------------------------------------------------------------------
def test_late_news_of_an_uninstalled_shop_stores_no_payload(both: World) -> None:
    before = both.now
    both.later(hours=1)
    both.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    shop = both.row(Shop)
    assert (shop.live, shop.uninstalled_at) == (False, both.now)
    assert both.hook("orders/create", order(before), triggered_at=before).status == 200
    late = both.rows(Receipt)[-1]
    assert (late.state, late.body, late.customer_ref) == ("kept", None, None)
    assert both.rows(Order) == []


def test_nothing_leaves_after_the_uninstallation(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    both.send()
    assert both.sink.mails == []
    assert both.message("thank_you").reason == "the shop uninstalled Dasi"


def test_an_installation_anew_begins_not_live_and_old_orders_are_history(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    both.later(days=1)
    both.hook("orders/create", order(both.now, 1002, customer=None))
    shop = both.row(Shop)
    assert (shop.live, shop.uninstalled_at, shop.installed_at) == (False, None, both.now)
    assert both.message("thank_you", subject="1002").state == "held"
    # A late word about the first uninstallation ends nothing.
    both.hook("app/uninstalled", {"id": 1, "domain": DOMAIN}, triggered_at=both.now - timedelta(hours=20))
    assert both.row(Shop).uninstalled_at is None
    with both.ctx.database.transaction() as session:
        session.execute(update(Shop).values(live=True))
    both.configure()
    both.send()
    assert both.sink.steps() == ["thank_you"]
    assert both.rows(Message, subject="1001", step="thank_you") == []


def test_an_erased_shop_leaves_a_tombstone_only(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    both.later(days=2)
    both.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    assert [both.rows(model) for model in (Shop, Receipt, Order, Customer, Message)] == [[]] * 5
    assert [stone.kind for stone in both.rows(Tombstone)] == ["shop"]
    before = both.now - timedelta(days=1)
    assert both.hook("orders/create", order(before), triggered_at=before).status == 200
    assert both.rows(Shop) == []
    both.later(days=1)
    both.hook("orders/create", order(both.now))
    assert not both.row(Shop).live  # it has installed us again


def test_late_news_of_an_erased_customer_stores_no_payload(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    both.hook("orders/updated", order(both.now + timedelta(hours=1)))
    both.hook("fulfillments/create", parcel(both.now))
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    for late in both.rows(Receipt)[-3:]:
        assert (late.state, late.body, late.customer_ref, late.order_ref) == ("kept", None, None, None)
        assert late.reason == "about a customer whose data was erased"
    assert both.row(Order).email is None
