"""products/create, update and delete.

Prices of variants name no currency (they are in the shop's): they count hundredths, with the currency "", until
`schemas.money.in_currency` gives them one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from schemas.events import Money, Parsed, ProductDeleted, ProductSeen
from schemas.fields import Blankable, Moment, Part, PlatformId, Text, WebUrl, Word, clean_text, is_blank
from schemas.money import minor_units
from schemas.shopify.base import Data, Gid, Payload, PayloadSchema, first_moment, identity, load, needed

MAX_TAGS = 250  # as many as Shopify allows


class Tags(Blankable):
    """Tags from one text with commas or from a list."""

    def read(self, value: Any) -> tuple[str, ...]:
        tags = value.split(",") if isinstance(value, str) else value
        if not isinstance(tags, list):
            return ()
        told = (clean_text(tag, 255) for tag in tags if isinstance(tag, str))
        return tuple(dict.fromkeys(filter(None, told)))[:MAX_TAGS]


class Stock(Blankable):
    """A count that may be negative (oversold); anything else is dropped."""

    def read(self, value: Any) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class Hundredths(Blankable):
    """An amount without a currency, in hundredths; a bad one is dropped."""

    def read(self, value: Any) -> int | None:
        try:
            return minor_units(value, "")
        except ValueError:
            return None


class Management(Blankable):
    """Who counts the stock: the platform's word; "" for a variant that says that nobody does; None: not told."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else super().deserialize(value, attr, data, **kwargs)

    def read(self, value: Any) -> str | None:
        return value if isinstance(value, str) else None


class ImageSchema(PayloadSchema):
    src = WebUrl()


class VariantSchema(PayloadSchema):
    price = Hundredths()
    inventory_quantity = Stock()
    inventory_policy = Word()
    inventory_management = Management()


class VariantGidSchema(PayloadSchema):
    admin_graphql_api_id = Gid("ProductVariant")


class ProductSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Product")
    title = Text(500)
    handle = Text(255)
    updated_at = Moment(lenient=True)
    created_at = Moment(lenient=True)
    status = Word()
    product_type = Text(255)
    vendor = Text(255)
    tags = Tags()
    image = Part(ImageSchema)
    images = Part(ImageSchema, many=True)
    variants = Part(VariantSchema, many=True)
    variant_gids = Part(VariantGidSchema, many=True)


class DeletedProductSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Product")


PRODUCT = ProductSchema()
DELETED = DeletedProductSchema()


def in_stock(variants: Iterable[Data], complete: bool) -> bool | None:
    """Whether one variant can be bought; None when the payload does not say (unknown counts, variants left out)."""
    unknown = not complete
    for variant in variants:
        count = variant["inventory_quantity"]
        if variant["inventory_policy"] == "continue" or variant["inventory_management"] == "" or (count or 0) > 0:
            return True
        unknown = unknown or count is None
    return None if unknown else False


def parse_product(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(PRODUCT, payload)
    variants, images = data["variants"], [data["image"], *data["images"]]
    prices = [variant["price"] for variant in variants if variant["price"] is not None]
    event = ProductSeen(
        product_id=needed(identity(data), "id"),
        title=needed(data["title"] or data["handle"], "title"),
        updated_at=first_moment("updated_at", data["updated_at"], triggered_at, data["created_at"]),
        handle=data["handle"],
        image_url=next((image["src"] for image in images if image and image["src"]), None),
        price=Money(min(prices), "") if prices else None,
        published=not is_blank(payload.get("published_at", "not told")) and data["status"] in (None, "active"),
        in_stock=in_stock(variants, complete=bool(variants) and len(data["variant_gids"]) <= len(variants)),
        product_type=data["product_type"],
        vendor=data["vendor"],
        tags=data["tags"] or (),
    )
    return Parsed((event,))


def parse_deleted(payload: Payload, triggered_at: datetime | None) -> Parsed:
    return Parsed((ProductDeleted(product_id=needed(identity(load(DELETED, payload)), "id")),))
