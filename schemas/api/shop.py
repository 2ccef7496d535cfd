"""The shop in the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


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


class LiveLineSchema(Schema):
    """What going live does with one step's messages that are held for it."""

    at_once = fields.Integer(required=True)
    later = fields.Integer(required=True)
    stale = fields.Integer(required=True, metadata={"description": "too late by now: withheld"})


class LiveSchema(Schema):
    """`missing`: what the shop must say of itself before it may go live."""

    live = fields.Boolean(required=True)
    missing = fields.List(fields.String(), required=True)
    steps = fields.Dict(keys=fields.String(), values=fields.Nested(LiveLineSchema), required=True)


class DnsRecordSchema(Schema):
    """What one entry of the sender's domain says. `value`: what stands at `name`, or what to add there."""

    kind = fields.String(required=True, validate=validate.OneOf(["spf", "dkim", "dmarc"]))
    state = fields.String(
        required=True, validate=validate.OneOf(["good", "weak", "missing", "several", "hidden", "unreachable"])
    )
    name = fields.String(required=True)
    value = fields.String(required=True, allow_none=True)


class SenderStateSchema(Schema):
    """The sender's address. Nothing about messages depends on it; an unverified one is only warned of."""

    state = fields.String(required=True, validate=validate.OneOf(["none", "set", "asked", "verified"]))
    address = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when its link was mailed, or used"}
    )
    looked_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when its domain was looked up"}
    )
    records = fields.List(fields.Nested(DnsRecordSchema), required=True)


class LiveBody(Schema):
    live = fields.Boolean(required=True, truthy={True}, falsy={False})
