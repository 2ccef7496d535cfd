"""Payloads in Shopify's shape (version 2026-10), made up for these tests. Each call gives a fresh one to change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from schemas.events import Event, Parsed
from schemas.shopify.topics import parse

Payload = dict[str, Any]
TRIGGERED = datetime(2026, 11, 12, 10, 3, tzinfo=UTC)


def at(text: str) -> datetime:
    """`at("2026-11-12 10:00")`: a readable moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(topic: str, payload: object, triggered_at: datetime | None = TRIGGERED) -> Parsed:
    return parse(topic, json.dumps(payload).encode(), triggered_at=triggered_at)


def events(topic: str, payload: object, kind: type[Event] | None = None) -> list[Any]:
    return [event for event in read(topic, payload).events if kind is None or type(event) is kind]


def money(amount: str, presentment: str | None = None, currency: str = "KRW") -> Payload:
    shown = {"amount": presentment or amount, "currency_code": currency if presentment else "USD"}
    return {"shop_money": {"amount": amount, "currency_code": "USD"}, "presentment_money": shown}


def address(**changes: Any) -> Payload:
    return {
        "first_name": "서연", "last_name": "김", "name": "김 서연", "address1": "세종대로 110", "address2": None,
        "city": "서울", "province": None, "province_code": None, "zip": "04524", "country": "South Korea",
        "country_code": "KR", "phone": None, "company": None, "latitude": None, "longitude": None,
    } | changes  # fmt: skip


def customer(**changes: Any) -> Payload:
    return {
        "id": 7133450502397, "admin_graphql_api_id": "gid://shopify/Customer/7133450502397",
        "email": "seoyeon@example.com", "phone": None, "first_name": "서연", "last_name": "김", "state": "disabled",
        "created_at": "2026-01-03T09:00:00+09:00", "updated_at": "2026-11-12T19:01:00+09:00", "verified_email": True,
        "tax_exemptions": [], "default_address": None,
    } | changes  # fmt: skip


def line(number: int = 1, **changes: Any) -> Payload:
    return {
        "id": 13665330200000 + number, "admin_graphql_api_id": f"gid://shopify/LineItem/{13665330200000 + number}",
        "title": "Tea tin", "name": "Tea tin - Green", "variant_title": "Green", "vendor": "Hanok Tea", "quantity": 2,
        "current_quantity": 2, "requires_shipping": True, "gift_card": False, "product_id": 8074451550461,
        "variant_id": 43899491451133, "price": "12.50", "price_set": money("12.50", "17250"), "properties": [],
    } | changes  # fmt: skip


def fulfillment(**changes: Any) -> Payload:
    return {
        "id": 4900000000001, "admin_graphql_api_id": "gid://shopify/Fulfillment/4900000000001",
        "order_id": 5524199899389, "name": "#1001.1", "status": "success", "shipment_status": None,
        "created_at": "2026-11-13T10:00:00+09:00", "updated_at": "2026-11-13T10:05:00+09:00",
        "tracking_company": "CJ Logistics", "tracking_number": "6012345678", "tracking_numbers": ["6012345678"],
        "tracking_url": "https://trace.example.com/?no=6012345678",
        "tracking_urls": ["https://trace.example.com/?no=6012345678"],
        "line_items": [line(1, quantity=2)],
    } | changes  # fmt: skip


def refund(**changes: Any) -> Payload:
    return {
        "id": 929361464001, "admin_graphql_api_id": "gid://shopify/Refund/929361464001", "order_id": 5524199899389,
        "created_at": "2026-11-20T09:00:00+09:00", "processed_at": "2026-11-20T09:00:00+09:00", "transactions": [],
        "refund_line_items": [{"id": 71, "line_item_id": 13665330200001, "quantity": 1, "line_item": line(1)}],
    } | changes  # fmt: skip


def order(**changes: Any) -> Payload:
    return {
        "id": 5524199899389, "admin_graphql_api_id": "gid://shopify/Order/5524199899389", "name": "#1001",
        "order_number": 1001, "email": "seoyeon@example.com", "contact_email": "seoyeon@example.com", "phone": None,
        "created_at": "2026-11-12T19:00:30+09:00", "processed_at": "2026-11-12T19:00:00+09:00",
        "updated_at": "2026-11-12T19:01:00+09:00", "cancelled_at": None, "cancel_reason": None, "currency": "USD",
        "presentment_currency": "KRW", "total_price": "27.50", "total_price_set": money("27.50", "37950"),
        "buyer_accepts_marketing": False, "customer_locale": "ko-KR", "financial_status": "paid",
        "fulfillment_status": None, "test": False, "source_name": "web", "tags": "",
        "order_status_url": "https://hanok.example.com/1/orders/abc/authenticate?key=secret",
        "customer": customer(), "shipping_address": address(), "billing_address": address(country_code="US"),
        "line_items": [line(1), line(2, title="Gift card", gift_card=True, requires_shipping=False, quantity=1)],
        "shipping_lines": [{"id": 1, "code": "Standard", "title": "Standard", "delivery_category": None}],
        "fulfillments": [], "refunds": [],
    } | changes  # fmt: skip


def full_order() -> Payload:
    """An order with everything that an order can carry."""
    consent = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": "2026-05-01T00:00:00Z"}
    return order(
        buyer_accepts_marketing=True,
        customer=customer(phone="+821012345678", email_marketing_consent=consent, sms_marketing_consent=consent),
        fulfillments=[fulfillment()],
        refunds=[refund()],
    )


def fulfillment_event(**changes: Any) -> Payload:
    return {
        "id": 2001, "admin_graphql_api_id": "gid://shopify/FulfillmentEvent/2001", "fulfillment_id": 4900000000001,
        "order_id": 5524199899389, "status": "in_transit", "message": None, "happened_at": "2026-11-14T08:30:00+09:00",
        "created_at": "2026-11-14T08:31:00+09:00", "updated_at": "2026-11-14T08:31:00+09:00", "city": None,
    } | changes  # fmt: skip


def checkout(**changes: Any) -> Payload:
    return {
        "token": "bd5a8aa1ecd0", "cart_token": "68778783ad29", "email": "seoyeon@example.com", "phone": None,
        "created_at": "2026-11-12T18:00:00+09:00", "updated_at": "2026-11-12T18:10:00+09:00", "completed_at": None,
        "currency": "USD", "presentment_currency": "USD", "total_price": "27.50", "customer_locale": "ko",
        "abandoned_checkout_url": "https://hanok.example.com/1/checkouts/bd5a/recover?key=k", "customer": customer(),
        "line_items": [{"key": "a1", "title": "Tea tin", "quantity": 2, "price": "12.50", "variant_id": 4389}],
    } | changes  # fmt: skip


def product(**changes: Any) -> Payload:
    return {
        "id": 8074451550461, "admin_graphql_api_id": "gid://shopify/Product/8074451550461", "title": "Tea tin",
        "handle": "tea-tin", "product_type": "Tea", "vendor": "Hanok Tea", "status": "active", "tags": "green, gift",
        "published_at": "2026-01-01T00:00:00Z", "created_at": "2025-12-01T00:00:00Z",
        "updated_at": "2026-11-01T00:00:00Z", "image": {"src": "https://cdn.example.com/tea.jpg"}, "images": [],
        "variants": [
            {"id": 1, "price": "14.00", "inventory_quantity": 0, "inventory_policy": "deny"},
            {"id": 2, "price": "12.50", "inventory_quantity": 3, "inventory_policy": "deny"},
        ],
        "variant_gids": [{"admin_graphql_api_id": "gid://shopify/ProductVariant/1"},
                         {"admin_graphql_api_id": "gid://shopify/ProductVariant/2"}],
    } | changes  # fmt: skip


def shop(**changes: Any) -> Payload:
    return {
        "id": 548380009, "name": "Hanok Tea", "email": "hello@example.com", "customer_email": "help@example.com",
        "domain": "hanok.example.com", "myshopify_domain": "hanok.myshopify.com", "shop_owner": "이 도윤",
        "address1": "세종대로 110", "address2": "", "city": "서울", "province": None, "zip": "04524",
        "country_code": "KR", "currency": "KRW", "primary_locale": "ko", "iana_timezone": "Asia/Seoul",
        "phone": "02-123-4567", "updated_at": "2026-11-01T00:00:00Z",
    } | changes  # fmt: skip


def privacy(**changes: Any) -> Payload:
    return {
        "shop_id": 548380009, "shop_domain": "hanok.myshopify.com",
        "customer": {"id": 7133450502397, "email": "seoyeon@example.com", "phone": None},
    } | changes  # fmt: skip


def email_consent(state: str | None = "subscribed", **changes: Any) -> Payload:
    consent = {"state": state, "opt_in_level": None, "consent_updated_at": "2026-11-12T19:02:00+09:00"}
    told = {"customer_id": 7133450502397, "email_address": "seoyeon@example.com", "email_marketing_consent": consent}
    return told | changes


def sms_consent(state: str | None = "subscribed", **changes: Any) -> Payload:
    consent = {"state": state, "opt_in_level": None, "consent_updated_at": "2026-11-12T19:02:00+09:00"}
    return {"id": 7133450502397, "phone": "+821012345678", "sms_marketing_consent": consent} | changes


def edited() -> Payload:
    deltas = {"additions": [{"id": 31, "delta": 1}], "removals": [{"id": 13665330200001, "delta": 1}]}
    return {"order_edit": {"id": 88, "order_id": 5524199899389, "created_at": "2026-11-12T20:00:00+09:00",
                           "committed_at": "2026-11-12T20:01:00+09:00", "line_items": deltas}}  # fmt: skip


def merge(status: str = "completed") -> Payload:
    return {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1", "status": status, "errors": [],
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2"}  # fmt: skip


def one_of_each() -> dict[str, Payload]:
    """A good payload for every topic."""
    whole = ("create", "paid", "updated", "cancelled", "fulfilled", "partially_fulfilled")
    return {f"orders/{word}": full_order() for word in whole} | {
        "orders/edited": edited(),
        "orders/delete": {"id": 5524199899389},
        "fulfillments/create": fulfillment(),
        "fulfillments/update": fulfillment(),
        "fulfillment_events/create": fulfillment_event(status="delivered"),
        "refunds/create": refund(),
        "customers/create": customer(),
        "customers/update": customer(accepts_marketing=True),
        "customers/delete": {"id": 7133450502397, "phone": None, "addresses": []},
        "customers/merge": merge(),
        "customers_email_marketing_consent/update": email_consent(),
        "customers_marketing_consent/update": sms_consent(),
        "checkouts/create": checkout(),
        "checkouts/update": checkout(),
        "checkouts/delete": {"token": "bd5a8aa1ecd0"},
        "products/create": product(),
        "products/update": product(),
        "products/delete": {"id": 8074451550461},
        "shop/update": shop(),
        "app/uninstalled": shop(),
        "app/scopes_update": {
            "id": 1,
            "previous": [],
            "current": ["read_orders"],
            "updated_at": "2026-11-01T00:00:00Z",
        },
        "customers/data_request": privacy(orders_requested=[299938], data_request={"id": 9999}),
        "customers/redact": privacy(orders_to_redact=[299938]),
        "shop/redact": {"shop_id": 548380009, "shop_domain": "hanok.myshopify.com"},
    }
