"""The entrance: a webhook's topic and body to events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas.events import Parsed
from schemas.fields import clean_text, to_utc
from schemas.shopify import app, checkouts, customers, fulfillments, orders, privacy, products, refunds, shop
from schemas.shopify.base import Payload, Rejected, reject

__all__ = ["TOPICS", "Rejected", "parse", "read_object"]

Parser = Callable[[Payload, datetime | None], Parsed]

TOPICS: dict[str, Parser] = {
    "orders/create": orders.parse_order,
    "orders/paid": orders.parse_order,
    "orders/updated": orders.parse_order,
    "orders/cancelled": orders.parse_cancelled,
    "orders/fulfilled": orders.parse_order,
    "orders/partially_fulfilled": orders.parse_order,
    "orders/edited": orders.parse_edited,
    "orders/delete": orders.parse_deleted,
    "fulfillments/create": fulfillments.parse_fulfillment,
    "fulfillments/update": fulfillments.parse_fulfillment,
    "fulfillment_events/create": fulfillments.parse_fulfillment_event,
    "refunds/create": refunds.parse_refund,
    "customers/create": customers.parse_customer,
    "customers/update": customers.parse_customer,
    "customers/delete": customers.parse_deleted,
    "customers/merge": customers.parse_merge,
    "customers_email_marketing_consent/update": customers.parse_email_consent,
    "customers_marketing_consent/update": customers.parse_sms_consent,
    "checkouts/create": checkouts.parse_checkout,
    "checkouts/update": checkouts.parse_checkout,
    "checkouts/delete": checkouts.parse_deleted,
    "products/create": products.parse_product,
    "products/update": products.parse_product,
    "products/delete": products.parse_deleted,
    "shop/update": shop.parse_shop,
    "app/uninstalled": app.parse_uninstalled,
    "app/scopes_update": app.parse_scopes,
    "customers/data_request": privacy.parse_data_request,
    "customers/redact": privacy.parse_customer_redact,
    "shop/redact": privacy.parse_shop_redact,
}


def parse(topic: str, body: bytes, *, triggered_at: datetime | None) -> Parsed:
    """What a delivery says. `topic` is the header's ("orders/create"), `triggered_at` the moment that the header names.

    An unknown topic gives no events and a reason. Raises Rejected when a known topic's body is not JSON, not an object,
    or refused by its schema; nothing else is raised, whatever the body.
    """
    parser = TOPICS.get(topic)
    if parser is None:
        return Parsed((), f"topic not used by Dasi: {clean_text(topic, 100)}")
    return parser(read_object(body), to_utc(triggered_at) if triggered_at else None)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, with whole numbers read exactly. Raises Rejected."""
    try:
        payload = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # also: not UTF-8, a number of thousands of digits, nesting without end
        raise reject("payload", "is not JSON.") from None
    if not isinstance(payload, dict):
        raise reject("payload", "is not an object.")
    return payload


def _no_constant(name: str) -> None:
    """NaN and Infinity are not JSON, though Python's parser takes them."""
    raise ValueError(name)
