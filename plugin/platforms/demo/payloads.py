"""What the demo shop tells, in the shapes of Shopify's webhooks (API version 2026-10)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from plugin.platforms.demo import catalogue
from plugin.platforms.demo.catalogue import DemoProduct

Payload = dict[str, Any]
TRACKING = "{public_url}/demo/shop/track/{number}"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def money(won: int) -> Payload:
    """A money bag: the shop and its customers all count in won."""
    side = {"amount": str(won), "currency_code": catalogue.CURRENCY}
    return {"shop_money": side, "presentment_money": dict(side)}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def shop(at: datetime) -> Payload:
    return {
        "id": 7_400_001, "name": catalogue.NAME, "email": catalogue.EMAIL, "customer_email": catalogue.EMAIL,
        "phone": catalogue.PHONE, "domain": catalogue.STOREFRONT, "myshopify_domain": catalogue.DOMAIN,
        "shop_owner": "Han Soyeon", "address1": "12 Pirun-daero 5-gil", "address2": "Jongno-gu", "city": "Seoul",
        "province": "Seoul", "zip": "03039", "country": "KR", "country_code": "KR", "currency": catalogue.CURRENCY,
        "primary_locale": "en", "iana_timezone": catalogue.TIMEZONE, "updated_at": iso(at),
    }  # fmt: skip


def product(item: DemoProduct, image_url: str, at: datetime) -> Payload:
    return {
        "id": item.id, "admin_graphql_api_id": gid("Product", item.id), "title": item.title, "handle": item.handle,
        "product_type": item.kind, "vendor": "Ondo", "status": "active", "tags": "", "created_at": iso(at),
        "updated_at": iso(at), "published_at": iso(at), "image": {"src": image_url, "alt": item.title},
        "images": [{"src": image_url, "alt": item.title}], "variant_gids": [],
        "variants": [{
            "id": item.variant_id, "admin_graphql_api_id": gid("ProductVariant", item.variant_id),
            "product_id": item.id, "title": "Default Title", "price": f"{item.price}.00", "inventory_policy": "deny",
            "inventory_management": None if item.digital else "shopify", "inventory_quantity": item.stock,
        }],
    }  # fmt: skip


def person(full_name: str, language: str, at: datetime) -> Payload:
    """A customer. The same name is the same customer, with an address under example.com."""
    first, last = split_name(full_name, language)
    slug = "".join(mark if mark.isascii() and mark.isalnum() else "." for mark in full_name.lower()).strip(".")
    key = zlib.crc32(full_name.encode())
    plain = ".".join(filter(None, slug.split(".")))[:40]
    local = catalogue.ROMANISED.get(full_name) or plain or f"guest-{key:08x}"
    number = 6_000_000_000 + key
    return {
        "id": number, "admin_graphql_api_id": gid("Customer", number), "first_name": first, "last_name": last or None,
        "email": f"{local}@example.com", "phone": None, "state": "disabled", "currency": catalogue.CURRENCY,
        "created_at": iso(at), "updated_at": iso(at), "verified_email": True,
    }  # fmt: skip


def split_name(full_name: str, language: str) -> tuple[str, str]:
    """(given, family). Korean puts the family first, often without a space."""
    parts = full_name.split()
    if language == "ko" and len(parts) == 1 and 2 <= len(full_name) <= 4:
        return full_name[1:], full_name[0]
    if language == "ko" and len(parts) > 1:
        return " ".join(parts[1:]), parts[0]
    return (parts[0], " ".join(parts[1:])) if parts else ("", "")


def line(number: int, item: DemoProduct, quantity: int) -> Payload:
    return {
        "id": number, "admin_graphql_api_id": gid("LineItem", number), "product_id": item.id, "product_exists": True,
        "variant_id": item.variant_id, "title": item.title, "name": item.title, "variant_title": None, "vendor": "Ondo",
        "quantity": quantity, "current_quantity": quantity, "fulfillable_quantity": quantity,
        "fulfillment_status": None, "requires_shipping": not item.digital, "gift_card": False, "taxable": True,
        "price": str(item.price), "price_set": money(item.price), "total_discount": "0", "properties": [],
    }  # fmt: skip


def order(
    number: int, name: str, customer: Payload, language: str, lines: list[Payload], at: datetime, *,
    newsletter: bool, status_url: str, note: str | None = None,
) -> Payload:  # fmt: skip
    subtotal = sum(int(item["price"]) * item["quantity"] for item in lines)
    fee = catalogue.SHIPPING_FEE if any(item["requires_shipping"] for item in lines) else 0
    address = catalogue.ADDRESSES[language] | {
        "first_name": customer["first_name"], "last_name": customer["last_name"], "phone": None,
    }  # fmt: skip
    total = money(subtotal + fee)
    return {
        "id": number, "admin_graphql_api_id": gid("Order", number), "name": name, "order_number": int(name[1:]),
        "created_at": iso(at), "processed_at": iso(at), "updated_at": iso(at), "cancelled_at": None,
        "cancel_reason": None, "closed_at": None, "confirmed": True, "test": False, "source_name": "web",
        "currency": catalogue.CURRENCY, "presentment_currency": catalogue.CURRENCY, "taxes_included": True,
        "email": customer["email"], "contact_email": customer["email"], "phone": None,
        "buyer_accepts_marketing": newsletter, "customer_locale": catalogue.LOCALES[language],
        "financial_status": "paid", "fulfillment_status": None, "order_status_url": status_url, "tags": "",
        "note": note,
        "subtotal_price": str(subtotal), "total_price": str(subtotal + fee), "total_price_set": total,
        "current_total_price": str(subtotal + fee), "current_total_price_set": total, "customer": customer,
        "shipping_address": address if fee else None, "billing_address": address, "line_items": lines,
        "shipping_lines": [{"title": "Standard", "code": "standard", "price": str(fee)}] if fee else [],
        "fulfillments": [], "refunds": [],
    }  # fmt: skip


def tracking(carrier: str | None, number: str | None, public_url: str) -> Payload:
    url = TRACKING.format(public_url=public_url, number=number) if number else None
    return {
        "tracking_company": carrier, "tracking_number": number, "tracking_url": url,
        "tracking_numbers": [number] if number else [], "tracking_urls": [url] if url else [],
    }  # fmt: skip


def fulfillment(number: int, of: Payload, lines: Iterable[Payload], at: datetime) -> Payload:
    """A parcel with everything that is left of `lines`; the tracking comes from `tracking`."""
    index = len(of["fulfillments"]) + 1
    return {
        "id": number, "admin_graphql_api_id": gid("Fulfillment", number), "order_id": of["id"], "status": "success",
        "name": f"{of['name']}.{index}", "created_at": iso(at), "updated_at": iso(at), "service": "manual",
        "shipment_status": None, "email": of["email"], "destination": of["shipping_address"],
        "line_items": [item | {"quantity": item["fulfillable_quantity"]} for item in lines],
    }  # fmt: skip


def fulfillment_event(number: int, parcel: Payload, status: str, at: datetime) -> Payload:
    return {
        "id": number, "admin_graphql_api_id": gid("FulfillmentEvent", number), "fulfillment_id": parcel["id"],
        "order_id": parcel["order_id"], "status": status, "message": None, "happened_at": iso(at),
        "created_at": iso(at), "updated_at": iso(at), "estimated_delivery_at": None,
    }  # fmt: skip


def refund(number: int, of: Payload, items: list[tuple[int, Payload]], at: datetime) -> Payload:
    """All that is left of the given lines, money included. `items`: (refund line id, line)."""
    return {
        "id": number, "admin_graphql_api_id": gid("Refund", number), "order_id": of["id"], "created_at": iso(at),
        "processed_at": iso(at), "note": None, "restock": True,
        "refund_line_items": [
            {
                "id": refund_line, "line_item_id": item["id"], "quantity": item["current_quantity"],
                "restock_type": "return", "subtotal": int(item["price"]) * item["current_quantity"], "line_item": item,
            }
            for refund_line, item in items
        ],
        "transactions": [],
    }  # fmt: skip
