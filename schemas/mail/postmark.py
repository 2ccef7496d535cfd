"""Postmark's webhooks, one record each. Source: postmarkapp.com/developer/webhooks, "Bounce API" (the types)."""

from __future__ import annotations

from schemas import fields as own
from schemas.fields import Flag, Moment, Part, Text
from schemas.mail.base import KEY_NAME, Data, PayloadSchema, Status, load, own_id, read_object, reject
from schemas.mail.events import Heard, MailEvent, MailWord

_BOUNCES = {
    "HardBounce": MailWord.BOUNCED,
    "BadEmailAddress": MailWord.BOUNCED,
    "SpamComplaint": MailWord.COMPLAINED,
    "Unsubscribe": MailWord.UNSUBSCRIBED,
}
# Postmark goes on trying, or a machine answered a message that arrived.
_NO_NEWS = frozenset({
    "Transient", "AutoResponder", "AddressChange", "ChallengeVerification", "Subscribe", "OpenRelayTest",
})  # fmt: skip
_SUPPRESSED = {
    "HardBounce": MailWord.BOUNCED,
    "SpamComplaint": MailWord.COMPLAINED,
    "ManualSuppression": MailWord.UNSUBSCRIBED,
}


class MetadataSchema(PayloadSchema):
    key = Text(300, data_key=KEY_NAME)


class RecordSchema(PayloadSchema):
    RecordType = Text(60)
    ID = Text(40)
    Type = Text(60)
    MessageID = Text(100)
    Email = own.Email()
    Recipient = own.Email()
    BouncedAt = Moment(lenient=True)
    ChangedAt = Moment(lenient=True)
    Details = Status()
    Metadata = Part(MetadataSchema)
    SuppressSending = Flag()
    SuppressionReason = Text(60)
    Origin = Text(60)


def hear(body: bytes) -> Heard:
    """Raises Rejected."""
    data = load(RecordSchema(), read_object(body))
    kind = data["RecordType"]
    if kind is None:
        raise reject("RecordType", "is missing.")
    word = _word(kind, data)
    if word is None:
        return Heard(unused=(f"Postmark: {data['Type'] or kind}",))
    about = kind, data["ID"] or own_id(data["MessageID"], data["ChangedAt"], data["Recipient"])
    return Heard((
        MailEvent(
            event_id=":".join(about),
            word=word,
            at=data["BouncedAt"] or data["ChangedAt"],
            recipient=data["Email"] or data["Recipient"],
            key=data["Metadata"]["key"] if data["Metadata"] else None,
            status=data["Details"],
        ),
    ))  # fmt: skip


def _word(kind: str, data: Data) -> MailWord | None:
    if kind == "SpamComplaint":
        return MailWord.COMPLAINED
    if kind == "Bounce":
        if data["Type"] in _NO_NEWS:
            return None
        return _BOUNCES.get(data["Type"] or "", MailWord.UNDELIVERED)
    if kind == "SubscriptionChange" and data["SuppressSending"]:
        word = _SUPPRESSED.get(data["SuppressionReason"] or "")
        # What the account's owner typed into Postmark is no word of the customer's.
        return None if word is MailWord.UNSUBSCRIBED and data["Origin"] != "Recipient" else word
    return None
