"""Orders, with their parcels, carrier events and refunds, from the GraphQL Admin API to events.

The fields are those of the fragments OrderParts and ParcelParts (plugin/platforms/shopify/documents). Source: Shopify's
2026-10 schema; how its enums and the webhooks' words pair: the webhook samples and the enums' descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.events import Event, ParcelDelivered
from schemas.fields import moment_of
from schemas.shopify.admin.nodes import Node, Payload, nodes, number, part, unwrap, word
from schemas.shopify.base import needed, reject
from schemas.shopify.fulfillments import parse_fulfillment_event
from schemas.shopify.orders import parse_order

# What the carrier said; the rest of FulfillmentDisplayStatus speaks of the fulfilment itself and is null in webhooks.
_CARRIER = frozenset({
    "attempted_delivery", "carrier_picked_up", "confirmed", "delayed", "delivered", "failure", "in_transit",
    "label_printed", "label_purchased", "out_for_delivery", "picked_up", "ready_for_pickup",
})  # fmt: skip
_FULFILLED = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "RESTOCKED": "restocked"}
SAID_WITH_THE_PARCEL = "delivered_at"  # the id of a delivery that is told without an event of its own


def order_events(node: Node) -> tuple[Event, ...]:
    """Of one order: those of its webhook (`orders/updated`), then those of its parcels' carrier events.

    Raises Rejected.
    """
    events = unwrap(parse_order(order_payload(node), None))
    order_id = number(node.get("id"), "Order")
    return events + tuple(
        event for parcel in nodes(node.get("fulfillments")) for event in tracking_events(parcel, order_id)
    )


def tracking_events(parcel: Node, order_id: str | None) -> tuple[Event, ...]:
    """What the carrier said of one parcel. Raises Rejected."""
    parcel_id = number(parcel.get("id"), "Fulfillment")
    told = unwrap(
        parse_fulfillment_event(
            {
                "admin_graphql_api_id": event.get("id"),
                "order_id": order_id,
                "fulfillment_id": parcel_id,
                "status": word(event.get("status")),
                "happened_at": event.get("happenedAt"),
                "created_at": event.get("createdAt"),
            },
            None,
        )
        for event in nodes(parcel.get("events"))
    )
    if any(isinstance(event, ParcelDelivered) for event in told):
        return told
    try:
        delivered_at = moment_of(parcel.get("deliveredAt"))
    except ValueError:  # not delivered, or not told when
        return told
    delivered = ParcelDelivered(
        order_id=needed(order_id, "id"),
        parcel_id=needed(parcel_id, "fulfillments.id"),
        event_id=SAID_WITH_THE_PARCEL,
        status="delivered",
        happened_at=delivered_at,
    )
    return (*told, delivered)


def order_payload(node: Node) -> Payload:
    """The order as its webhook would tell of it. Raises Rejected for a node without an id."""
    if number(node.get("id"), "Order") is None:
        raise reject("id", "is missing.")
    return {
        "admin_graphql_api_id": node.get("id"),
        "name": node.get("name"),
        "created_at": node.get("createdAt"),
        "processed_at": node.get("processedAt"),
        "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"),
        "cancel_reason": word(node.get("cancelReason")),
        "total_price_set": _money(node.get("totalPriceSet")),
        "email": node.get("email"),
        "phone": node.get("phone"),
        "buyer_accepts_marketing": bool(node.get("customerAcceptsMarketing")),
        "customer_locale": node.get("customerLocale"),
        "financial_status": word(node.get("displayFinancialStatus")),
        "fulfillment_status": _FULFILLED.get(str(node.get("displayFulfillmentStatus"))),
        "test": bool(node.get("test")),
        "source_name": node.get("sourceName"),
        "order_status_url": node.get("statusPageUrl"),
        "customer": _customer(node.get("customer")),
        "shipping_address": _address(node.get("shippingAddress")),
        "billing_address": _address(node.get("billingAddress")),
        "line_items": [_line(line) for line in nodes(node.get("lineItems"))],
        "shipping_lines": [
            {"code": line.get("code"), "title": line.get("title"), "delivery_category": line.get("deliveryCategory")}
            for line in nodes(node.get("shippingLines"))
        ],
        "fulfillments": [_parcel(parcel) for parcel in nodes(node.get("fulfillments"))],
        "refunds": [_refund(refund) for refund in nodes(node.get("refunds"))],
        "discount_codes": [{"code": code} for code in node.get("discountCodes") or ()],
    }


def _customer(customer: Any) -> Payload | None:
    if not customer:
        return None
    return {
        "admin_graphql_api_id": part(customer, "id"),
        "email": part(customer, "defaultEmailAddress", "emailAddress"),
        "phone": part(customer, "defaultPhoneNumber", "phoneNumber"),
        "first_name": part(customer, "firstName"),
        "last_name": part(customer, "lastName"),
        "updated_at": part(customer, "updatedAt"),
    }


def _address(address: Any) -> Payload | None:
    if not address:
        return None
    same = ("name", "address1", "address2", "city", "province", "zip")
    return {
        **{name: part(address, name) for name in same},
        "first_name": part(address, "firstName"),
        "last_name": part(address, "lastName"),
        "country_code": part(address, "countryCodeV2"),
    }


def _line(line: Node) -> Payload:
    return {
        "admin_graphql_api_id": line.get("id"),
        "title": line.get("title"),
        "name": line.get("name"),
        "quantity": line.get("quantity"),
        "current_quantity": line.get("currentQuantity"),
        "requires_shipping": line.get("requiresShipping"),
        "product_id": number(part(line, "product", "id"), "Product"),
        "variant_id": number(part(line, "variant", "id"), "ProductVariant"),
        "variant_title": line.get("variantTitle"),
        "vendor": line.get("vendor"),
        "gift_card": bool(line.get("isGiftCard")),
        "price_set": _money(line.get("originalUnitPriceSet")),
    }


def _parcel(parcel: Node) -> Payload:
    tracking = nodes(parcel.get("trackingInfo"))
    shown = word(parcel.get("displayStatus"))
    return {
        "admin_graphql_api_id": parcel.get("id"),
        "name": parcel.get("name"),
        "status": word(parcel.get("status")),
        "shipment_status": "failure" if shown == "not_delivered" else shown if shown in _CARRIER else None,
        "created_at": parcel.get("createdAt"),
        "updated_at": parcel.get("updatedAt"),
        "tracking_company": next((info["company"] for info in tracking if info.get("company")), None),
        "tracking_numbers": [info["number"] for info in tracking if info.get("number")],
        "tracking_urls": [info["url"] for info in tracking if info.get("url")],
        "line_items": list(_referred(parcel.get("fulfillmentLineItems"))),
    }


def _referred(lines: Any) -> Iterator[Payload]:
    for line in nodes(lines):
        yield {"admin_graphql_api_id": part(line, "lineItem", "id"), "quantity": line.get("quantity")}


def _refund(refund: Node) -> Payload:
    return {
        "admin_graphql_api_id": refund.get("id"),
        "created_at": refund.get("createdAt"),
        "processed_at": refund.get("processedAt"),
        "refund_line_items": [
            {"quantity": line["quantity"], "line_item": {"admin_graphql_api_id": line["admin_graphql_api_id"]}}
            for line in _referred(refund.get("refundLineItems"))
        ],
    }


def _money(money: Any) -> Payload | None:
    side = part(money, "presentmentMoney")
    if not side:
        return None
    return {"presentment_money": {"amount": part(side, "amount"), "currency_code": part(side, "currencyCode")}}
