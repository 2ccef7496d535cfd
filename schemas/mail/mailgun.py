"""Mailgun's webhooks: `event-data` beside a `signature` that does not cover it.

Source: documentation.mailgun.com, "Webhooks" and "Event structure".
"""

from __future__ import annotations

from marshmallow import fields

from schemas.fields import Email, Part, Text, Word
from schemas.mail.base import KEY_NAME, Data, PayloadSchema, RfcId, Status, UnixMoment, load, read_object, reject
from schemas.mail.events import Heard, MailEvent, MailWord

_WORDS = {
    "complained": MailWord.COMPLAINED,
    "unsubscribed": MailWord.UNSUBSCRIBED,
    "rejected": MailWord.UNDELIVERED,
}
_DEAD = frozenset({"bounce", "suppress-bounce", "hardfail"})


class HeadersSchema(PayloadSchema):
    rfc_id = RfcId(data_key="message-id")


class MessageSchema(PayloadSchema):
    headers = Part(HeadersSchema)


class StatusSchema(PayloadSchema):
    message = Status()
    enhanced = Status(data_key="enhanced-code")


class VariablesSchema(PayloadSchema):
    key = Text(300, data_key=KEY_NAME)


class EventSchema(PayloadSchema):
    event = Word()
    id = Text(100)
    timestamp = UnixMoment()
    severity = Word()
    reason = Word()
    recipient = Email()
    message = Part(MessageSchema)
    variables = Part(VariablesSchema, data_key="user-variables")
    status = Part(StatusSchema, data_key="delivery-status")


class SignatureSchema(PayloadSchema):
    timestamp = Text(20)
    token = Text(100)
    signature = Text(100)


class WebhookSchema(PayloadSchema):
    event = fields.Nested(EventSchema, data_key="event-data", required=True)
    signature = fields.Nested(SignatureSchema, required=True)


def read_signature(body: bytes) -> Data:
    """`timestamp`, `token` and `signature`, each a text or None. Raises Rejected."""
    found: Data = load(WebhookSchema(only=("signature",)), read_object(body))["signature"]
    return found


def hear(body: bytes) -> Heard:
    """Raises Rejected."""
    loaded = load(WebhookSchema(), read_object(body))
    data = loaded["event"]
    if data["event"] is None:
        raise reject("event-data.event", "is missing.")
    word = _word(data)
    if word is None:
        return Heard(unused=(f"Mailgun: {data['event']}",))
    headers = data["message"]["headers"] if data["message"] else None
    return Heard((
        MailEvent(
            event_id=data["id"] or loaded["signature"]["token"] or "",
            word=word,
            at=data["timestamp"],
            recipient=data["recipient"],
            key=data["variables"]["key"] if data["variables"] else None,
            rfc_id=headers["rfc_id"] if headers else None,
            status=_status(data),
        ),
    ))  # fmt: skip


def _word(data: Data) -> MailWord | None:
    if data["event"] != "failed":
        return _WORDS.get(data["event"])
    if data["severity"] == "temporary":
        return None
    # 5.7 is the other side's policy, and speaks of us rather than of the address.
    dead = data["reason"] in _DEAD and not (_status(data) or "").startswith("5.7.")
    return MailWord.BOUNCED if dead else MailWord.UNDELIVERED


def _status(data: Data) -> str | None:
    told = data["status"]
    return told["enhanced"] or told["message"] if told else None
