"""The survey in the JSON API: how long answering it takes. The questions themselves are `schemas.survey`'s."""

from __future__ import annotations

from marshmallow import Schema, fields


class DurationSchema(Schema):
    """Of the newest answers of 90 days, from the page's first sight to the button."""

    seconds = fields.Integer(required=True, allow_none=True, metadata={"description": "the median; null: none"})
    answers = fields.Integer(required=True, metadata={"description": "how many answers it is of"})
    better = fields.Integer(
        required=True, allow_none=True,
        metadata={"description": "the minutes that the mail should state, where what it states is off"},
    )  # fmt: skip
