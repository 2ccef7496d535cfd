"""Bad input from the webhook to the bytes of the mail: rendered safely, or refused with a reason, never stuck."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Receipt
from tests.services.world import (
    DOMAIN,
    World,
    address,
    body,
    compliance,
    consent,
    customer,
    iso,
    line,
    order,
    parcel,
    product,
    refund,
    tracked,
    whole_life,
)

CRLF = "Jane\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>"
SCRIPT = '<script src="https://evil.example/x.js"></script><img src=x onerror=alert(1)>'
LONG = "가나다라마바사 " * 800


def through(world: World, **changes: Any) -> None:
    """A whole flow with these oddities in the order; everything is ingested."""
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    list(whole_life(world, **changes))
    world.walk(days=20)


def check_bytes(world: World) -> None:
    """What every mail must be, whatever went in."""
    for _, _, data in world.sink.mails:
        head = data.partition(b"\r\n\r\n")[0]
        assert b"\n" not in data.replace(b"\r\n", b"")
        assert b"\r" not in data.replace(b"\r\n", b"")
        assert all(len(part) <= 998 for part in data.split(b"\r\n"))
        assert not re.search(rb"(?im)^(bcc|cc):", head)
        assert len(re.findall(rb"(?im)^to:", head)) == 1
        assert b"\0" not in data
    for mail in world.sink.parsed():
        assert not mail.defects
        html = body(mail, "html")
        assert "<script" not in html.lower()
        assert not re.search(r"<[^>]+\son\w+\s*=", html)
        assert "javascript:" not in html.lower()
        assert not re.search("[\r\n\0\x0b\u2028]", str(mail["Subject"]))


def test_header_injection_in_names_titles_and_subjects(world: World) -> None:
    world.configure(steps={"thank_you": {"subject": {"en": "Thanks {{ first_name }} for {{ titles[0] }}"}}})
    bad = line(1, title=CRLF, variant_title=CRLF, vendor=CRLF)
    through(
        world, name=CRLF, customer=customer(first_name=CRLF, last_name=CRLF), line_items=[bad],
        shipping_address=address(first_name=CRLF, name=CRLF), customer_locale="en\r\nBcc: x@example.com",
    )  # fmt: skip
    assert world.sink.steps()[:3] == ["thank_you", "shipped", "delivered"]
    assert "Jane" in world.sink.parsed()[0]["Subject"]
    check_bytes(world)


def test_html_in_product_titles(world: World) -> None:
    for number in (5, 6, 7):
        world.hook("products/update", product(world.now, number, title=SCRIPT, handle=SCRIPT))
    through(world, line_items=[line(1, title=SCRIPT), line(2, title="</td></table>{{ shop.email }}{% include 'x' %}")])
    assert len(world.sink.mails) == 6
    check_bytes(world)
    assert "{{ shop.email }}" in world.text_of("thank_you")


@pytest.mark.parametrize(
    "name",
    ["👩‍👩‍👧‍👦🎉", "محمد العربي", "שָׁלוֹם", "\u202egnp.exe\u202c", "Ａ\u0300" * 60, "𒐫" * 100, "a" * 5000, "%s{0}${x}"],
)
def test_emoji_and_right_to_left_names(world: World, name: str) -> None:
    through(world, customer=customer(first_name=name, last_name=name), line_items=[line(1, title=name)])
    assert len(world.sink.mails) == 5 + bool(world.message("cross_sell_follow_up").state == "sent")
    check_bytes(world)


def test_ten_thousand_lines(both: World) -> None:
    lines = [line(number, title=f"Tea {number}") for number in range(1, 10_001)]
    both.hook("orders/create", order(both.now, line_items=lines))
    assert both.row(Receipt).state in ("done", "rejected")
    both.hook("fulfillments/create", parcel(both.now, line_items=lines))
    both.hook("refunds/create", refund(both.now, dict.fromkeys(range(1, 10001), 1)))
    both.walk(days=1)
    assert {r.state for r in both.rows(Receipt)} <= {"done", "rejected"}
    assert all(len(data) < 200_000 for _, _, data in both.sink.mails)
    assert "thank_you" in both.sink.steps()
    check_bytes(both)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "2999-01-01T00:00:00Z"]
)
def test_absurd_dates(both: World, moment: str) -> None:
    when = {"created_at": moment, "processed_at": moment, "updated_at": moment}
    both.hook("orders/create", order(both.now, **when))
    both.hook("orders/create", order(both.now, 1002, customer=None, cancelled_at=moment, **when))
    both.hook("fulfillments/create", parcel(both.now, **{**when, "processed_at": None}))
    both.hook("fulfillment_events/create", tracked(both.now) | {"happened_at": moment, "created_at": moment})
    both.hook("refunds/create", refund(both.now, {1: 1}) | {"created_at": moment, "processed_at": moment})
    both.hook("products/update", product(both.now, 1, **when))
    both.hook("customers_email_marketing_consent/update", {
        "customer_id": 501, "email_address": "jane.doe@example.com",
        "email_marketing_consent": {"state": "subscribed", "consent_updated_at": moment},
    })  # fmt: skip
    assert {r.state for r in both.rows(Receipt)} <= {"done", "rejected", "kept"}
    both.send()
    both.walk(days=3)
    assert {m.state for m in both.rows(Message)} <= {"planned", "waiting", "sent", "withheld", "cancelled", "held"}
    # Whatever the platform's clock said: no order was placed after we heard of it.
    assert all(o.placed_at is None or o.placed_at <= both.now for o in both.rows(Order))


@pytest.mark.parametrize("quantity", [-1, -(10**30), 10**30, "many", 1.5, None, True])
def test_absurd_quantities(both: World, quantity: Any) -> None:
    both.hook("orders/create", order(both.now, line_items=[line(1, quantity=quantity, current_quantity=quantity)]))
    both.hook("orders/create", order(both.now, 1002, customer=None))
    both.hook("fulfillments/create", parcel(both.now, order_id=1002, line_items=[line(1, quantity=quantity)]))
    both.hook("refunds/create", {**refund(both.now, {}, 1002), "refund_line_items": [
        {"id": 1, "line_item_id": 9001, "quantity": quantity}]})  # fmt: skip
    assert {r.state for r in both.rows(Receipt)} <= {"done", "rejected"}
    assert all(r.reason for r in both.rows(Receipt, state="rejected"))
    both.walk(days=1)
    assert both.message("thank_you", subject="1002").state == "sent"


@pytest.mark.parametrize("amount", ["-5.00", "9" * 40, "NaN", "1e400", "free", 10**25])
def test_absurd_amounts(both: World, amount: Any) -> None:
    total = {"presentment_money": {"amount": amount, "currency_code": "EUR"}}
    both.hook("orders/create", order(both.now, total_price=amount, total_price_set=total,
                                     line_items=[line(1, price=amount, price_set=total)]))  # fmt: skip
    both.hook("products/update", product(both.now, 1, variants=[{"id": 1, "price": amount}]))
    assert {r.state for r in both.rows(Receipt)} <= {"done", "rejected"}
    both.send()
    assert {m.state for m in both.rows(Message, step="thank_you")} <= {"sent"}


def lengthened(value: Any) -> Any:
    """The same payload with every text as long as it gets, but for what must be a moment, an id or an address."""
    if isinstance(value, dict):
        kept = ("_at", "id", "email", "amount", "price", "currency", "state", "url", "status")
        return {key: inner if key.endswith(kept) else lengthened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [lengthened(inner) for inner in value]
    return LONG if isinstance(value, str) else value


def test_long_texts_fit_or_are_refused(both: World) -> None:
    """PostgreSQL does not cut a text that is longer than its column."""
    at = both.now
    cart = {"token": "t" * 300, "email": "a" * 400 + "@example.com", "phone": "1" * 300, "updated_at": iso(at),
            "line_items": [line(1)], "customer_locale": "en" * 50}  # fmt: skip
    payloads = [
        ("orders/create", order(at, financial_status="x" * 70, source_name="y" * 300, phone="1" * 70)),
        ("fulfillments/create", parcel(at, status="z" * 70, shipment_status="w" * 70)),
        ("fulfillment_events/create", tracked(at) | {"status": "v" * 300}),
        ("customers/update", customer(phone="1" * 70, locale="x" * 300)),
        ("products/update", product(at, 1)),
        ("checkouts/update", cart),
        ("checkouts/update", cart),
        ("shop/update", {"id": 1, "name": "n", "phone": "1" * 70, "address1": "a", "iana_timezone": "Asia/Seoul"}),
        ("refunds/create", refund(at, {1: 1})),
        ("customers_marketing_consent/update", {"id": 501, "phone": "1" * 70, "sms_marketing_consent": {
            "state": "subscribed", "consent_updated_at": iso(at)}}),
        ("customers/data_request", compliance(DOMAIN, data_request={"id": 10**15})),
        ("app/scopes_update", {"id": 1, "current": ["s" * 3000] * 30, "updated_at": iso(at)}),
    ]  # fmt: skip
    for topic, payload in payloads:
        both.hook(topic, payload)
        both.hook(topic, lengthened(payload))
    troubled = {(r.topic, r.state, r.reason) for r in both.rows(Receipt) if r.state not in ("done", "kept")}
    assert {state for _, state, _ in troubled} <= {"rejected"}, troubled
    both.walk(days=10)
    check_bytes(both)


def test_text_that_a_database_cannot_hold(both: World) -> None:
    """NUL is no character to PostgreSQL; lone surrogates are none to UTF-8."""
    odd = "Tea\u0000 \ud800 tin"
    through(both, name=odd, line_items=[line(1, title=odd, variant_title=odd)], shipping_address=address(city=odd),
            customer=customer(first_name=odd), source_name=odd, financial_status="paid\u0000")  # fmt: skip
    both.hook("fulfillments/create", parcel(both.now, 2, tracking_company=odd, name=odd, tracking_numbers=[odd]))
    assert {r.state for r in both.rows(Receipt)} <= {"done", "kept", "rejected"}
    assert both.sink.steps()[:1] == ["thank_you"]
    check_bytes(both)


def test_links_that_are_none(world: World) -> None:
    world.hook("products/update", product(world.now, 1, images=[{"src": "javascript:alert(1)"}]))
    world.hook("orders/create", order(world.now, order_status_url="javascript:alert(1)"))
    bad = ["javascript:alert(1)", "https://ok.example/\r\nX: 1", "data:text/html,x", 'https://x.example/"><script>']
    world.hook("fulfillments/create", parcel(world.now, tracking_url=bad[0], tracking_urls=bad))
    world.walk(days=1)
    assert world.sink.steps() == ["thank_you", "shipped"]
    check_bytes(world)


def test_a_recipient_that_would_be_two(world: World) -> None:
    for number, mail in enumerate(["a@example.com,b@example.com", "a@example.com\r\nBcc: b@example.com", "a b@c.de",
                                   "<a@example.com>", "a@localhost", "@example.com"]):  # fmt: skip
        at = world.now - timedelta(minutes=number)
        world.hook("orders/create", order(at, 1001 + number, email=mail, contact_email=mail, customer=None))
    world.send()
    assert world.sink.mails == []
    assert {m.reason for m in world.rows(Message, step="thank_you")} <= {"no address to write to"}
