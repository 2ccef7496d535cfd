"""Resend's webhooks. Source: resend.com/docs/dashboard/webhooks/event-types."""

from __future__ import annotations

from marshmallow import fields

from schemas.fields import Email, Moment, Part, Text, Word
from schemas.mail.base import KEY_HEADER, Data, HeaderSchema, PayloadSchema, header_of, load, read_object, reject
from schemas.mail.events import Heard, MailEvent, MailWord

_WORDS = {
    "email.complained": MailWord.COMPLAINED,
    "email.failed": MailWord.UNDELIVERED,
    "email.suppressed": MailWord.UNDELIVERED,
}


class BounceSchema(PayloadSchema):
    type = Word()
    subType = Word()  # noqa: N815
    message = Text(500)


class DataSchema(PayloadSchema):
    to = fields.List(Email(), load_default=None, allow_none=True)
    headers = Part(HeaderSchema, many=True)
    bounce = Part(BounceSchema)


class WebhookSchema(PayloadSchema):
    type = Word()
    created_at = Moment(lenient=True)
    data = fields.Nested(DataSchema, required=True)


def hear(body: bytes, delivery: str) -> Heard:
    """`delivery`: the id of the delivery (`svix-id`), the same in every try. Raises Rejected."""
    loaded = load(WebhookSchema(), read_object(body))
    kind, data = loaded["type"], loaded["data"]
    if kind is None:
        raise reject("type", "is missing.")
    word = _bounce(data["bounce"]) if kind == "email.bounced" else _WORDS.get(kind)
    if word is None:
        return Heard(unused=(f"Resend: {kind}",))
    key = header_of(data["headers"], KEY_HEADER)
    return Heard(tuple(
        MailEvent(event_id=f"{delivery}:{number}", word=word, at=loaded["created_at"], recipient=to, key=key)
        for number, to in enumerate(data["to"] or [None])
    ))  # fmt: skip


def _bounce(bounce: Data | None) -> MailWord:
    """Only for good when it says so, or says nothing: Resend tells of bounces that are permanent."""
    bounce = bounce or load(BounceSchema(), {})
    # The account's list holds those who complained about anyone as well.
    listed = bounce["subType"] == "onaccountsuppressionlist" or "suppression list" in (bounce["message"] or "").lower()
    if listed or bounce["type"] not in (None, "permanent"):
        return MailWord.UNDELIVERED
    return MailWord.BOUNCED
