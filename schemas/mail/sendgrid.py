"""SendGrid's Event Webhook: a list of events. Source: docs.sendgrid.com, "Event Webhook Reference"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from schemas.fields import Email, Text, Word
from schemas.mail.base import (
    KEY_NAME,
    MOST,
    Data,
    PayloadSchema,
    RfcId,
    Status,
    UnixMoment,
    load,
    own_id,
    read_json,
    reject,
)
from schemas.mail.events import Heard, MailEvent, MailWord

_WORDS = {
    "spamreport": MailWord.COMPLAINED,
    "unsubscribe": MailWord.UNSUBSCRIBED,
    "group_unsubscribe": MailWord.UNSUBSCRIBED,
}
# Not even tried, since the address is on a list of the account's. Only the first two say something of the address: who
# complained or unsubscribed may have meant another shop of the same account.
_DEAD = ("bounced address", "invalid")


class EventSchema(PayloadSchema):
    event = Word()
    email = Email()
    timestamp = UnixMoment()
    sg_event_id = Text(150)
    smtp_id = RfcId(data_key="smtp-id")
    type = Word()
    reason = Text(500)
    status = Status()
    key = fields.Raw(data_key=KEY_NAME, load_default=None)


def hear(body: bytes) -> Heard:
    """Raises Rejected."""
    payload = read_json(body)
    if not isinstance(payload, list):
        raise reject("body", "is not a list.")
    if len(payload) > MOST:
        raise reject("body", f"holds more than {MOST} events.")
    events, unused = [], []
    for number, one in enumerate(payload):
        if not isinstance(one, Mapping):
            raise reject(str(number), "is not an object.")
        found = _event(one)
        if isinstance(found, MailEvent):
            events.append(found)
        else:
            unused.append(found)
    return Heard(tuple(events), tuple(unused))


def _event(one: Mapping[str, Any]) -> MailEvent | str:
    data = load(EventSchema(), one)
    if data["event"] is None:
        raise reject("event", "is missing.")
    word = _word(data)
    if word is None:
        return f"SendGrid: {data['event']}"
    return MailEvent(
        event_id=data["sg_event_id"] or own_id(data["event"], data["email"], data["timestamp"], data["smtp_id"]),
        word=word,
        at=data["timestamp"],
        recipient=data["email"],
        key=Text(300).read(data["key"]),
        rfc_id=data["smtp_id"],
        status=data["status"] or (Status().read(data["reason"]) if data["reason"] else None),
    )


def _word(data: Data) -> MailWord | None:
    if data["event"] == "bounce":
        return MailWord.UNDELIVERED if data["type"] == "blocked" else MailWord.BOUNCED
    if data["event"] == "dropped":
        return MailWord.BOUNCED if (data["reason"] or "").lower().startswith(_DEAD) else MailWord.UNDELIVERED
    return _WORDS.get(data["event"])
