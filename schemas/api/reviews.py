"""Reviews in the JSON API: what customers let others read."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.api.paging import PageQuery, PageSchema

STATES = ("pending", "approved", "rejected")


class ReviewsQuery(PageQuery):
    state = fields.String(load_default="pending", validate=validate.OneOf(STATES))


class ReviewProductSchema(Schema):
    product_id = fields.String(required=True)
    title = fields.String(required=True)
    spoken_of = fields.Boolean(required=True)


class ReviewSchema(Schema):
    """A review. The words are the customer's own: plain text, never to be shown as markup."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    order_name = fields.String(required=True)
    stars = fields.Integer(required=True)
    words = fields.String(required=True)
    first_name = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    given_at = fields.AwareDateTime(required=True)
    state = fields.String(required=True)
    version = fields.String(required=True, metadata={"description": "changes with the words and the stars"})
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    products = fields.List(fields.Nested(ReviewProductSchema), required=True)


class ReviewPageSchema(PageSchema):
    items = fields.List(fields.Nested(ReviewSchema), required=True)


class DecisionBody(Schema):
    state = fields.String(required=True, validate=validate.OneOf(STATES[1:]))
    version = fields.String(
        required=True, validate=validate.Length(max=40),
        metadata={"description": "of what was read: other words are not approved unread"},
    )  # fmt: skip
    products = fields.List(
        fields.String(validate=validate.Length(max=64)), validate=validate.Length(min=1, max=250),
        metadata={"description": "ids of the order's products that it speaks of; left out: as it is"},
    )  # fmt: skip
