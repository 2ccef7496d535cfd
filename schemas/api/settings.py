"""What a change of settings does to messages that wait, in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields


class StepEffectSchema(Schema):
    """What becomes of one step's messages that have not left; days are the shop's."""

    moved = fields.Dict(
        keys=fields.Date(), values=fields.Integer(), required=True,
        metadata={"description": "day -> how many move to it"},
    )  # fmt: skip
    at_once = fields.Integer(required=True, metadata={"description": "due already by the new delay"})
    begin = fields.Dict(
        keys=fields.Date(), values=fields.Integer(), required=True,
        metadata={"description": "day -> how many that would not have gone"},
    )  # fmt: skip
    end = fields.Integer(required=True, metadata={"description": "not sent any more"})
    why = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True,
        metadata={"description": "reason -> how many are not sent any more for it"},
    )  # fmt: skip
    late = fields.Integer(required=True, metadata={"description": "by then too late to be sent"})


class SampleSchema(Schema):
    """Where there are too many orders to plan each: the numbers by step are worked out from `orders` of `of`."""

    orders = fields.Integer(required=True)
    of = fields.Integer(required=True)


class LateEffectsSchema(Schema):
    """Numbers of planned messages that the settings concern only when they are about to leave."""

    quiet = fields.Integer(required=True, metadata={"description": "wait for the end of quiet hours from now on"})
    free = fields.Integer(required=True, metadata={"description": "do not wait for it any more"})
    capped = fields.Integer(required=True, metadata={"description": "the new cap puts off"})
    language = fields.Integer(required=True, metadata={"description": "are written in another language"})
    unshipped = fields.Integer(required=True, metadata={"description": "orders that the delivery time will hold for"})
    expected = fields.Integer(required=True, metadata={"description": "parcels that keep their expected day"})


class EffectsSchema(Schema):
    steps = fields.Dict(keys=fields.String(), values=fields.Nested(StepEffectSchema), required=True)
    waiting = fields.Integer(required=True, metadata={"description": "messages that wait without a date"})
    sample = fields.Nested(SampleSchema, required=True, allow_none=True)
    late = fields.Nested(LateEffectsSchema, required=True)


class PlanningSchema(Schema):
    """The planning of a shop's orders after a change of settings. `done` of `of` orders; null: not counted."""

    under_way = fields.Boolean(required=True)
    done = fields.Integer(required=True, allow_none=True)
    of = fields.Integer(required=True, allow_none=True)
    stuck = fields.Boolean(required=True, metadata={"description": "it failed again and again; it is tried further"})


class ChangeSchema(Schema):
    """One line of the change log. `before` and `after` hold only what differs."""

    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    actor = fields.String(required=True)
    what = fields.String(required=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
