"""Issues in the JSON API: parcels reported missing, low ratings, messages that failed."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.api.paging import PageQuery, PageSchema

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OUTCOMES = ("arrived", "lost", "settled")


class IssuesQuery(PageQuery):
    closed = fields.Boolean(
        load_default=False, truthy={"true"}, falsy={"false"},
        metadata={"description": "the closed ones, the newest first; else all open ones by what is due first"},
    )  # fmt: skip


class IssueSchema(Schema):
    """An issue. `reply_by`: when the customer is to be answered by, in the desk's hours."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    order_id = fields.Integer(required=True)
    order_name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    parcel = fields.String(required=True, allow_none=True)
    words = fields.String(required=True, allow_none=True)
    opened_at = fields.AwareDateTime(required=True)
    reopened_at = fields.AwareDateTime(required=True, allow_none=True)
    owner = fields.String(required=True, allow_none=True)
    reply_by = fields.AwareDateTime(required=True, allow_none=True)
    first_replied_at = fields.AwareDateTime(required=True, allow_none=True)
    late = fields.Boolean(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    solved = fields.String(required=True, allow_none=True, metadata={"description": "the customer's word: yes or no"})


class IssuePageSchema(PageSchema):
    items = fields.List(fields.Nested(IssueSchema), required=True)


class OwnerBody(Schema):
    owner = fields.String(required=True, validate=validate.Length(max=320), metadata={"description": "empty: nobody"})


class ReplyBody(Schema):
    words = fields.String(required=True, validate=validate.Length(min=1, max=4000))
    seen_replies = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, 10_000),
        metadata={"description": "how many replies there were: a repeated call sends nothing more"},
    )  # fmt: skip


class CloseBody(Schema):
    outcome = fields.String(
        required=True, validate=validate.OneOf(OUTCOMES),
        metadata={"description": "arrived or lost for a missing parcel, settled for the others"},
    )  # fmt: skip


class DoneSchema(Schema):
    changed = fields.Boolean(required=True, metadata={"description": "false: it had been done before"})


class HoursSchema(Schema):
    """The desk's hours: {"mon": [["10:00", "18:00"]] …} in the zone, at most two spans a day, one after the other."""

    zone = fields.String(required=True, validate=validate.Length(max=64), metadata={"description": "Europe/Berlin"})
    days = fields.Dict(
        keys=fields.String(validate=validate.OneOf(WEEKDAYS)),
        values=fields.List(
            fields.List(fields.String(validate=validate.Regexp(r"\A\d\d:\d\d\Z")), validate=validate.Length(equal=2)),
            validate=validate.Length(max=2),
        ),
        required=True,
    )
    goal_minutes = fields.Integer(required=True, strict=True, validate=validate.Range(1, 24 * 60))


class AdoptedSchema(Schema):
    issue_id = fields.Integer(required=True)
