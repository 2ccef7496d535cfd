"""What each step brings, in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields

SHARES = {"description": "of shares, 0 to 1"}


class ExperimentGroupSchema(Schema):
    """Customers whose days are over."""

    customers = fields.Integer(required=True)
    buyers = fields.Integer(required=True, metadata={"description": "of them, who bought again"})
    orders = fields.Integer(required=True)
    revenue = fields.Integer(required=True, metadata={"description": "minor units of `currency`"})


class ExperimentDifferenceSchema(Schema):
    """Those who got the message minus those kept out; `low` and `high` with 95 % confidence."""

    value = fields.Float(required=True)
    low = fields.Float(required=True)
    high = fields.Float(required=True)


class ExperimentVerdictSchema(Schema):
    word = fields.String(required=True, metadata={"description": "early, more, less or same"})
    rate = fields.Nested(ExperimentDifferenceSchema, required=True, allow_none=True, metadata=SHARES)
    revenue = fields.Nested(
        ExperimentDifferenceSchema, required=True, allow_none=True,
        metadata={"description": "of a customer, in minor units"},
    )  # fmt: skip
    weeks = fields.Integer(required=True, allow_none=True, metadata={"description": "still to wait, when early"})


class ExperimentSchema(Schema):
    step = fields.String(required=True)
    percent = fields.Integer(required=True)
    began_at = fields.AwareDateTime(required=True, allow_none=True)
    treated = fields.Nested(ExperimentGroupSchema, required=True)
    kept_out = fields.Nested(ExperimentGroupSchema, required=True)
    waiting = fields.Integer(required=True, metadata={"description": "customers whose days are not over"})
    set_aside = fields.Integer(required=True, metadata={"description": "customers written to by hand, not counted"})
    currency = fields.String(required=True, allow_none=True)
    verdict = fields.Nested(ExperimentVerdictSchema, required=True)


class ExperimentsSchema(Schema):
    items = fields.List(fields.Nested(ExperimentSchema), required=True)
