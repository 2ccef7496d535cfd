"""Figures, rehearsals and the data's ways in and out in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

PERIODS = ("7", "30", "90", "months")


class FiguresQuery(Schema):
    period = fields.String(
        load_default="30", validate=validate.OneOf(PERIODS), metadata={"description": "days until today, or months"}
    )


class FiguresSchema(Schema):
    """Of the messages sent in the period. Counts are of messages, but for `orders` and `revenue`, which followed."""

    sent = fields.Integer(required=True)
    delivered = fields.Integer(required=True, metadata={"description": "sent and not bounced since"})
    bounced = fields.Integer(required=True)
    opened = fields.Integer(required=True, metadata={"description": "by people, where openings are measured"})
    machine_opened = fields.Integer(required=True)
    clicked = fields.Integer(required=True)
    unsubscribed = fields.Integer(required=True)
    complained = fields.Integer(required=True)
    orders = fields.Integer(required=True, metadata={"description": "placed within 7 days, credited to one message"})
    revenue = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "currency: minor units"}
    )


class ReportSchema(Schema):
    period = fields.String(required=True)
    first = fields.Date(required=True)
    last = fields.Date(required=True)
    total = fields.Nested(FiguresSchema, required=True)
    by_step = fields.Dict(keys=fields.String(), values=fields.Nested(FiguresSchema), required=True)


class TallySchema(Schema):
    """What the orders of the last 90 days would have brought with these settings."""

    orders = fields.Integer(required=True)
    people = fields.Integer(required=True)
    silent = fields.Integer(required=True, metadata={"description": "people who would get nothing"})
    sent = fields.Integer(required=True)
    most_in_7 = fields.Integer(required=True, metadata={"description": "the most that one person would get in 7 days"})
    most_in_30 = fields.Integer(required=True)
    by_step = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    left_out = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "why -> orders"}
    )
    collisions = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True,
        metadata={"description": "steps that meet on one day, joined by + -> how often"},
    )  # fmt: skip


class ImportQuery(Schema):
    dry = fields.Boolean(
        load_default=True, truthy={"true"}, falsy={"false"}, metadata={"description": "true: only say what it would do"}
    )


class ImportSchema(Schema):
    """What an import did, or would do, as far as it is: `done` of `parts` are dealt with."""

    id = fields.Integer(required=True)
    waiting = fields.Boolean(required=True, metadata={"description": "it goes on in the background"})
    done = fields.Integer(required=True)
    parts = fields.Integer(required=True)
    dry = fields.Boolean(required=True)
    lines = fields.Integer(required=True)
    good = fields.Integer(required=True)
    wrong = fields.Integer(required=True)
    changed = fields.Integer(required=True, metadata={"description": "lines that say something new"})
    may = fields.Integer(required=True, metadata={"description": "addresses that may get marketing from now on"})
    may_not = fields.Integer(required=True)
    kept_out = fields.Integer(required=True, metadata={"description": "unsubscribed later, and stay so"})
    orders = fields.Integer(required=True, metadata={"description": "planned anew"})
