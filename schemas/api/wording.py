"""The wording of a step in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


def _text(limit: int) -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=validate.Length(max=limit))


class WordingBody(Schema):
    """Liquid. Null or blank: the default's words."""

    subject = _text(300)
    intro = _text(5000)


class DraftBody(WordingBody):
    """`order_id`: the order on which it is shown; null: the newest."""

    order_id = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 2**63 - 1)
    )


class TestBody(DraftBody):
    to = fields.String(required=True, metadata={"description": "one of the wording's `test_addresses`"})


class WordsSchema(Schema):
    subject = fields.String(required=True, allow_none=True)
    intro = fields.String(required=True, allow_none=True)


class FaultSchema(Schema):
    """`field`: subject or intro; `line` counts from 1."""

    field = fields.String(required=True)
    line = fields.Integer(required=True)
    message = fields.String(required=True)


class DraftSchema(WordsSchema):
    order_id = fields.Integer(required=True, allow_none=True)
    faults = fields.List(fields.Nested(FaultSchema), required=True, metadata={"description": "why it cannot be used"})


class VersionSchema(WordsSchema):
    id = fields.Integer(required=True)
    actor = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class WordingSchema(Schema):
    """What is in use, what is being written (null: nothing), and what was in use, the newest first."""

    in_use = fields.Nested(WordsSchema, required=True)
    draft = fields.Nested(DraftSchema, required=True, allow_none=True)
    versions = fields.List(fields.Nested(VersionSchema), required=True)
    test_addresses = fields.List(fields.String(), required=True)


class SeenSchema(Schema):
    """A message as it would read. `order_name` null: made of samples, for want of an order."""

    subject = fields.String(required=True)
    text = fields.String(required=True)
    html = fields.String(required=True)
    order_name = fields.String(required=True, allow_none=True)
