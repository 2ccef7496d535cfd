"""A webhook and an answer of the API about the same thing give the same events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.events import (
    ConsentChanged,
    ConsentState,
    Event,
    OrderPlaced,
    ParcelDelivered,
    ParcelShipped,
    ProductSeen,
    ScopesChanged,
)
from schemas.shopify.admin.nodes import next_cursor, nodes
from schemas.shopify.admin.orders import order_events
from schemas.shopify.admin.people import customer_events, primary_locale, product_events, scope_events, shop_events
from schemas.shopify.base import Rejected
from schemas.shopify.topics import parse
from tests.schemas import admin_shapes as shapes


def told(topic: str, payload: dict[str, Any]) -> tuple[Event, ...]:
    return parse(topic, json.dumps(payload).encode(), triggered_at=datetime(2026, 11, 22, tzinfo=UTC)).events


def order(**changes: Any) -> OrderPlaced:
    found = order_events(shapes.api_order() | changes)[0]
    assert isinstance(found, OrderPlaced)
    return found


def parcel(**changes: Any) -> list[Event]:
    """What is told of the parcel."""
    node = shapes.api_order()
    node["fulfillments"][0] |= changes
    return [event for event in order_events(node) if isinstance(event, (ParcelShipped, ParcelDelivered))]


def test_an_order_with_its_parcel_and_its_refund() -> None:
    webhooks = told("orders/updated", shapes.webhook_order())
    webhooks += told("fulfillment_events/create", shapes.webhook_tracking())
    assert order_events(shapes.api_order()) == webhooks
    assert len(webhooks) == 6


@pytest.mark.parametrize("topic", ["orders/create", "orders/paid", "orders/fulfilled", "orders/cancelled"])
def test_whatever_topic_carried_it(topic: str) -> None:
    at = "2026-11-04T03:30:00Z"
    webhook = shapes.webhook_order() | {"cancelled_at": at, "cancel_reason": "customer"}
    node = shapes.api_order() | {"cancelledAt": at, "cancelReason": "CUSTOMER"}
    assert order_events(node)[:-1] == told(topic, webhook)


def test_an_order_of_nobody_with_nothing() -> None:
    """POS: no customer, no address, no e-mail."""
    nothing = {"email": "", "contact_email": None, "phone": None, "customer": None, "shipping_address": None,
               "billing_address": None, "customer_locale": None, "source_name": "pos", "fulfillments": [],
               "refunds": [], "shipping_lines": [], "fulfillment_status": None, "buyer_accepts_marketing": False,
               "order_status_url": None}  # fmt: skip
    empty = {"email": None, "phone": None, "customer": None, "shippingAddress": None, "billingAddress": None,
             "customerLocale": None, "sourceName": "pos", "fulfillments": [], "refunds": [],
             "shippingLines": shapes.connection(), "displayFulfillmentStatus": "UNFULFILLED",
             "customerAcceptsMarketing": False, "statusPageUrl": None}  # fmt: skip
    assert order_events(shapes.api_order() | empty) == told("orders/create", shapes.webhook_order() | nothing)


def test_protected_data_come_back_empty_and_the_order_counts() -> None:
    found = order(email=None, phone=None, customer=None, shippingAddress=None, billingAddress=None)
    assert (found.email, found.customer_id, found.shipping_address) == (None, None, None)
    assert len(found.lines) == 2


@pytest.mark.parametrize(
    ("shown", "word"),
    [("DELIVERED", "delivered"), ("OUT_FOR_DELIVERY", "out_for_delivery"), ("NOT_DELIVERED", "failure"),
     ("DELAYED", "delayed"), ("FULFILLED", None), ("MARKED_AS_FULFILLED", None), ("SUBMITTED", None),
     ("LABEL_VOIDED", None), ("CANCELED", None), (None, None), ("SOMETHING_NEW", None)],
)  # fmt: skip
def test_what_the_carrier_said_last(shown: str | None, word: str | None) -> None:
    found = parcel(displayStatus=shown)[0]
    assert isinstance(found, ParcelShipped)
    assert found.shipment_status == word


def test_a_delivery_without_an_event_of_its_own() -> None:
    found = parcel(displayStatus="DELIVERED", deliveredAt="2026-11-05T10:00:00Z")
    assert isinstance(found[1], ParcelDelivered)
    assert found[1].happened_at == datetime(2026, 11, 5, 10, tzinfo=UTC)
    event = {"id": shapes.gid("FulfillmentEvent", 52), "status": "DELIVERED", "happenedAt": "2026-11-05T09:59:00Z"}
    found = parcel(deliveredAt="2026-11-05T10:00:00Z", events=shapes.connection(event))
    assert [e.event_id for e in found if isinstance(e, ParcelDelivered)] == ["52"]


@pytest.mark.parametrize(
    ("shown", "status"), [("FULFILLED", "fulfilled"), ("PARTIALLY_FULFILLED", "partial"), ("UNFULFILLED", None),
                          ("ON_HOLD", None), ("IN_PROGRESS", None), ("RESTOCKED", "restocked")]
)  # fmt: skip
def test_how_far_the_order_is(shown: str, status: str | None) -> None:
    assert order(displayFulfillmentStatus=shown).fulfillment_status == status


def test_a_parcel_that_was_called_back() -> None:
    found = parcel(status="CANCELLED", displayStatus="CANCELED")[0]
    assert isinstance(found, ParcelShipped)
    assert (found.status, found.shipment_status) == ("cancelled", None)


@pytest.mark.parametrize("broken", [{"id": None}, {"id": "gid://shopify/Customer/1"}, {"totalPriceSet": None},
                                    {"processedAt": "yesterday"}])  # fmt: skip
def test_what_is_no_order_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        order_events(shapes.api_order() | broken)


# -- products, customers, the shop ------------------------------------------------------------------------------------
def test_a_product() -> None:
    assert product_events(shapes.api_product()) == told("products/update", shapes.webhook_product())


@pytest.mark.parametrize(
    ("changes", "published", "in_stock"),
    [
        ({"status": "DRAFT"}, False, True),
        ({"publishedAt": None}, True, True),
        ({"publishedAt": None, "onlineStoreUrl": None}, False, True),
        ({"variants": shapes.connection({"availableForSale": False})}, True, False),
        ({"variants": {"nodes": [{"availableForSale": False}], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}},
         True, None),
        ({"variants": shapes.connection()}, True, None),
    ],
)  # fmt: skip
def test_whether_a_product_can_be_bought(changes: dict[str, Any], published: bool, in_stock: bool | None) -> None:
    (event,) = product_events(shapes.api_product() | changes)
    assert isinstance(event, ProductSeen)
    assert (event.published, event.in_stock) == (published, in_stock)
    assert event.price is not None


def test_a_customer_and_the_word_of_consent() -> None:
    assert customer_events(shapes.api_customer()) == told("customers/update", shapes.webhook_customer())
    consent = {"customer_id": shapes.CUSTOMER_ID, "email_address": "jimin@example.com",
               "email_marketing_consent": shapes.webhook_customer()["email_marketing_consent"]}  # fmt: skip
    assert customer_events(shapes.api_customer())[1:] == told("customers_email_marketing_consent/update", consent)


@pytest.mark.parametrize(
    ("shown", "state"), [("SUBSCRIBED", ConsentState.SUBSCRIBED), ("NOT_SUBSCRIBED", ConsentState.NOT_SUBSCRIBED),
                         ("PENDING", ConsentState.PENDING), ("INVALID", ConsentState.NOT_SUBSCRIBED)]
)  # fmt: skip
def test_states_of_consent(shown: str, state: ConsentState) -> None:
    node = shapes.api_customer()
    node["defaultEmailAddress"]["marketingState"] = shown
    word = customer_events(node)[1]
    assert isinstance(word, ConsentChanged)
    assert word.state is state


def test_a_customer_without_an_address_says_nothing_about_consent() -> None:
    assert len(customer_events(shapes.api_customer() | {"defaultEmailAddress": None})) == 1


def test_the_shop() -> None:
    assert shop_events(shapes.api_shop(), "ko") == told("shop/update", shapes.webhook_shop())


def test_its_scopes_and_its_language() -> None:
    installation = {"accessScopes": [{"handle": "write_customers"}, {"handle": "read_orders"}]}
    assert scope_events(installation) == (ScopesChanged(scopes=("read_orders", "write_customers")),)
    assert scope_events(None) == ()
    assert primary_locale([{"locale": "en", "primary": False}, {"locale": "ko", "primary": True}]) == "ko"
    assert primary_locale(None) is None


def test_pages() -> None:
    page = {"nodes": [{"id": 1}, None], "pageInfo": {"hasNextPage": True, "endCursor": "abc"}}
    assert nodes(page) == [{"id": 1}]
    assert next_cursor(page) == "abc"
    assert next_cursor(shapes.connection()) is next_cursor(None) is None
    assert nodes(None) == []
