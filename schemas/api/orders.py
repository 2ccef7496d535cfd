"""Orders and messages in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.api.paging import PageQuery, PageSchema
from schemas.settings import STEPS

LISTS = ("planned", "leaving", "sent", "waiting", "held", "failed", "withheld", "cancelled")
ACTS = ("cancel", "send_now", "send_again")


class OrdersQuery(PageQuery):
    q = fields.String(
        load_default="",
        validate=validate.Length(max=100),
        metadata={"description": "the beginning of an order's name, a customer's name or an e-mail address"},
    )


class OrderSchema(Schema):
    """An order in a list."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    placed_at = fields.AwareDateTime(required=True)
    total_minor = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True, allow_none=True)
    financial_status = fields.String(required=True, allow_none=True)
    cancelled = fields.Boolean(required=True)
    test = fields.Boolean(required=True)
    states = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True,
        metadata={"description": "how many of its messages are in each state"},
    )  # fmt: skip
    next_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when its next message is due"}
    )


class OrderPageSchema(PageSchema):
    items = fields.List(fields.Nested(OrderSchema), required=True)


class MessagesQuery(PageQuery):
    """Which list. The period is of the sending, of the day they may leave, or else of the order's placing."""

    state = fields.String(required=True, validate=validate.OneOf(LISTS))
    step = fields.String(load_default=None, validate=validate.OneOf(STEPS))
    since = fields.AwareDateTime(load_default=None)
    until = fields.AwareDateTime(load_default=None)

    @validates_schema
    def _in_order(self, data: dict[str, object], **_: object) -> None:
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:  # type: ignore[operator]
            raise ValidationError("since must not be after until", "since")


class MessageSchema(Schema):
    """A message: one step of one order, with its state and one reason in plain words."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    order_name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    step = fields.String(required=True)
    copy = fields.Integer(required=True, metadata={"description": "0, or n for the n-th time it was sent again"})
    state = fields.String(required=True)
    reason = fields.String(required=True)
    at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when it was sent, or may leave"}
    )


class MessagePageSchema(PageSchema):
    items = fields.List(fields.Nested(MessageSchema), required=True)


class ActQuery(Schema):
    """What is done to a message. `seen_copies`: how many copies there were when it was decided to send it again; with
    it a repeated call changes nothing."""

    kind = fields.String(required=True, validate=validate.OneOf(ACTS))
    seen_copies = fields.Integer(
        load_default=None, strict=True, validate=validate.Range(0, 1000),
        metadata={"description": "how many copies there were when it was decided: makes `send_again` repeatable"},
    )  # fmt: skip


class ActAnswer(Schema):
    """The message, or its new copy, after the act."""

    message_id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    changed = fields.Boolean(required=True, metadata={"description": "false: it had been done before"})


class SuggestedSchema(Schema):
    """Why a message suggests a product."""

    title = fields.String(required=True)
    reason = fields.String(required=True, metadata={"description": "together, similar, popular or new"})
    because = fields.String(required=True, allow_none=True, metadata={"description": "what the customer bought"})
    buyers = fields.Integer(required=True, metadata={"description": "orders that speak for it"})


class ContentSchema(Schema):
    """What a message says; nothing in its HTML can be tapped."""

    subject = fields.String(required=True)
    html = fields.String(required=True)
    sent = fields.Boolean(required=True, metadata={"description": "as it left; else how it would look now"})
    why = fields.List(fields.Nested(SuggestedSchema), required=True, metadata={"description": "of what it suggests"})


class OrderLineSchema(Schema):
    title = fields.String(required=True)
    variant = fields.String(required=True, allow_none=True)
    quantity = fields.Integer(required=True)
    left = fields.Integer(required=True, metadata={"description": "what neither an edit nor a refund took away"})


class OrderMessageSchema(Schema):
    """A message of one order. `offers`: what may be done to it."""

    id = fields.Integer(required=True)
    step = fields.String(required=True)
    copy = fields.Integer(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    message_class = fields.String(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True)
    opened_at = fields.AwareDateTime(required=True, allow_none=True)
    reactions = fields.Dict(
        keys=fields.String(), values=fields.AwareDateTime(), required=True,
        metadata={"description": "unsubscribed, complained or bounced, and when we heard of it"},
    )  # fmt: skip
    offers = fields.Function(
        lambda card: sorted(card.offers), required=True,
        metadata={"type": "array", "items": {"type": "string"}, "description": "acts that make sense"},
    )  # fmt: skip
    copies = fields.Integer(required=True)


class OrderViewSchema(Schema):
    """An order with everything it was and will be sent."""

    id = fields.Integer(required=True)
    platform_id = fields.String(required=True)
    name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    erased = fields.Boolean(required=True)
    ended = fields.String(
        required=True, allow_none=True, metadata={"description": "why nothing but news of parcels goes any more"}
    )
    history = fields.Boolean(
        required=True, metadata={"description": "placed before the installation: never written to"}
    )
    address_mark = fields.Function(
        lambda view: view.facts.mark.cause if view.facts.mark else None, required=True,
        metadata={"type": "string", "nullable": True,
                  "description": "dead or complained: nothing is sent to its address"},
    )  # fmt: skip
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)
    messages = fields.List(fields.Nested(OrderMessageSchema), required=True)
