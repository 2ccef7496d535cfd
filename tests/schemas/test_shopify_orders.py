from __future__ import annotations

from typing import Any

import pytest

from schemas.events import (
    Address,
    Channel,
    ConsentChanged,
    ConsentSource,
    ConsentState,
    CustomerSeen,
    Money,
    OrderDeleted,
    OrderEdited,
    OrderPlaced,
    OrderRefunded,
    ParcelShipped,
)
from schemas.shopify.topics import Rejected
from tests.schemas.shapes import (
    TRIGGERED,
    address,
    at,
    customer,
    edited,
    events,
    fulfillment,
    full_order,
    line,
    money,
    order,
    read,
    refund,
)


def placed(payload: object, topic: str = "orders/create") -> Any:
    return events(topic, payload, OrderPlaced)[0]


def refused(topic: str, payload: object) -> list[str]:
    with pytest.raises(Rejected) as caught:
        read(topic, payload)
    return [error["field"] for error in caught.value.errors]


def test_an_order() -> None:
    told = placed(order())
    assert (told.order_id, told.name, told.customer_id) == ("5524199899389", "#1001", "7133450502397")
    assert told.placed_at == at("2026-11-12 10:00")
    assert told.updated_at == at("2026-11-12 10:01")
    assert told.total == Money(37950, "KRW")
    assert (told.email, told.first_name, told.last_name) == ("seoyeon@example.com", "서연", "김")
    assert (told.locale, told.country_code) == ("ko-KR", "KR")
    assert told.shipping_address == Address(
        name="김 서연", address1="세종대로 110", city="서울", zip="04524", country_code="KR"
    )
    assert not told.test
    assert not told.pickup
    tea, card = told.lines
    assert (tea.line_id, tea.title, tea.variant_title, tea.quantity, tea.price) == (
        "13665330200001", "Tea tin", "Green", 2, Money(17250, "KRW"))  # fmt: skip
    assert (card.gift_card, card.requires_shipping) == (True, False)


def test_an_order_tells_of_everything_in_it() -> None:
    kinds = [type(event) for event in events("orders/updated", full_order())]
    assert kinds == [OrderPlaced, ParcelShipped, OrderRefunded, CustomerSeen, *[ConsentChanged] * 3]
    parcel, back = events("orders/updated", full_order())[1:3]
    assert (parcel.order_id, parcel.parcel_id, parcel.lines) == (
        "5524199899389", "4900000000001", (("13665330200001", 2),))  # fmt: skip
    assert (back.refund_id, back.lines) == ("929361464001", (("13665330200001", 1),))


@pytest.mark.parametrize("word", ["create", "paid", "updated", "cancelled", "fulfilled", "partially_fulfilled"])
def test_every_topic_of_a_whole_order_says_the_same(word: str) -> None:
    payload = full_order() | {"cancelled_at": "2026-11-13T00:00:00Z"}
    assert events(f"orders/{word}", payload) == events("orders/create", payload)


def test_cancelled_without_a_moment() -> None:
    assert placed(order(), "orders/cancelled").cancelled_at == at("2026-11-12 10:01")
    assert placed(order(), "orders/updated").cancelled_at is None


BLANKS: tuple[Any, ...] = (None, "", [], {})
OPTIONAL = [key for key in order() if key not in ("id", "total_price_set", "total_price", "currency")]


@pytest.mark.parametrize("key", OPTIONAL)
@pytest.mark.parametrize("blank", [*BLANKS, "absent"])
def test_legal_blanks(key: str, blank: object) -> None:
    payload = order(**{key: blank})
    if blank == "absent":
        del payload[key]
    assert placed(payload).order_id == "5524199899389"


def test_fallbacks() -> None:
    assert placed(order(email="", contact_email="other@example.com")).email == "other@example.com"
    assert placed(order(email=None, contact_email="")).email == "seoyeon@example.com"
    assert placed(order(email="example string", contact_email=None, customer=None)).email is None
    assert placed(order(name=None)).name == "#1001"
    assert placed(order(name="", order_number=None)).name == "#5524199899389"
    assert placed(order(processed_at=None)).placed_at == at("2026-11-12 10:00").replace(second=30)
    assert placed(order(processed_at="", created_at=None)).placed_at == TRIGGERED
    assert placed(order(updated_at=None)).updated_at == TRIGGERED
    assert placed(order(updated_at="example string")).updated_at == TRIGGERED
    told = read("orders/create", order(updated_at=None), triggered_at=None).events[0]
    assert isinstance(told, OrderPlaced)
    assert told.updated_at == at("2026-11-12 10:00").replace(second=30)
    assert placed(order(total_price_set=None)).total == Money(2750, "USD")
    assert placed(order(shipping_address=None)).country_code == "US"
    assert placed(order(shipping_address=address(country_code="example string"))).country_code == "US"
    assert placed(order(line_items=[line(title=None)])).lines[0].title == "Tea tin - Green"
    assert placed(order(line_items=[line(price_set=None)])).lines[0].price == Money(1250, "USD")
    assert placed(order(line_items=[line(price_set="x", price="NaN")])).lines[0].price is None


def test_names_are_not_mixed() -> None:
    nameless = customer(first_name=None, last_name="")
    assert (
        placed(order(customer=nameless, shipping_address=address(first_name="Ada", last_name=None))).first_name == "Ada"
    )
    told = placed(
        order(customer=customer(last_name=None), shipping_address=address(first_name="Ada", last_name="Cole"))
    )
    assert (told.first_name, told.last_name) == ("서연", None)


def test_a_point_of_sale_order_without_a_customer() -> None:
    payload = order(email="", contact_email=None, customer=None, shipping_address=None, billing_address=None,
                    customer_locale=None, source_name="pos")  # fmt: skip
    told = events("orders/create", payload)
    assert [type(event) for event in told] == [OrderPlaced]
    assert (told[0].email, told[0].customer_id, told[0].country_code, told[0].source_name) == (None, None, None, "pos")


def test_a_customer_without_an_id_is_no_customer() -> None:
    for nobody in (customer(id=None, admin_graphql_api_id=None), {}, []):
        told = events("orders/create", order(customer=nobody))
        assert [type(event) for event in told] == [OrderPlaced]
        assert told[0].customer_id is None


def test_ids_that_went_through_a_float() -> None:
    payload = order(
        id=820982911946154500,
        admin_graphql_api_id="gid://shopify/Order/820982911946154508",
        line_items=[line(id=866550311766439000, admin_graphql_api_id="gid://shopify/LineItem/866550311766439020")],
        fulfillments=[fulfillment(order_id=820982911946154500)],
        refunds=[refund(order_id=820982911946154500, refund_line_items=[{"line_item_id": 866550311766439000,
                 "quantity": 1, "line_item": {"admin_graphql_api_id": "gid://shopify/LineItem/866550311766439020"}}])],
    )  # fmt: skip
    told = events("orders/create", payload)
    assert [event.order_id for event in told[:3]] == ["820982911946154508"] * 3
    assert told[0].lines[0].line_id == told[2].lines[0][0] == "866550311766439020"


@pytest.mark.parametrize(
    ("gid", "kept"),
    [("https://www.example.com/", "5524199899389"), ("gid://shopify/Refund/7", "5524199899389"),
     ("gid://shopify/Order/7", "5524199899389"), (None, "5524199899389"), (7, "5524199899389")],
)  # fmt: skip
def test_a_text_id_that_does_not_fit_is_ignored(gid: object, kept: str) -> None:
    assert placed(order(admin_graphql_api_id=gid)).order_id == kept
    assert placed(order(id=None)).order_id == "5524199899389"


def test_the_checkbox() -> None:
    (word,) = events("orders/create", order(buyer_accepts_marketing=True), ConsentChanged)
    assert word == ConsentChanged(
        channel=Channel.EMAIL, address="seoyeon@example.com", state=ConsentState.SUBSCRIBED,
        source=ConsentSource.CHECKBOX, at=at("2026-11-12 10:00"), customer_id="7133450502397",
    )  # fmt: skip
    assert events("orders/create", order(buyer_accepts_marketing=False), ConsentChanged) == []
    silent = order(buyer_accepts_marketing=True, email=None, contact_email=None, customer=None)
    assert events("orders/create", silent, ConsentChanged) == []


@pytest.mark.parametrize(
    ("methods", "pickup"),
    [
        ([], False),
        (["Standard"], False),
        (["Store Pickup"], True),
        (["Local pickup - Main Street"], True),
        (["Pick up in store"], True),
        (["In-Store Pickup"], True),
        (["Pickup"], True),
        (["Click & Collect"], True),
        (["매장 픽업"], True),
        (["매장수령"], True),
        (["Abholung im Laden"], True),
        (["Retrait en magasin"], True),
        (["店頭受取"], True),
        (["Store Pickup", "Standard"], False),
        (["Pickup point: Corner Shop"], False),
        (["Retrait en point relais"], False),
        (["Locker pickup in store"], False),
        (["Carrier picks up daily"], False),
        (["Pickup truck freight"], False),
    ],
)
def test_pickup(methods: list[str], pickup: bool) -> None:
    lines = [{"code": title, "title": title, "delivery_category": None} for title in methods]
    assert placed(order(shipping_lines=lines)).pickup is pickup


def test_pickup_by_category_and_removed_methods() -> None:
    told = {"code": "Seoul", "title": "Seoul", "delivery_category": "pickup"}
    assert placed(order(shipping_lines=[told])).pickup
    assert placed(order(shipping_lines=[told, {"title": "Standard", "is_removed": True}])).pickup
    assert not placed(order(shipping_lines=[told | {"is_removed": True}])).pickup


def test_harmful_text_is_made_harmless() -> None:
    payload = order(
        name="#1\r\nBcc: x@example.com",
        customer=customer(first_name="A\x00da\nX", last_name="ك" * 500),
        line_items=[line(title="<script>alert(1)</script>\u2028" + "😀" * 900)],
        order_status_url="javascript:alert(1)",
    )
    told = placed(payload)
    assert told.name == "#1 Bcc: x@example.com"
    assert told.first_name == "Ada X"
    assert len(told.last_name) == 100
    assert told.lines[0].title.startswith("<script>alert(1)</script> 😀")
    assert len(told.lines[0].title) == 500
    assert told.order_status_url is None


def test_the_status_url_may_be_wrapped() -> None:
    url = "https://hanok.example.com/orders/1"
    assert placed(order(order_status_url={"order_status_url": url})).order_status_url == url


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": True}, "id"),
        ({"id": 5.5}, "id"),
        ({"id": "garbage"}, "id"),
        ({"id": None, "admin_graphql_api_id": None}, "id"),
        ({"created_at": "0000-01-01T00:00:00Z"}, "created_at"),
        ({"processed_at": "99999-01-01"}, "processed_at"),
        ({"cancelled_at": "example string"}, "cancelled_at"),
        ({"total_price_set": money("-1.00")}, "total_price_set"),
        ({"total_price_set": money("NaN")}, "total_price_set"),
        ({"total_price_set": None, "total_price": None}, "total_price"),
        ({"total_price_set": None, "currency": "example string"}, "total_price"),
        ({"test": "example string"}, "test"),
        ({"line_items": "x"}, "line_items"),
        ({"line_items": [None]}, "line_items.0"),
        ({"line_items": [line(quantity=-1)]}, "line_items.0.quantity"),
        ({"line_items": [line(1), line(2, quantity=None)]}, "line_items.1.quantity"),
        ({"line_items": [line(current_quantity=-1)]}, "line_items.0.current_quantity"),
        ({"line_items": [line(id=None, admin_graphql_api_id=None)]}, "line_items.0.id"),
        ({"line_items": [line(1), line(1)]}, "line_items.1.id"),
        ({"customer": "x"}, "customer"),
        ({"customer": customer(id=[1])}, "customer.id"),
        ({"fulfillments": [fulfillment(id=None, admin_graphql_api_id="")]}, "fulfillments.0.id"),
        ({"refunds": [refund(refund_line_items=[{"quantity": -2, "line_item_id": 1}])]},
         "refunds.0.refund_line_items.0.quantity"),
    ],
)  # fmt: skip
def test_refusals_name_the_field(change: dict[str, Any], field: str) -> None:
    assert refused("orders/create", order(**change)) == [field]


def test_refusals_are_few_and_hold_no_data() -> None:
    lines = [line(number, quantity="seoyeon@example.com") for number in range(500)]
    with pytest.raises(Rejected) as caught:
        read("orders/create", order(line_items=lines, test="seoyeon@example.com"))
    assert 1 < len(caught.value.errors) <= 20
    assert "seoyeon" not in str(caught.value)
    assert all(set(error) == {"field", "message"} for error in caught.value.errors)


def test_edited() -> None:
    assert events("orders/edited", edited()) == [
        OrderEdited(order_id="5524199899389", edit_id="88", committed_at=at("2026-11-12 11:01"),
                    added=(("31", 1),), removed=(("13665330200001", 1),))
    ]  # fmt: skip
    older = edited()
    del older["order_edit"]["committed_at"], older["order_edit"]["line_items"]
    (told,) = events("orders/edited", older)
    assert (told.committed_at, told.added) == (at("2026-11-12 11:00"), ())
    assert refused("orders/edited", {"order_edit": None}) == ["order_edit"]
    assert refused("orders/edited", order()) == ["order_edit"]


def test_deleted() -> None:
    assert events("orders/delete", {"id": 5524199899389}) == [OrderDeleted(order_id="5524199899389")]
    assert refused("orders/delete", {}) == ["id"]


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ([{"code": "TENOFF", "amount": "10.00", "type": "fixed_amount"}], ("TENOFF",)),
        ([{"code": "b"}, {"code": "a"}, {"code": "a"}], ("a", "b")),
        ([{"code": None}, {"code": 7}, {"amount": "1"}, "TENOFF", {"code": " "}], ()),
        ({"code": "TENOFF"}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_discount_codes_that_the_customer_used(told: object, codes: tuple[str, ...]) -> None:
    assert placed(order(discount_codes=told)).discount_codes == codes
