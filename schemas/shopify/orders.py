"""Orders: create, paid, updated, cancelled, fulfilled and partially_fulfilled carry a whole order; edited and delete.

A whole order tells at once of its parcels, its refunds, its customer and the checkbox of its checkout, so every one of
these topics gives all of those events. Each snapshot keeps its own version; a part without one has the order's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from schemas.events import (
    Channel,
    ConsentChanged,
    ConsentSource,
    ConsentState,
    Event,
    Money,
    OrderDeleted,
    OrderEdited,
    OrderPlaced,
    Parsed,
)
from schemas.fields import (
    Blankable,
    CurrencyCode,
    Email,
    Flag,
    Locale,
    Moment,
    Part,
    Phone,
    PlatformId,
    Quantity,
    Text,
    WebUrl,
    Word,
    clean_text,
)
from schemas.money import money_of
from schemas.shopify.base import (
    AddressSchema,
    Data,
    Gid,
    MoneySet,
    Payload,
    PayloadSchema,
    address_of,
    first_moment,
    identity,
    load,
    needed,
    reject,
)
from schemas.shopify.customers import CustomerSchema, customer_seen, told_consents
from schemas.shopify.fulfillments import FulfillmentSchema, parcel
from schemas.shopify.lines import LineSchema, Raw, line_pairs, order_lines
from schemas.shopify.pickup import ShippingLineSchema, is_pickup
from schemas.shopify.refunds import RefundSchema, refund

MAX_CODE, MAX_CODES = 255, 100  # what Shopify lets a code be long, and more than any order has of them


class Codes(Blankable):
    """`[{"code": "TENOFF", "amount": "10.00", …}]`: the codes, each once, sorted; what has another shape is dropped."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> tuple[str, ...]:
        return self.read(value)

    def read(self, value: Any) -> tuple[str, ...]:
        told = [row.get("code") for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
        codes = {clean_text(code, MAX_CODE) for code in told[:MAX_CODES] if isinstance(code, str)}
        return tuple(sorted(codes - {""}))


class OrderSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Order")
    name = Text(100)
    order_number = Text(32)
    created_at = Moment()
    processed_at = Moment()
    updated_at = Moment(lenient=True)
    cancelled_at = Moment()
    cancel_reason = Word()
    currency = CurrencyCode()
    total_price = Raw()
    total_price_set = MoneySet()
    email = Email()
    contact_email = Email()
    phone = Phone()
    buyer_accepts_marketing = Flag()
    customer_locale = Locale()
    financial_status = Word()
    fulfillment_status = Word()
    test = Flag()
    source_name = Text(64)
    order_status_url = WebUrl(inside="order_status_url")
    customer = Part(CustomerSchema)
    shipping_address = Part(AddressSchema)
    billing_address = Part(AddressSchema)
    line_items = Part(LineSchema, many=True)
    shipping_lines = Part(ShippingLineSchema, many=True)
    fulfillments = Part(FulfillmentSchema, many=True)
    refunds = Part(RefundSchema, many=True)
    discount_codes = Codes()


class DeltaSchema(PayloadSchema):
    id = PlatformId()
    delta = Quantity()


class DeltasSchema(PayloadSchema):
    additions = Part(DeltaSchema, many=True)
    removals = Part(DeltaSchema, many=True)


class EditSchema(PayloadSchema):
    id = PlatformId()
    order_id = PlatformId()
    committed_at = Moment()
    created_at = Moment(lenient=True)
    line_items = Part(DeltasSchema)


class EditedSchema(PayloadSchema):
    order_edit = Part(EditSchema)


class DeletedOrderSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Order")


ORDER = OrderSchema()
EDITED = EditedSchema()
DELETED = DeletedOrderSchema()


def parse_order(payload: Payload, triggered_at: datetime | None) -> Parsed:
    """A whole order: the order, its parcels and refunds, the customer, and the words of consent, in this order."""
    data = load(ORDER, payload)
    order = order_placed(data, triggered_at)
    events: list[Event] = [order]
    for at, told in enumerate(data["fulfillments"]):
        events.append(parcel(told, order.order_id, order.updated_at, f"fulfillments.{at}."))
    for at, told in enumerate(data["refunds"]):
        events.append(refund(told, order.order_id, order.updated_at, f"refunds.{at}."))
    customer = data["customer"]
    seen = customer_seen(customer, order.updated_at, order.locale) if customer else None
    if seen:
        events += [seen, *told_consents(customer, seen.customer_id)]
    if data["buyer_accepts_marketing"] and order.email:
        events.append(
            ConsentChanged(
                channel=Channel.EMAIL,
                address=order.email,
                state=ConsentState.SUBSCRIBED,
                source=ConsentSource.CHECKBOX,
                at=order.placed_at,
                customer_id=order.customer_id,
            )
        )
    return Parsed(tuple(events))


def parse_cancelled(payload: Payload, triggered_at: datetime | None) -> Parsed:
    """As `parse_order`; the topic itself says that the order is cancelled, should the payload leave out when."""
    parsed = parse_order(payload, triggered_at)
    order, *rest = parsed.events
    if isinstance(order, OrderPlaced) and order.cancelled_at is None:
        order = replace(order, cancelled_at=order.updated_at)
    return Parsed((order, *rest))


def order_placed(data: Data, triggered_at: datetime | None) -> OrderPlaced:
    """A loaded order. Raises Rejected when it has no id, no moment, no total, or a line without id or quantity."""
    order_id = needed(identity(data), "id")
    placed_at = first_moment("created_at", data["processed_at"], data["created_at"], triggered_at)
    customer = data["customer"]
    if customer and identity(customer) is None:
        customer = None
    shipping, billing = address_of(data["shipping_address"]), address_of(data["billing_address"])
    first_name, last_name = person_name(customer, data["shipping_address"], data["billing_address"])
    return OrderPlaced(
        order_id=order_id,
        name=data["name"] or f"#{data['order_number'] or order_id}",
        placed_at=placed_at,
        updated_at=data["updated_at"] or triggered_at or data["created_at"] or placed_at,
        lines=order_lines(data["line_items"], data["currency"]),
        total=order_total(data),
        customer_id=identity(customer) if customer else None,
        email=data["email"] or data["contact_email"] or (customer and customer["email"]) or None,
        phone=data["phone"] or (customer and customer["phone"]) or None,
        first_name=first_name,
        last_name=last_name,
        locale=data["customer_locale"],
        shipping_address=shipping,
        country_code=next((at.country_code for at in (shipping, billing) if at and at.country_code), None),
        financial_status=data["financial_status"],
        fulfillment_status=data["fulfillment_status"],
        cancelled_at=data["cancelled_at"],
        cancel_reason=data["cancel_reason"],
        test=data["test"],
        source_name=data["source_name"],
        pickup=is_pickup(data["shipping_lines"]),
        order_status_url=data["order_status_url"],
        discount_codes=data["discount_codes"],
    )


def order_total(data: Data) -> Money:
    """What the customer was asked for at checkout: `total_price_set`, else `total_price` in the shop's currency."""
    if data["total_price_set"] is not None:
        total: Money = data["total_price_set"]
        return total
    try:
        return money_of(needed(data["total_price"], "total_price"), data["currency"])
    except ValueError as error:
        raise reject("total_price", f"{error}.") from None


def person_name(*people: Data | None) -> tuple[str | None, str | None]:
    """First and last name, both of the first person who has either: names of two people are never mixed."""
    for person in people:
        if person and (person["first_name"] or person["last_name"]):
            return person["first_name"], person["last_name"]
    return None, None


def parse_edited(payload: Payload, triggered_at: datetime | None) -> Parsed:
    edit = needed(load(EDITED, payload)["order_edit"], "order_edit")
    lines = edit["line_items"] or {"additions": [], "removals": []}
    event = OrderEdited(
        order_id=needed(edit["order_id"], "order_edit.order_id"),
        edit_id=needed(edit["id"], "order_edit.id"),
        committed_at=first_moment("order_edit.committed_at", edit["committed_at"], edit["created_at"], triggered_at),
        added=_deltas(lines, "additions"),
        removed=_deltas(lines, "removals"),
    )
    return Parsed((event,))


def parse_deleted(payload: Payload, triggered_at: datetime | None) -> Parsed:
    return Parsed((OrderDeleted(order_id=needed(identity(load(DELETED, payload)), "id")),))


def _deltas(lines: Data, kind: str) -> tuple[tuple[str, int], ...]:
    return line_pairs(((line["id"], line["delta"]) for line in lines[kind]), f"order_edit.line_items.{kind}")
