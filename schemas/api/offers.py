"""Offers in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.api.paging import PageSchema


class OfferSchema(Schema):
    """One offer to one customer. Amounts are minor units of `currency`, the shop's own."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True, metadata={"description": "the order that it follows"})
    order_name = fields.String(required=True)
    tier = fields.String(
        required=True, metadata={"description": "first_below, first_above, repeat or survey_reward: by which rule"}
    )
    kind = fields.String(
        required=True,
        metadata={"description": "amount, percentage, free_shipping, store_credit or gift_card"},
    )
    minor = fields.Integer(required=True, allow_none=True)
    percent = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    minimum_minor = fields.Integer(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True,
        metadata={"description": "promised, earned, waiting, making, made, refused or unknown"},
    )
    reason = fields.String(required=True, allow_none=True)
    asked_at = fields.AwareDateTime(required=True)
    made_at = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    redeemed_at = fields.AwareDateTime(required=True, allow_none=True)
    redeemed_by = fields.String(required=True, allow_none=True, metadata={"description": "the order's name"})
    redeemed_order_id = fields.Integer(required=True, allow_none=True)
    brought_minor = fields.Integer(required=True, allow_none=True, metadata={"description": "that order's total"})
    brought_currency = fields.String(required=True, allow_none=True)


class OfferPageSchema(PageSchema):
    items = fields.List(fields.Nested(OfferSchema), required=True)


class SumsSchema(Schema):
    promised = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    made = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    unclear = fields.Integer(required=True, attribute="unknown", metadata={"description": "may have been given"})
    redeemed = fields.Integer(required=True)
    revenue = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True,
        metadata={"description": "of the orders that used a code; currency: minor units"},
    )  # fmt: skip


class HindrancesSchema(Schema):
    no_access = fields.Boolean(required=True, metadata={"description": "the app must be opened once in Shopify"})
    no_currency = fields.Boolean(required=True)
    scopes = fields.List(fields.String(), required=True, metadata={"description": "that the shop has not given"})
    too_dear = fields.List(
        fields.String(), required=True, metadata={"description": "rules below the margin floor: not made"}
    )


class OfferSumsSchema(Schema):
    sums = fields.Nested(SumsSchema, required=True)
    hindrances = fields.Nested(HindrancesSchema, required=True)
