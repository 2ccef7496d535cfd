"""Webhooks in Shopify's shape (2026-10), made up: an order of about 11 kB, and the ten webhooks of an order's life."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.harness import SECRET

Payload = dict[str, Any]
SHOP = "bench.myshopify.com"
LINES = 4


@dataclass(frozen=True, slots=True)
class Hook:
    topic: str
    webhook_id: str
    triggered_at: datetime
    body: bytes

    def headers(self, shop: str = SHOP) -> dict[str, str]:
        signature = base64.b64encode(hmac.digest(SECRET.encode(), self.body, hashlib.sha256)).decode()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": shop,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Event-Id": f"event-{self.webhook_id}",
            "X-Shopify-Triggered-At": iso(self.triggered_at),
        }

    def request(self, shop: str = SHOP) -> bytes:
        """The whole HTTP request, ready to be written to a socket."""
        lines = [f"{name}: {value}\r\n" for name, value in self.headers(shop).items()]
        head = f"POST /webhooks/shopify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(self.body)}\r\n"
        return (head + "".join(lines) + "\r\n").encode() + self.body


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def hook(topic: str, webhook_id: str, at: datetime, payload: Payload) -> Hook:
    return Hook(topic, webhook_id, at, json.dumps(payload, separators=(",", ":")).encode())


def new_order(number: int, at: datetime) -> Hook:
    return hook("orders/create", f"create-{number}", at, order(number, at))


def life(number: int, at: datetime) -> Iterator[Hook]:
    """The ten webhooks of one order, in order: placed, paid, shipped, on its way, delivered five days later."""
    shipped, arrived = at + timedelta(days=1), at + timedelta(days=5)
    minute = timedelta(minutes=1)
    done = {"fulfillment_status": "fulfilled", "updated_at": iso(shipped), "fulfillments": [parcel(number, shipped)]}

    def made(index: int, topic: str, moment: datetime, payload: Payload) -> Hook:
        return hook(topic, f"life-{number}-{index}", moment, payload)

    yield made(0, "orders/create", at, order(number, at))
    yield made(1, "orders/paid", at, order(number, at))
    yield made(2, "orders/updated", at + minute, order(number, at, updated_at=iso(at + minute), tags="first"))
    yield made(3, "fulfillments/create", shipped, parcel(number, shipped, tracking_number=None, tracking_numbers=[]))
    yield made(4, "fulfillments/update", shipped + minute, parcel(number, shipped, updated_at=iso(shipped + minute)))
    yield made(5, "orders/fulfilled", shipped, order(number, at, **done))
    for index, status in enumerate(("in_transit", "out_for_delivery", "delivered")):
        moment = arrived - timedelta(hours=6 * (2 - index))
        yield made(6 + index, "fulfillment_events/create", moment, word(number, index, status, moment))
    last = parcel(number, shipped, updated_at=iso(arrived + minute), shipment_status="delivered")
    yield made(9, "orders/updated", arrived + minute,
               order(number, at, **done | {"updated_at": iso(arrived + minute), "fulfillments": [last]}))  # fmt: skip


def order(number: int, at: datetime, **changes: Any) -> Payload:
    moment = iso(at)
    return {
        "id": 5_000_000_000 + number, "admin_graphql_api_id": f"gid://shopify/Order/{5_000_000_000 + number}",
        "app_id": 580111, "browser_ip": "203.0.113.7", "buyer_accepts_marketing": number % 3 == 0,
        "cancel_reason": None, "cancelled_at": None, "cart_token": f"c1-{number:032x}", "checkout_id": 300_000 + number,
        "checkout_token": f"{number:032x}", "client_details": {
            "accept_language": "en-GB,en;q=0.9", "browser_height": None, "browser_ip": "203.0.113.7",
            "browser_width": None, "session_hash": None,
            "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari"},
        "closed_at": None, "confirmation_number": f"K{number:08d}", "confirmed": True, "contact_email": mail(number),
        "created_at": moment, "currency": "EUR", "current_shipping_price_set": money("4.90"),
        "current_subtotal_price": "100.00", "current_subtotal_price_set": money("100.00"),
        "current_total_additional_fees_set": None, "current_total_discounts": "0.00",
        "current_total_discounts_set": money("0.00"), "current_total_duties_set": None,
        "current_total_price": "104.90", "current_total_price_set": money("104.90"), "current_total_tax": "16.75",
        "current_total_tax_set": money("16.75"), "customer_locale": "en", "device_id": None, "discount_codes": [],
        "duties_included": False, "email": mail(number), "estimated_taxes": False, "financial_status": "paid",
        "fulfillment_status": None, "landing_site": f"/products/green-tea?utm_source=letter&session={number:024x}",
        "landing_site_ref": None, "location_id": None, "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None, "name": f"#{number}", "note": None, "note_attributes": [],
        "number": number, "order_number": number,
        "order_status_url": f"https://bench.example/60000/orders/{number:032x}/authenticate?key={number * 7:032x}",
        "original_total_additional_fees_set": None, "original_total_duties_set": None,
        "payment_gateway_names": ["shopify_payments"], "phone": None, "po_number": None, "presentment_currency": "EUR",
        "processed_at": moment, "reference": None, "referring_site": "https://search.example/",
        "source_identifier": None,
        "source_name": "web", "source_url": None, "subtotal_price": "100.00", "subtotal_price_set": money("100.00"),
        "tags": "", "tax_exempt": False, "tax_lines": [tax("16.75")], "taxes_included": True, "test": False,
        "token": f"{number:032x}", "total_cash_rounding_payment_adjustment_set": money("0.00"),
        "total_cash_rounding_refund_adjustment_set": money("0.00"), "total_discounts": "0.00",
        "total_discounts_set": money("0.00"), "total_line_items_price": "100.00",
        "total_line_items_price_set": money("100.00"), "total_outstanding": "0.00", "total_price": "104.90",
        "total_price_set": money("104.90"), "total_shipping_price_set": money("4.90"), "total_tax": "16.75",
        "total_tax_set": money("16.75"), "total_tip_received": "0.00", "total_weight": 1000, "updated_at": moment,
        "user_id": None, "billing_address": address(number), "customer": customer(number, moment),
        "discount_applications": [], "fulfillments": [], "line_items": [line(number, i) for i in range(LINES)],
        "payment_terms": None, "refunds": [], "shipping_address": address(number),
        "shipping_lines": [{
            "id": 4_000_000 + number, "carrier_identifier": None, "code": "Standard", "discounted_price": "4.90",
            "discounted_price_set": money("4.90"), "is_removed": False, "phone": None, "price": "4.90",
            "price_set": money("4.90"), "requested_fulfillment_service_id": None, "source": "shopify",
            "title": "Standard", "tax_lines": [tax("0.78")], "discount_allocations": []}],
        "returns": [], "line_item_groups": [],
    } | changes  # fmt: skip


def line(number: int, index: int) -> Payload:
    line_id = number * 10 + index
    product = 700 + (number * 7 + index * 13) % 60
    return {
        "id": line_id, "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "attributed_staffs": [], "current_quantity": 1, "fulfillable_quantity": 1, "fulfillment_service": "manual",
        "fulfillment_status": None, "gift_card": False, "grams": 250, "name": f"Green tea {product} - 250 g",
        "pre_tax_price": "21.01", "pre_tax_price_set": money("21.01"), "price": "25.00", "price_set": money("25.00"),
        "product_exists": True, "product_id": product, "properties": [], "quantity": 1, "requires_shipping": True,
        "sales_line_item_group_id": None, "sku": f"TEA-{product}-250", "taxable": True, "title": f"Green tea {product}",
        "total_discount": "0.00", "total_discount_set": money("0.00"), "variant_id": product * 10,
        "variant_inventory_management": "shopify", "variant_title": "250 g", "vendor": "Bench Tea",
        "tax_lines": [tax("3.99")], "duties": [], "discount_allocations": [],
    }  # fmt: skip


def parcel(number: int, at: datetime, **changes: Any) -> Payload:
    code = f"JJD{number:014d}"
    return {
        "id": 6_000_000 + number, "admin_graphql_api_id": f"gid://shopify/Fulfillment/{6_000_000 + number}",
        "order_id": 5_000_000_000 + number, "name": f"#{number}.1", "status": "success", "shipment_status": None,
        "created_at": iso(at), "updated_at": iso(at), "service": "manual", "location_id": 1, "receipt": {},
        "origin_address": None, "destination": address(number), "email": mail(number), "tracking_company": "DHL",
        "tracking_number": code, "tracking_numbers": [code], "tracking_url": f"https://track.example/{code}",
        "tracking_urls": [f"https://track.example/{code}"], "line_items": [line(number, i) for i in range(LINES)],
    } | changes  # fmt: skip


def word(number: int, index: int, status: str, at: datetime) -> Payload:
    event_id = number * 10 + index
    return {
        "id": event_id, "admin_graphql_api_id": f"gid://shopify/FulfillmentEvent/{event_id}", "shop_id": 60000,
        "order_id": 5_000_000_000 + number, "fulfillment_id": 6_000_000 + number, "status": status, "message": None,
        "happened_at": iso(at), "created_at": iso(at), "updated_at": iso(at), "city": "Berlin", "country": "Germany",
    }  # fmt: skip


def customer(number: int, moment: str) -> Payload:
    """Every fifth order is by a customer who also placed the one before."""
    person = person_of(number)
    return {
        "id": 900_000 + person, "admin_graphql_api_id": f"gid://shopify/Customer/{900_000 + person}",
        "created_at": moment, "updated_at": moment, "first_name": "Jane", "last_name": f"Doe {person}",
        "state": "disabled", "note": None, "verified_email": True, "multipass_identifier": None, "tax_exempt": False,
        "email": mail(number), "phone": None, "currency": "EUR", "tax_exemptions": [],
        "default_address": address(number) | {"id": 800_000 + person, "customer_id": 900_000 + person, "default": True},
    }  # fmt: skip


def person_of(number: int) -> int:
    return number - 1 if number % 5 == 0 else number


def mail(number: int) -> str:
    return f"jane.doe.{person_of(number)}@customers.example"


def address(number: int) -> Payload:
    return {
        "first_name": "Jane", "last_name": f"Doe {person_of(number)}", "name": f"Jane Doe {person_of(number)}",
        "address1": f"Unter den Linden {number % 90 + 1}", "address2": None, "company": None, "city": "Berlin",
        "zip": "10117", "province": None, "province_code": None, "country": "Germany", "country_code": "DE",
        "phone": None, "latitude": 52.5169, "longitude": 13.3889,
    }  # fmt: skip


def money(amount: str) -> Payload:
    side = {"amount": amount, "currency_code": "EUR"}
    return {"shop_money": side, "presentment_money": side}


def tax(amount: str) -> Payload:
    return {"price": amount, "rate": 0.19, "title": "DE VAT", "channel_liable": False, "price_set": money(amount)}
