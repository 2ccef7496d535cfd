"""The compliance topics: customers/data_request, customers/redact, shop/redact.

Addresses are kept as told here, even such as nobody could write to: whatever was stored under them must be found.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.events import CustomerRedacted, DataRequested, Parsed, ShopRedacted
from schemas.fields import Blankable, Part, Text
from schemas.shopify.base import AnyId, Payload, PayloadSchema, load

NOBODY = "the request names neither a customer nor an order"


class OrderIds(Blankable):
    """A list of order ids; one that is not an id is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.one = AnyId("Order")

    def read(self, value: Any) -> tuple[str, ...]:
        ids = value if isinstance(value, list) else [value]
        return tuple(dict.fromkeys(found for found in map(self.one.deserialize, ids) if found))


class PersonSchema(PayloadSchema):
    id = AnyId("Customer")
    email = Text(320)
    phone = Text(64)


class RequestSchema(PayloadSchema):
    id = AnyId("DataRequest")


class PrivacySchema(PayloadSchema):
    customer = Part(PersonSchema)
    data_request = Part(RequestSchema)
    orders_requested = OrderIds()
    orders_to_redact = OrderIds()


PRIVACY = PrivacySchema()
_NOBODY = {"id": None, "email": None, "phone": None}


def parse_data_request(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(PRIVACY, payload)
    person, orders = data["customer"] or _NOBODY, data["orders_requested"] or ()
    if not any(person.values()) and not orders:
        return Parsed((), NOBODY)
    event = DataRequested(
        request_id=(data["data_request"] or _NOBODY)["id"],
        customer_id=person["id"],
        email=person["email"],
        phone=person["phone"],
        order_ids=orders,
    )
    return Parsed((event,))


def parse_customer_redact(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(PRIVACY, payload)
    person, orders = data["customer"] or _NOBODY, data["orders_to_redact"] or ()
    if not any(person.values()) and not orders:
        return Parsed((), NOBODY)
    event = CustomerRedacted(customer_id=person["id"], email=person["email"], phone=person["phone"], order_ids=orders)
    return Parsed((event,))


def parse_shop_redact(payload: Payload, triggered_at: datetime | None) -> Parsed:
    return Parsed((ShopRedacted(),))
