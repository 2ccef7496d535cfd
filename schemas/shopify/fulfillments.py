"""fulfillments/create, fulfillments/update and fulfillment_events/create."""

from __future__ import annotations

from datetime import datetime

from schemas.events import ParcelDelivered, ParcelShipped, ParcelTracked, Parsed
from schemas.fields import Blankable, Moment, Part, PlatformId, Text, Word, clean_text, web_url
from schemas.shopify.base import Data, Gid, Payload, PayloadSchema, first_moment, identity, load, needed
from schemas.shopify.lines import LineRefSchema, line_pairs

MAX_NUMBERS = 50  # tracking numbers of one parcel that are kept


class Texts(Blankable):
    """A list of texts, as lines of at most 255 characters; what is not text is dropped."""

    def read(self, value: object) -> tuple[str, ...]:
        texts = value if isinstance(value, list) else [value]
        told = (clean_text(str(text), 255) for text in texts if type(text) in (str, int))
        return tuple(dict.fromkeys(filter(None, told)))[:MAX_NUMBERS]


class WebUrls(Blankable):
    """A list of http(s) addresses; others are dropped."""

    def read(self, value: object) -> tuple[str, ...]:
        urls = value if isinstance(value, list) else [value]
        return tuple(dict.fromkeys(filter(None, map(web_url, urls))))[:MAX_NUMBERS]


class FulfillmentSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Fulfillment")
    order_id = PlatformId()
    name = Text(100)
    status = Word()
    shipment_status = Word()
    created_at = Moment()
    updated_at = Moment(lenient=True)
    tracking_company = Text(255)
    tracking_number = Texts()
    tracking_numbers = Texts()
    tracking_url = WebUrls()
    tracking_urls = WebUrls()
    line_items = Part(LineRefSchema, many=True)


class FulfillmentEventSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("FulfillmentEvent")
    order_id = PlatformId()
    fulfillment_id = PlatformId()
    status = Word()
    happened_at = Moment()
    created_at = Moment(lenient=True)


FULFILLMENT = FulfillmentSchema()
FULFILLMENT_EVENT = FulfillmentEventSchema()


def parcel(data: Data, order_id: str, snapshot_at: datetime | None, path: str = "") -> ParcelShipped:
    """A loaded fulfilment. `snapshot_at`: when the payload was true, for one that does not say it itself."""
    created_at = first_moment(f"{path}created_at", data["created_at"], data["updated_at"], snapshot_at)
    return ParcelShipped(
        order_id=order_id,
        parcel_id=needed(identity(data), f"{path}id"),
        name=data["name"],
        status=data["status"] or "unknown",
        created_at=created_at,
        updated_at=data["updated_at"] or snapshot_at or created_at,
        shipment_status=data["shipment_status"],
        tracking_company=data["tracking_company"],
        tracking_numbers=data["tracking_numbers"] or data["tracking_number"] or (),
        tracking_urls=data["tracking_urls"] or data["tracking_url"] or (),
        lines=line_pairs(((identity(line), line["quantity"]) for line in data["line_items"]), f"{path}line_items"),
    )


def parse_fulfillment(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(FULFILLMENT, payload)
    return Parsed((parcel(data, needed(data["order_id"], "order_id"), triggered_at),))


def parse_fulfillment_event(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(FULFILLMENT_EVENT, payload)
    if not data["status"]:
        return Parsed((), "the carrier's event names no status")
    kind = ParcelDelivered if data["status"] == "delivered" else ParcelTracked
    event = kind(
        order_id=needed(data["order_id"], "order_id"),
        parcel_id=needed(data["fulfillment_id"], "fulfillment_id"),
        event_id=needed(identity(data), "id"),
        status=data["status"],
        happened_at=first_moment("happened_at", data["happened_at"], data["created_at"], triggered_at),
    )
    return Parsed((event,))
