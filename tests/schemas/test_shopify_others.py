from __future__ import annotations

from typing import Any

import pytest

from schemas.events import (
    AppUninstalled,
    Channel,
    CheckoutDeleted,
    ConsentChanged,
    ConsentSource,
    ConsentState,
    CustomerDeleted,
    CustomerRedacted,
    CustomerSeen,
    CustomersMerged,
    DataRequested,
    Money,
    OrderRefunded,
    ParcelDelivered,
    ParcelTracked,
    ProductDeleted,
    ScopesChanged,
    ShopRedacted,
)
from schemas.shopify.topics import Rejected
from tests.schemas.shapes import (
    TRIGGERED,
    at,
    checkout,
    customer,
    email_consent,
    events,
    fulfillment,
    fulfillment_event,
    line,
    merge,
    privacy,
    product,
    read,
    refund,
    shop,
    sms_consent,
)


def refused(topic: str, payload: object) -> list[str]:
    with pytest.raises(Rejected) as caught:
        read(topic, payload)
    return [error["field"] for error in caught.value.errors]


def reason(topic: str, payload: object) -> str:
    parsed = read(topic, payload)
    assert parsed.events == ()
    assert parsed.reason
    return parsed.reason


def one(topic: str, payload: object) -> Any:
    (event,) = events(topic, payload)
    return event


def test_a_parcel() -> None:
    told = one("fulfillments/create", fulfillment())
    assert (told.order_id, told.parcel_id, told.name, told.status) == (
        "5524199899389", "4900000000001", "#1001.1", "success")  # fmt: skip
    assert (told.created_at, told.updated_at) == (at("2026-11-13 01:00"), at("2026-11-13 01:05"))
    assert (told.tracking_company, told.tracking_numbers) == ("CJ Logistics", ("6012345678",))
    assert told.tracking_urls == ("https://trace.example.com/?no=6012345678",)
    assert told.lines == (("13665330200001", 2),)


def test_a_parcel_with_little_told() -> None:
    empty = fulfillment(tracking_numbers=[], tracking_urls=None, tracking_number=None, tracking_url="",
                        tracking_company=None, name=None, status=None, updated_at=None, line_items=[])  # fmt: skip
    told = one("fulfillments/update", empty)
    assert (told.tracking_numbers, told.tracking_urls, told.lines, told.status) == ((), (), (), "unknown")
    assert told.updated_at == TRIGGERED
    single = one("fulfillments/update", fulfillment(tracking_numbers=None, tracking_urls=[]))
    assert single.tracking_numbers == ("6012345678",)
    assert single.tracking_urls == ("https://trace.example.com/?no=6012345678",)


def test_tracking_is_cleaned() -> None:
    told = one("fulfillments/update", fulfillment(
        tracking_numbers=["1Z\r\nX: y", 42, None, True, {"a": 1}, "", "1Z\r\nX: y"],
        tracking_urls=["javascript:alert(1)", "https://ok.example.com", None, "ftp://x.example.com"],
        line_items=[line(1, quantity=1), line(1, quantity=2), line(2, quantity=0)],
    ))  # fmt: skip
    assert told.tracking_numbers == ("1Z X: y", "42")
    assert told.tracking_urls == ("https://ok.example.com",)
    assert told.lines == (("13665330200001", 3),)


def test_a_parcel_needs_its_order_and_id() -> None:
    assert refused("fulfillments/create", fulfillment(order_id=None)) == ["order_id"]
    assert refused("fulfillments/create", fulfillment(id="x")) == ["id"]
    assert refused("fulfillments/create", fulfillment(created_at="0000-00-00")) == ["created_at"]


def test_what_the_carrier_says() -> None:
    told = one("fulfillment_events/create", fulfillment_event())
    assert type(told) is ParcelTracked
    assert (told.order_id, told.parcel_id, told.event_id, told.status) == (
        "5524199899389", "4900000000001", "2001", "in_transit")  # fmt: skip
    assert told.happened_at == at("2026-11-13 23:30")
    assert type(one("fulfillment_events/create", fulfillment_event(status="Delivered"))) is ParcelDelivered
    assert one("fulfillment_events/create", fulfillment_event(status="a new word")).status == "a new word"
    late = fulfillment_event(happened_at=None, created_at="")
    assert one("fulfillment_events/create", late).happened_at == TRIGGERED
    assert reason("fulfillment_events/create", fulfillment_event(status=None))
    assert refused("fulfillment_events/create", fulfillment_event(order_id=None)) == ["order_id"]


def test_a_refund() -> None:
    assert events("refunds/create", refund()) == [
        OrderRefunded(order_id="5524199899389", refund_id="929361464001", created_at=at("2026-11-20 00:00"),
                      lines=(("13665330200001", 1),))
    ]  # fmt: skip
    assert one("refunds/create", refund(refund_line_items=[])).lines == ()
    assert one("refunds/create", refund(refund_line_items=None, created_at=None)).created_at == at("2026-11-20 00:00")
    assert refused("refunds/create", refund(order_id=None)) == ["order_id"]
    assert refused("refunds/create", refund(refund_line_items=[{"quantity": 1}])) == ["refund_line_items.0.id"]


def test_a_customer() -> None:
    assert events("customers/update", customer()) == [
        CustomerSeen(customer_id="7133450502397", updated_at=at("2026-11-12 10:01"), email="seoyeon@example.com",
                     first_name="서연", last_name="김")
    ]  # fmt: skip
    assert one("customers/create", customer(updated_at=None, email=None)).updated_at == TRIGGERED
    assert refused("customers/create", customer(id=None, admin_graphql_api_id=None)) == ["id"]


def test_old_consent_inside_a_customer() -> None:
    consent = {"state": "unsubscribed", "consent_updated_at": "2026-01-01T00:00:00Z"}
    told = events("customers/update", customer(email_marketing_consent=consent, accepts_marketing=True), ConsentChanged)
    assert [(word.state, word.at) for word in told] == [(ConsentState.UNSUBSCRIBED, at("2026-01-01 00:00"))]
    older = customer(accepts_marketing=True, accepts_marketing_updated_at="2020-01-01T00:00:00Z")
    (word,) = events("customers/update", older, ConsentChanged)
    assert (word.state, word.at, word.source) == (
        ConsentState.SUBSCRIBED, at("2020-01-01 00:00"), ConsentSource.CONSENT)  # fmt: skip
    (word,) = events("customers/update", customer(accepts_marketing=False), ConsentChanged)
    assert word.state is ConsentState.NOT_SUBSCRIBED
    assert events("customers/update", customer(email=None, accepts_marketing=True), ConsentChanged) == []
    texted = customer(phone="+821012345678", sms_marketing_consent={"state": "subscribed"})
    (word,) = events("customers/update", texted, ConsentChanged)
    assert (word.channel, word.address, word.at) == (Channel.SMS, "+821012345678", None)


@pytest.mark.parametrize(
    ("state", "kept"),
    [("subscribed", "subscribed"), ("SUBSCRIBED", "subscribed"), ("unsubscribed", "unsubscribed"),
     ("pending", "pending"), ("not_subscribed", "not_subscribed"), ("redacted", "not_subscribed"),
     ("invalid", "not_subscribed"), ("example string", "not_subscribed")],
)  # fmt: skip
def test_consent_states(state: str, kept: str) -> None:
    word = one("customers_email_marketing_consent/update", email_consent(state))
    assert (word.channel, word.address, word.state) == (Channel.EMAIL, "seoyeon@example.com", kept)
    assert (word.customer_id, word.at) == ("7133450502397", at("2026-11-12 10:02"))
    text = one("customers_marketing_consent/update", sms_consent(state))
    assert (text.channel, text.address, text.state) == (Channel.SMS, "+821012345678", kept)


def test_consent_that_says_nothing() -> None:
    topic = "customers_email_marketing_consent/update"
    assert "no state" in reason(topic, email_consent(None))
    assert "no state" in reason(topic, email_consent(email_marketing_consent=None))
    assert "no e-mail address" in reason(topic, email_consent(email_address=None))
    assert "no phone number" in reason("customers_marketing_consent/update", sms_consent(phone=""))
    undated = email_consent(email_marketing_consent={"state": "subscribed", "consent_updated_at": "example string"})
    assert one(topic, undated).at is None
    assert one(topic, email_consent(customer_id=None)).customer_id is None


def test_customers_end() -> None:
    assert events("customers/delete", {"id": 5}) == [CustomerDeleted(customer_id="5")]
    assert events("customers/merge", merge()) == [CustomersMerged(kept_id="1", deleted_id="2")]
    assert "not completed" in reason("customers/merge", merge("failed"))
    assert "not completed" in reason("customers/merge", merge("in_progress"))
    assert "two customers" in reason("customers/merge", merge() | {"admin_graphql_api_customer_deleted_id": None})
    same = merge() | {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/1"}
    assert "two customers" in reason("customers/merge", same)


def test_a_checkout() -> None:
    told = one("checkouts/update", checkout())
    assert (told.token, told.email, told.customer_id, told.total) == (
        "bd5a8aa1ecd0", "seoyeon@example.com", "7133450502397", Money(2750, "USD"))  # fmt: skip
    assert (told.updated_at, told.locale) == (at("2026-11-12 09:10"), "ko")
    assert [(cart.line_id, cart.quantity, cart.price) for cart in told.lines] == [("a1", 2, Money(1250, "USD"))]
    bare = one("checkouts/create", {"token": "t"})
    assert (bare.updated_at, bare.total, bare.lines) == (TRIGGERED, None, ())
    twice = one("checkouts/update", checkout(line_items=[{"variant_id": 7, "quantity": 1}] * 2))
    assert [cart.line_id for cart in twice.lines] == ["1", "2"]
    assert refused("checkouts/create", checkout(token=None)) == ["token"]
    assert events("checkouts/delete", {"token": "t"}) == [CheckoutDeleted(token="t")]
    assert "token" in reason("checkouts/delete", {"id": 981820079255243500})


def test_a_product() -> None:
    told = one("products/update", product())
    assert (told.product_id, told.title, told.handle, told.price) == (
        "8074451550461", "Tea tin", "tea-tin", Money(1250, ""))  # fmt: skip
    assert (told.published, told.in_stock, told.tags) == (True, True, ("green", "gift"))
    assert told.image_url == "https://cdn.example.com/tea.jpg"
    assert not one("products/update", product(status="draft")).published
    assert not one("products/update", product(published_at=None)).published
    assert one("products/create", product(image=None, images=[{"src": "https://i.example.com/2"}])).image_url
    assert events("products/delete", {"id": 7}) == [ProductDeleted(product_id="7")]
    assert refused("products/update", product(title="", handle=None)) == ["title"]


@pytest.mark.parametrize(
    ("variants", "gids", "known"),
    [
        ([{"inventory_quantity": 0}], 1, False),
        ([{"inventory_quantity": -3}, {"inventory_quantity": 1}], 2, True),
        ([{"inventory_quantity": 0, "inventory_policy": "continue"}], 1, True),
        ([{"inventory_quantity": 0, "inventory_management": None}], 1, True),
        ([{"inventory_quantity": 0, "inventory_management": "shopify"}], 1, False),
        ([{"inventory_quantity": 0}], 2, None),
        ([{}], 1, None),
        ([], 0, None),
    ],
)
def test_stock(variants: list[Any], gids: int, known: bool | None) -> None:
    listed = [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}"} for number in range(1, gids + 1)]
    assert one("products/update", product(variants=variants, variant_gids=listed)).in_stock is known


def test_the_shop() -> None:
    told = one("shop/update", shop())
    assert (told.name, told.domain, told.owner, told.currency) == (
        "Hanok Tea", "hanok.example.com", "이 도윤", "KRW")  # fmt: skip
    assert (told.locale, told.timezone, told.customer_email) == ("ko", "Asia/Seoul", "help@example.com")
    assert told.address.city == "서울"
    odd = one("shop/update", shop(iana_timezone="../../etc/passwd", currency="₩", domain="example string"))
    assert (odd.timezone, odd.currency, odd.domain) == (None, None, None)
    assert reason("shop/update", {"id": 5})


def test_the_app() -> None:
    assert events("app/uninstalled", {}) == [AppUninstalled()]
    scopes = {"current": ["write_discounts", "read_orders"], "updated_at": "2026-11-01T00:00:00Z"}
    assert events("app/scopes_update", scopes) == [
        ScopesChanged(scopes=("read_orders", "write_discounts"), updated_at=at("2026-11-01 00:00"))
    ]
    assert one("app/scopes_update", {"current": []}) == ScopesChanged(scopes=(), updated_at=TRIGGERED)
    assert refused("app/scopes_update", {"previous": ["read_orders"]}) == ["current"]


def test_privacy() -> None:
    asked = privacy(orders_requested=[299938, 280263, None], data_request={"id": 9999})
    assert events("customers/data_request", asked) == [
        DataRequested(request_id="9999", customer_id="7133450502397", email="seoyeon@example.com", phone=None,
                      order_ids=("299938", "280263"))
    ]  # fmt: skip
    only_email = privacy(customer={"email": "an odd address"}, orders_to_redact=None)
    assert events("customers/redact", only_email) == [
        CustomerRedacted(customer_id=None, email="an odd address", phone=None)
    ]
    only_orders = privacy(customer=None, orders_to_redact=[5])
    assert one("customers/redact", only_orders).order_ids == ("5",)
    assert "names neither" in reason("customers/redact", privacy(customer={}))
    assert "names neither" in reason("customers/data_request", {})
    assert refused("customers/redact", privacy(orders_to_redact=[True])) == ["orders_to_redact"]
    assert events("shop/redact", {}) == [ShopRedacted()]
