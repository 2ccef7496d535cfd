"""checkouts/create, update and delete: carts that may be abandoned.

Plain amounts are in the shop's currency. Since 2026-04 a checkout has no `id`, and a deletion has always named little
else: only one that names the token can be matched.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from schemas.events import CheckoutDeleted, CheckoutSeen, OrderLine, Parsed
from schemas.fields import CurrencyCode, Email, Flag, Locale, Moment, Part, Phone, PlatformId, Quantity, Text, WebUrl
from schemas.shopify.base import Data, Gid, Payload, PayloadSchema, first_moment, identity, load, needed
from schemas.shopify.lines import Raw, optional_money


class CheckoutLineSchema(PayloadSchema):
    key = Text(64)
    title = Text(500)
    presentment_title = Text(500)
    variant_title = Text(255)
    vendor = Text(255)
    product_id = PlatformId()
    variant_id = PlatformId()
    quantity = Quantity()
    requires_shipping = Flag(default=True)
    gift_card = Flag()
    price = Raw()


class CheckoutCustomerSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Customer")
    email = Email()
    phone = Phone()


class CheckoutSchema(PayloadSchema):
    token = Text(255)
    created_at = Moment(lenient=True)
    updated_at = Moment(lenient=True)
    completed_at = Moment()
    email = Email()
    phone = Phone()
    customer = Part(CheckoutCustomerSchema)
    customer_locale = Locale()
    currency = CurrencyCode()
    total_price = Raw()
    abandoned_checkout_url = WebUrl()
    line_items = Part(CheckoutLineSchema, many=True)


class DeletedCheckoutSchema(PayloadSchema):
    token = Text(255)


CHECKOUT = CheckoutSchema()
DELETED = DeletedCheckoutSchema()


def checkout_line(line: Data, at: int, currency: str | None) -> OrderLine:
    """A line of a cart, known by its `key`, else its variant, else its position."""
    return OrderLine(
        line_id=line["key"] or line["variant_id"] or str(at + 1),
        title=line["presentment_title"] or line["title"] or "",
        quantity=needed(line["quantity"], f"line_items.{at}.quantity"),
        requires_shipping=line["requires_shipping"],
        product_id=line["product_id"],
        variant_id=line["variant_id"],
        variant_title=line["variant_title"],
        vendor=line["vendor"],
        gift_card=line["gift_card"],
        price=optional_money(line["price"], currency),
    )


def parse_checkout(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(CHECKOUT, payload)
    customer = data["customer"]
    lines = [checkout_line(line, at, data["currency"]) for at, line in enumerate(data["line_items"])]
    if len({line.line_id for line in lines}) < len(lines):
        lines = [replace(line, line_id=str(at + 1)) for at, line in enumerate(lines)]
    event = CheckoutSeen(
        token=needed(data["token"], "token"),
        updated_at=first_moment("updated_at", data["updated_at"], triggered_at, data["created_at"]),
        created_at=data["created_at"],
        completed_at=data["completed_at"],
        email=data["email"] or (customer and customer["email"]),
        phone=data["phone"] or (customer and customer["phone"]),
        customer_id=identity(customer) if customer else None,
        locale=data["customer_locale"],
        total=optional_money(data["total_price"], data["currency"]),
        recovery_url=data["abandoned_checkout_url"],
        lines=tuple(lines),
    )
    return Parsed((event,))


def parse_deleted(payload: Payload, triggered_at: datetime | None) -> Parsed:
    token = load(DELETED, payload)["token"]
    if token is None:
        return Parsed((), "the deletion does not name the checkout's token")
    return Parsed((CheckoutDeleted(token=token),))
