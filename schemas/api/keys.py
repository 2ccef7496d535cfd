"""Keys in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class KeyBody(Schema):
    name = fields.String(required=True, validate=[validate.Length(1, 80), validate.Regexp(r"\s*\S")])
    makes_keys = fields.Boolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"description": "it may make and revoke keys itself"}
    )


class KeySchema(Schema):
    """A key that opens. `hint`: how it ends."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    hint = fields.String(required=True)
    makes_keys = fields.Boolean(required=True)
    made_at = fields.AwareDateTime(required=True)
    made_by = fields.String(required=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)


class KeyListSchema(Schema):
    items = fields.List(fields.Nested(KeySchema), required=True, metadata={"description": "the newest first"})


class NewKeySchema(Schema):
    """`secret` is the key itself: in this answer and in no other."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    secret = fields.String(required=True)
