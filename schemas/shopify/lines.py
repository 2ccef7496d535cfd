"""The lines of orders, parcels and refunds, and the (line id, quantity) pairs that point at them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.events import Money, OrderLine
from schemas.fields import Blankable, Flag, PlatformId, Quantity, Text
from schemas.money import money_of
from schemas.shopify.base import Data, Gid, MoneySet, PayloadSchema, choose_id, identity, needed, reject


class Raw(Blankable):
    """A value kept as it came, to be read together with another field."""

    def read(self, value: Any) -> Any:
        return value


class LineRefSchema(PayloadSchema):
    """A line as parcels and refunds repeat it."""

    id = PlatformId()
    admin_graphql_api_id = Gid("LineItem")
    quantity = Quantity()


class LineSchema(LineRefSchema):
    title = Text(500)
    name = Text(500)
    current_quantity = Quantity()
    requires_shipping = Flag(default=True)
    product_id = PlatformId()
    variant_id = PlatformId()
    variant_title = Text(255)
    vendor = Text(255)
    gift_card = Flag()
    price = Raw()
    price_set = MoneySet(lenient=True)


def optional_money(amount: object, currency: str | None) -> Money | None:
    """Money where it may be missing: None for a blank or bad amount or currency."""
    try:
        return None if amount is None else money_of(amount, currency)
    except ValueError:
        return None


def order_lines(lines: Iterable[Data], currency: str | None) -> tuple[OrderLine, ...]:
    """An order's lines; `currency` is of the plain prices.

    Raises Rejected for a line without id or quantity, and for two lines of one id: nothing could tell them apart.
    """
    told: dict[str, OrderLine] = {}
    for at, line in enumerate(lines):
        line_id = needed(identity(line), f"line_items.{at}.id")
        if line_id in told:
            raise reject(f"line_items.{at}.id", "is the id of another line too.")
        told[line_id] = OrderLine(
            line_id=line_id,
            title=line["title"] or line["name"] or "",
            quantity=needed(line["quantity"], f"line_items.{at}.quantity"),
            current_quantity=line["current_quantity"],
            requires_shipping=line["requires_shipping"],
            product_id=line["product_id"],
            variant_id=line["variant_id"],
            variant_title=line["variant_title"],
            vendor=line["vendor"],
            gift_card=line["gift_card"],
            price=line["price_set"] or optional_money(line["price"], currency),
        )
    return tuple(told.values())


def line_pairs(lines: Iterable[tuple[str | None, int | None]], path: str) -> tuple[tuple[str, int], ...]:
    """Pairs added up by line, in the order of the payload, without the empty ones. Raises Rejected for a half pair."""
    totals: dict[str, int] = {}
    for at, (line_id, quantity) in enumerate(lines):
        key = needed(line_id, f"{path}.{at}.id")
        totals[key] = totals.get(key, 0) + needed(quantity, f"{path}.{at}.quantity")
    return tuple((line_id, quantity) for line_id, quantity in totals.items() if quantity)


def referred_line(reference: str | None, line: Data | None) -> str | None:
    """The line that a refund's line means: its `line_item_id`, made exact by the `line_item` that comes along."""
    if line is None:
        return reference
    return choose_id(reference or line["id"], line["admin_graphql_api_id"])
