"""What all of Shopify's payloads share: identity, addresses, money sets, and the error that refuses one.

Identity. An object names itself twice: `id`, a JSON number, and `admin_graphql_api_id`, text that ends in the same
number. Numbers above 2^53 lose their last digits wherever JSON passes through floating point (Shopify's own samples
did), so the text wins when both are the same number to a float. When they truly differ, or the text is not a Shopify id
of the right kind, the number counts, because references (`order_id`, `line_item_id`, `fulfillment_id`, `customer_id`)
are numbers only. A reference is kept as told. Shopify's real ids are far below 2^53, where number, text and reference
agree; references to the longer ids of samples do not find their object, unless they come with it: parcels and refunds
inside an order take the order's id, and lines are known by their own text wherever a line comes along.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError

from schemas.events import Address, Money
from schemas.fields import Blankable, CountryCode, PlatformId, Text, is_blank
from schemas.money import money_of

MAX_ERRORS = 20
Data = dict[str, Any]
Payload = Mapping[str, Any]

_Value = TypeVar("_Value")
_GID = re.compile(r"gid://shopify/([A-Za-z]{1,64})/([0-9]{1,20})(?:\?.*)?", re.ASCII)


class Rejected(ValueError):
    """A payload that cannot become events. `errors`: `{"field", "message"}` each, short, without personal data."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        self.errors = errors[:MAX_ERRORS]
        super().__init__("; ".join(f"{error['field']} {error['message']}" for error in self.errors))


def reject(field: str, message: str) -> Rejected:
    """One error: `raise reject("order_id", "is missing.")`."""
    return Rejected([{"field": field, "message": message}])


def number_of(gid: object, kind: str) -> str | None:
    """The number at the end of a Shopify id of this kind ("Order"), else None."""
    match = _GID.fullmatch(gid) if isinstance(gid, str) else None
    return str(int(match[2])) if match and match[1] == kind and int(match[2]) else None


def same_to_a_float(one: str, other: str) -> bool:
    """Whether two ids are the same number once a float has held them."""
    return float(one) == float(other)


def choose_id(number: str | None, text: str | None) -> str | None:
    """Which of an object's two ids counts; see the module's first lines."""
    if number is None or text is None:
        return number or text
    return text if same_to_a_float(number, text) else number


class Gid(Blankable):
    """The number inside an `admin_graphql_api_id` of one kind; another kind or another text is dropped."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def read(self, value: Any) -> str | None:
        return number_of(value, self.kind)


class AnyId(PlatformId):
    """An id that may come as a number or as a Shopify id of one kind; anything else is refused."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def read(self, value: Any) -> str:
        return number_of(value, self.kind) or super().read(value)


class MoneySet(Blankable):
    """`{"presentment_money": {"amount", "currency_code"}, "shop_money": …}`: what the customer saw, else the shop's.

    A bad amount or currency is refused; with `lenient` it is dropped.
    """

    def __init__(self, *, lenient: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lenient = lenient

    def read(self, value: Any) -> Money | None:
        try:
            side = (value.get("presentment_money") or value.get("shop_money")) if isinstance(value, Mapping) else value
            if not side:
                return None
            if not isinstance(side, Mapping):
                raise ValueError("is not an amount")
            amount = side.get("amount")
            return None if is_blank(amount) else money_of(amount, side.get("currency_code"))
        except ValueError as error:
            if self.lenient:
                return None
            raise ValidationError(f"{error}.") from None


class PayloadSchema(Schema):
    """The base of every schema here: unknown fields are ignored."""

    class Meta:
        unknown = EXCLUDE


class AddressSchema(PayloadSchema):
    first_name = Text(100)
    last_name = Text(100)
    name = Text(200)
    address1 = Text(255)
    address2 = Text(255)
    city = Text(100)
    province = Text(100)
    zip = Text(32)
    country_code = CountryCode()


def address_of(data: Data | None) -> Address | None:
    """The loaded address, None when nothing of it is told."""
    if not data:
        return None
    address = Address(
        name=data["name"] or " ".join(filter(None, (data["first_name"], data["last_name"]))) or None,
        address1=data["address1"],
        address2=data["address2"],
        city=data["city"],
        province=data["province"],
        zip=data["zip"],
        country_code=data["country_code"],
    )
    return None if address == Address() else address


def identity(data: Data) -> str | None:
    """The id of a loaded object whose schema has both fields."""
    return choose_id(data["id"], data["admin_graphql_api_id"])


def needed(value: _Value | None, field: str) -> _Value:
    """The value, or Rejected with "is missing."."""
    if value is None:
        raise reject(field, "is missing.")
    return value


def first_moment(field: str, *moments: datetime | None) -> datetime:
    """The first that is told, or Rejected in the name of `field`."""
    return needed(next((moment for moment in moments if moment is not None), None), field)


def load(schema: Schema, payload: Payload) -> Data:
    """What the schema reads from a payload. Raises Rejected with the paths of what is wrong."""
    try:
        return dict(schema.load(payload))
    except ValidationError as error:
        raise Rejected(_flatten(error.messages, "")) from None


def _flatten(messages: Any, path: str) -> list[dict[str, str]]:
    """marshmallow's nested messages as flat ones, at most MAX_ERRORS: `lines.3.quantity is negative.`"""
    if not isinstance(messages, Mapping):
        return [{"field": path, "message": str(message)} for message in messages]
    found: list[dict[str, str]] = []
    for key, inner in messages.items():
        below = path if key == "_schema" else f"{path}.{key}" if path else str(key)
        found += _flatten(inner, below or "payload")
        if len(found) >= MAX_ERRORS:
            break
    return found
