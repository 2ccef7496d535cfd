"""The shop in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields


class ShopSchema(Schema):
    """What the API tells of a shop."""

    platform = fields.String(required=True)
    domain = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    live = fields.Boolean(required=True, metadata={"description": "False: everything is planned, nothing is sent"})
    installed_at = fields.AwareDateTime(required=True)
    live_at = fields.AwareDateTime(required=True, allow_none=True)
    currency = fields.String(required=True, allow_none=True)
    timezone = fields.String(required=True, allow_none=True)
