"""refunds/create: what was given back, independent of how the money moved."""

from __future__ import annotations

from datetime import datetime

from schemas.events import OrderRefunded, Parsed
from schemas.fields import Moment, Part, PlatformId, Quantity
from schemas.shopify.base import Data, Gid, Payload, PayloadSchema, first_moment, identity, load, needed
from schemas.shopify.lines import line_pairs, referred_line


class RefundedLineSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("LineItem")


class RefundLineSchema(PayloadSchema):
    quantity = Quantity()
    line_item_id = PlatformId()
    line_item = Part(RefundedLineSchema)


class RefundSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Refund")
    order_id = PlatformId()
    created_at = Moment()
    processed_at = Moment(lenient=True)
    refund_line_items = Part(RefundLineSchema, many=True)


REFUND = RefundSchema()


def refund(data: Data, order_id: str, snapshot_at: datetime | None, path: str = "") -> OrderRefunded:
    """A loaded refund. `snapshot_at`: when the payload was true, for one without a time of its own."""
    return OrderRefunded(
        order_id=order_id,
        refund_id=needed(identity(data), f"{path}id"),
        created_at=first_moment(f"{path}created_at", data["created_at"], data["processed_at"], snapshot_at),
        lines=line_pairs(
            ((referred_line(line["line_item_id"], line["line_item"]), line["quantity"])
             for line in data["refund_line_items"]),
            f"{path}refund_line_items",
        ),
    )  # fmt: skip


def parse_refund(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(REFUND, payload)
    return Parsed((refund(data, needed(data["order_id"], "order_id"), triggered_at),))
