"""The feedback desk in the JSON API: answers with their tags, the tags, scores with intervals, and what was mended."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.api.paging import PageQuery, PageSchema
from schemas.settings import LANGUAGES

ROW = validate.Range(1, 2**62)


class FeedbackQuery(PageQuery):
    band = fields.String(
        load_default=None, validate=validate.OneOf(["low", "middle", "high"]),
        metadata={"description": "satisfaction of 1–2, 3 or 4–5"},
    )  # fmt: skip
    tag = fields.Integer(load_default=None, validate=ROW)
    product = fields.String(
        load_default=None, validate=validate.Length(max=64), metadata={"description": "the platform's id"}
    )
    worded = fields.Boolean(
        load_default=False, truthy={"true"}, falsy={"false"}, metadata={"description": "only answers with words"}
    )
    since = fields.AwareDateTime(load_default=None)


class TagMarkSchema(Schema):
    id = fields.Integer(required=True)
    name_en = fields.String(required=True)
    name_ko = fields.String(required=True)
    by = fields.String(required=True, metadata={"description": "suggested, or hand"})


class FeedbackSchema(Schema):
    """An answer. `issue_open`: a low rating that nobody has settled, so nothing is sold to its customer."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    order_name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    satisfaction = fields.Integer(required=True, allow_none=True)
    recommendation = fields.Integer(required=True, allow_none=True)
    words = fields.String(required=True, allow_none=True)
    answered_at = fields.AwareDateTime(required=True)
    tags = fields.List(fields.Nested(TagMarkSchema), required=True)
    issue_id = fields.Integer(required=True, allow_none=True)
    issue_kind = fields.String(required=True, allow_none=True)
    issue_open = fields.Boolean(required=True)


class FeedbackPageSchema(PageSchema):
    items = fields.List(fields.Nested(FeedbackSchema), required=True)


class CorrectBody(Schema):
    do = fields.String(required=True, validate=validate.OneOf(["add", "remove", "confirm"]))


class TagSchema(Schema):
    """A tag. `key`: of the starting set. `answers`: how many carry it."""

    id = fields.Integer(required=True)
    key = fields.String(required=True, allow_none=True)
    name_en = fields.String(required=True)
    name_ko = fields.String(required=True)
    words = fields.List(fields.String(), required=True)
    retired = fields.Boolean(required=True)
    answers = fields.Integer(required=True)


class TagsSchema(Schema):
    items = fields.List(fields.Nested(TagSchema), required=True)


class TagBody(Schema):
    name_en = fields.String(load_default="", validate=validate.Length(max=200))
    name_ko = fields.String(load_default="", validate=validate.Length(max=200))
    words = fields.List(fields.String(validate=validate.Length(max=200)), load_default=list,
                        validate=validate.Length(max=100))  # fmt: skip


class TagChangeBody(TagBody):
    retired = fields.Boolean(load_default=False)


class MadeSchema(Schema):
    id = fields.Integer(required=True, allow_none=True)


class IntervalSchema(Schema):
    """Between `low` and `high` with 95 % certainty. Shares are 0 to 1, NPS −100 to 100."""

    value = fields.Float(required=True)
    low = fields.Float(required=True)
    high = fields.Float(required=True)
    n = fields.Integer(required=True)
    few = fields.Boolean(required=True, metadata={"description": "under 30: little is certain"})


class ScoresSchema(Schema):
    answers = fields.Integer(required=True)
    csat = fields.Nested(IntervalSchema, required=True, allow_none=True)
    nps = fields.Nested(IntervalSchema, required=True, allow_none=True)


class StretchSchema(Schema):
    first = fields.Date(required=True)
    scores = fields.Nested(ScoresSchema, required=True)


class AboutSchema(Schema):
    id = fields.Raw(required=True, metadata={"description": "a tag's number, or a product's id of the platform"})
    name_en = fields.String(required=True)
    name_ko = fields.String(required=True)
    scores = fields.Nested(ScoresSchema, required=True)


class ScoreQuery(Schema):
    period = fields.String(
        load_default="months", validate=validate.OneOf(["90", "months"]),
        metadata={"description": "13 weeks, or 12 months"},
    )  # fmt: skip


class ScoreReportSchema(Schema):
    period = fields.String(required=True)
    first = fields.Date(required=True)
    last = fields.Date(required=True)
    total = fields.Nested(ScoresSchema, required=True)
    drawn = fields.List(fields.Nested(StretchSchema), required=True)
    by_tag = fields.List(fields.Nested(AboutSchema), required=True)
    by_product = fields.List(fields.Nested(AboutSchema), required=True)


class MendingSchema(Schema):
    id = fields.Integer(required=True)
    tag_id = fields.Integer(required=True)
    name_en = fields.String(required=True)
    name_ko = fields.String(required=True)
    sentence_en = fields.String(required=True, allow_none=True)
    sentence_ko = fields.String(required=True, allow_none=True)
    actor = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)
    undone_at = fields.AwareDateTime(required=True, allow_none=True)
    planning = fields.Boolean(required=True, metadata={"description": "some customers are still to be planned"})


class MendingsSchema(Schema):
    items = fields.List(fields.Nested(MendingSchema), required=True)
    newest = fields.Integer(required=True, metadata={"description": "pass it as `seen`"})


class NamedSchema(Schema):
    order_id = fields.Integer(required=True)
    order_name = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class AudienceSchema(Schema):
    """Customers who raised it: who gets the mail `now`, `later` or `never`, and why not; the first 50 by name."""

    raised = fields.Integer(required=True)
    now = fields.Integer(required=True)
    later = fields.Integer(required=True)
    never = fields.Integer(required=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    would = fields.List(fields.Nested(NamedSchema), required=True)
    would_not = fields.List(fields.Nested(NamedSchema), required=True)


class MailQuery(Schema):
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    sentence = fields.String(required=True, validate=validate.Length(1, 500))


class MailSchema(Schema):
    subject = fields.String(required=True)
    html = fields.String(required=True)
    text = fields.String(required=True)


class MendingBody(Schema):
    tag = fields.Integer(required=True, strict=True, validate=ROW)
    sentence_en = fields.String(load_default="", validate=validate.Length(max=2000))
    sentence_ko = fields.String(load_default="", validate=validate.Length(max=2000))
    seen = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, 2**62),
        metadata={"description": "`newest` of the list: a repeated call mends nothing more"},
    )  # fmt: skip


class GroupSchema(Schema):
    customers = fields.Integer(required=True)
    bought = fields.Integer(required=True)
    share = fields.Nested(IntervalSchema, required=True, allow_none=True)


class OutcomeSchema(MendingSchema):
    """`told` and `others`: who bought again within `days`, among those told and those who had not complained."""

    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    days = fields.Integer(required=True)
    told = fields.Nested(GroupSchema, required=True)
    waiting = fields.Integer(required=True)
    others = fields.Nested(GroupSchema, required=True)
    gap = fields.List(
        fields.Float(), required=True, allow_none=True, metadata={"description": "told minus others, low, high"}
    )
    verdict = fields.String(required=True, metadata={"description": "nobody, early, few, unclear, more or less"})
