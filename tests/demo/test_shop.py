"""The demo shop's deeds: their webhooks are what our own schemas read, and the books outlive a restart."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plugin.platforms.demo import catalogue, payloads
from plugin.platforms.demo.books import Books, BookStore, Deed, Hook
from plugin.platforms.demo.deeds import Shopkeeper
from plugin.platforms.demo.webhooks import signed_headers
from schemas.events import (
    ConsentChanged,
    OrderPlaced,
    OrderRefunded,
    ParcelDelivered,
    ParcelShipped,
    ParcelTracked,
    ProductSeen,
    ShopSeen,
)
from schemas.shopify import topics

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "http://127.0.0.1:8000"
ORDER: dict[str, Any] = {
    "name": "Emma Carter", "language": "en", "newsletter": True, "parcels": "one",
    "products": ["sejak-green-tea", "moon-jar-mug"],
}  # fmt: skip


class Trial:
    """A shopkeeper with fresh books."""

    def __init__(self) -> None:
        self.books = Books(next_id=1_700_000_000_000)
        self.keeper = Shopkeeper(self.books, URL)
        self.order_id = self.books.take_id()

    def do(self, kind: str, at: datetime, **details: Any) -> list[tuple[str, list[Any]]]:
        """The deed's webhooks: (topic, the events that our schemas read from it)."""
        self.books.outbox.clear()
        self.keeper.do(Deed(at, kind, self.order_id, details), at)
        return [(hook.topic, self.read(hook)) for hook in self.books.outbox]

    @staticmethod
    def read(hook: Hook) -> list[Any]:
        parsed = topics.parse(hook.topic, hook.body.encode(), triggered_at=datetime.fromisoformat(hook.triggered_at))
        assert parsed.events, (hook.topic, parsed.reason)
        return list(parsed.events)

    @property
    def order(self) -> payloads.Payload:
        order = self.books.order(self.order_id)
        assert order is not None
        return order


@pytest.fixture
def trial() -> Trial:
    trial = Trial()
    trial.do("place", NINE, **ORDER)
    return trial


def only(kind: type, told: list[tuple[str, list[Any]]]) -> Any:
    """The newest event of this kind."""
    return [event for _, events in told for event in events if isinstance(event, kind)][-1]


def test_the_opening_tells_of_shop_catalogue_and_history_once() -> None:
    trial = Trial()
    trial.keeper.open(NINE, NINE)
    events = [event for hook in trial.books.outbox for event in Trial.read(hook)]
    seen = [event for event in events if isinstance(event, ProductSeen)]
    assert {event.product_id for event in seen} == {str(item.id) for item in catalogue.PRODUCTS}
    assert [event.handle for event in seen if event.in_stock is False] == ["onggi-canister"]
    assert all(event.image_url and event.price and event.published and event.product_type for event in seen)
    shop = next(event for event in events if isinstance(event, ShopSeen))
    assert (shop.currency, shop.timezone, shop.domain) == ("KRW", "Asia/Seoul", catalogue.STOREFRONT)
    past = [event for event in events if isinstance(event, OrderPlaced)]
    assert len(past) == len(catalogue.PAST_BASKETS)
    assert all(event.placed_at < NINE for event in past)
    trial.books.outbox.clear()
    trial.keeper.open(NINE, NINE)
    assert trial.books.outbox == []


def test_a_new_address_tells_the_catalogue_again_and_no_history() -> None:
    trial = Trial()
    trial.keeper.open(NINE, NINE)
    trial.books.outbox.clear()
    Shopkeeper(trial.books, "http://127.0.0.1:9000").open(NINE, NINE)
    assert Counter(hook.topic for hook in trial.books.outbox) == {"products/update": len(catalogue.PRODUCTS)}


def test_an_order_is_told_in_full() -> None:
    trial = Trial()
    told = trial.do("place", NINE, **ORDER)
    assert [topic for topic, _ in told] == ["customers/create", "orders/create", "orders/paid"]
    order = only(OrderPlaced, told)
    assert (order.name, order.email, order.first_name, order.last_name) == (
        "#1001", "emma.carter@example.com", "Emma", "Carter",
    )  # fmt: skip
    assert (order.total.minor, order.total.currency) == (18_000 + 32_000 + catalogue.SHIPPING_FEE, "KRW")
    assert (order.placed_at, order.locale, order.country_code) == (NINE, "en-US", "US")
    assert only(ConsentChanged, told).address == "emma.carter@example.com"


@pytest.mark.parametrize(
    ("name", "language", "given", "family"),
    [
        ("Emma Carter", "en", "Emma", "Carter"),
        ("Ana María López", "en", "Ana", "María López"),
        ("Cher", "en", "Cher", None),
        ("김민지", "ko", "민지", "김"),
        ("김 민지", "ko", "민지", "김"),
        ("남궁 민수", "ko", "민수", "남궁"),
    ],
)
def test_names(name: str, language: str, given: str, family: str | None) -> None:
    person = payloads.person(name, language, NINE)
    assert (person["first_name"], person["last_name"]) == (given, family)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a\r\nBcc: x@example.com", "مرحبا", "🍵" * 40, "=1+1"])
def test_a_hostile_name_becomes_a_customer_that_can_be_read(name: str) -> None:
    order = only(OrderPlaced, Trial().do("place", NINE, **ORDER | {"name": name}))
    assert order.email is not None
    assert order.email.endswith("@example.com")
    assert "\n" not in (order.first_name or "")


def test_without_the_box_ticked_nobody_consents() -> None:
    told = Trial().do("place", NINE, **ORDER | {"newsletter": False})
    assert not [event for _, events in told for event in events if isinstance(event, ConsentChanged)]


def test_a_digital_order_has_no_address_and_no_carrier() -> None:
    trial = Trial()
    order = only(OrderPlaced, trial.do("place", NINE, **ORDER | {"products": ["brewing-guide"]}))
    assert order.shipping_address is None
    assert not order.lines[0].requires_shipping
    parcel = only(ParcelShipped, trial.do("ship", NINE, parcels="one", carrier="CJ Logistics"))
    assert (parcel.tracking_company, parcel.tracking_numbers) == (None, ())


def test_one_parcel(trial: Trial) -> None:
    told = trial.do("ship", NINE + timedelta(days=1), parcels="one", carrier="DHL Express", number="AB123")
    assert [topic for topic, _ in told] == ["fulfillments/create", "orders/fulfilled", "orders/updated"]
    parcel = only(ParcelShipped, told)
    assert (parcel.name, parcel.tracking_company, parcel.tracking_numbers) == ("#1001.1", "DHL Express", ("AB123",))
    assert parcel.tracking_urls == (f"{URL}/demo/shop/track/AB123",)
    assert len(parcel.lines) == 2


def test_two_parcels_at_once_have_a_number_each(trial: Trial) -> None:
    told = trial.do("ship", NINE, parcels="two", carrier="DHL Express", number="AB123")
    parcels = [event for topic, events in told for event in events if topic == "fulfillments/create"]
    assert [parcel.name for parcel in parcels] == ["#1001.1", "#1001.2"]
    assert parcels[0].tracking_numbers == ("AB123",)
    assert parcels[1].tracking_numbers not in ((), ("AB123",))
    assert [topic for topic, _ in told if topic.startswith("orders/") and topic != "orders/updated"] == [
        "orders/partially_fulfilled", "orders/fulfilled",
    ]  # fmt: skip


def test_half_now_and_the_rest_later(trial: Trial) -> None:
    assert "orders/partially_fulfilled" in dict(trial.do("ship", NINE, parcels="half", carrier="CJ Logistics"))
    assert "orders/fulfilled" in dict(trial.do("ship", NINE, parcels="one", carrier="CJ Logistics"))
    assert trial.do("ship", NINE, parcels="one", carrier="CJ Logistics") == []


def test_a_late_number(trial: Trial) -> None:
    parcel = only(ParcelShipped, trial.do("ship", NINE, parcels="one", carrier="CJ Logistics", late=True))
    assert parcel.tracking_numbers == ()
    told = trial.do("number", NINE, parcel_id=int(parcel.parcel_id), number="X9")
    assert told[0][0] == "fulfillments/update"
    newer = only(ParcelShipped, told)
    assert (newer.parcel_id, newer.tracking_numbers) == (parcel.parcel_id, ("X9",))
    assert newer.updated_at > parcel.updated_at  # though the clock stood still


def test_the_carrier_speaks(trial: Trial) -> None:
    trial.do("ship", NINE, parcels="one", carrier="CJ Logistics")
    moved = only(ParcelTracked, trial.do("carrier", NINE + timedelta(hours=5), status="in_transit"))
    assert (moved.status, moved.happened_at) == ("in_transit", NINE + timedelta(hours=5))
    arrived = only(ParcelDelivered, trial.do("carrier", NINE + timedelta(days=3), status="delivered"))
    assert arrived.happened_at == NINE + timedelta(days=3)
    assert trial.do("carrier", NINE, status="in_transit") == []  # nothing after it arrived


def test_a_refunded_line_and_a_full_refund(trial: Trial) -> None:
    first, second = (line["id"] for line in trial.order["line_items"])
    told = trial.do("refund", NINE, line_id=first)
    assert only(OrderRefunded, told).lines == ((str(first), 1),)
    assert only(OrderPlaced, told).financial_status == "partially_refunded"
    assert only(OrderPlaced, trial.do("refund", NINE, line_id=second)).financial_status == "refunded"
    assert trial.do("refund", NINE, line_id=second) == []


def test_a_cancelled_order_does_nothing_more(trial: Trial) -> None:
    assert only(OrderPlaced, trial.do("cancel", NINE)).cancelled_at == NINE
    assert trial.do("ship", NINE, parcels="one", carrier="CJ Logistics") == []
    assert trial.do("cancel", NINE) == []


def test_every_snapshot_is_newer_than_the_last(trial: Trial) -> None:
    versions = [trial.order["updated_at"]]
    for kind, details in (("ship", {"parcels": "two", "carrier": "Any"}), ("carrier", {"status": "delivered"})):
        trial.do(kind, NINE, **details)
        versions.append(trial.order["updated_at"])
    assert versions == sorted(set(versions))


def test_one_deed_is_one_event_of_several_deliveries(trial: Trial) -> None:
    trial.do("ship", NINE, parcels="one", carrier="CJ Logistics")
    assert len({hook.event_id for hook in trial.books.outbox}) == 1
    assert len({hook.id for hook in trial.books.outbox}) == 3


def test_the_signature_is_over_the_body() -> None:
    hook = Hook("w", "e", "orders/create", "2026-11-02T09:00:00+00:00", '{"name":"김"}')
    headers = signed_headers(hook, catalogue.DOMAIN, "secret", "2026-10")
    digest = hmac.new(b"secret", hook.body.encode(), hashlib.sha256).digest()
    assert base64.b64decode(headers["X-Shopify-Hmac-Sha256"]) == digest
    assert headers["X-Shopify-Shop-Domain"] == "ondo-tea.myshopify.com"


def test_the_books_outlive_a_restart(tmp_path: Path) -> None:
    store = BookStore(tmp_path)
    with store.changing() as books:
        order_id = books.take_id()
        books.deeds += [Deed(NINE, "place", order_id, ORDER), Deed(NINE + timedelta(days=1), "ship", order_id, {})]
        Shopkeeper(books, URL).do(books.deeds.pop(0), NINE)
    again = BookStore(tmp_path).read()
    assert again.order(order_id) is not None
    assert again.next_deed() == Deed(NINE + timedelta(days=1), "ship", order_id, {})
    assert [hook.topic for hook in again.outbox] == ["customers/create", "orders/create", "orders/paid"]
    assert store.read() is store.read()  # parsed once while nobody changes it


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = BookStore(tmp_path)
    with contextlib.suppress(RuntimeError), store.changing() as books:
        books.next_number = 5
        raise RuntimeError
    assert store.read().next_number == 1001
