"""What the platform told and could not be read, in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.api.paging import PageSchema


class NoticeSchema(Schema):
    id = fields.Integer(required=True)
    topic = fields.String(required=True, metadata={"description": "as the platform names it: orders/create"})
    received_at = fields.AwareDateTime(required=True)
    state = fields.String(required=True, metadata={"enum": ["rejected", "failed"]})
    reason = fields.String(required=True)
    body_left = fields.Boolean(required=True, metadata={"description": "false: too old to be tried again"})


class NoticePageSchema(PageSchema):
    items = fields.List(fields.Nested(NoticeSchema), required=True)


class TriedSchema(Schema):
    count = fields.Integer(required=True, metadata={"description": "how many are being read again"})
