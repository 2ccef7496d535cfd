"""Amazon SES through SNS: an envelope whose `Message` is the event as JSON text.

Source: docs.aws.amazon.com/ses, "Amazon SNS notification contents" and "event data"; sns, "HTTP/HTTPS notification
JSON format". Event publishing calls the kind `eventType`, the older notifications `notificationType`.
"""

from __future__ import annotations

from datetime import datetime

from marshmallow import fields

from schemas.fields import Email, Flag, Moment, Part, Text
from schemas.mail.base import (
    KEY_HEADER,
    Data,
    HeaderSchema,
    PayloadSchema,
    RfcId,
    Status,
    header_of,
    load,
    read_object,
    reject,
)
from schemas.mail.events import Confirmation, Heard, MailEvent, MailWord

NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"


class EnvelopeSchema(PayloadSchema):
    """Of SNS. `Message` and the URLs are taken as they stand: they are signed."""

    Type = Text(60)
    MessageId = Text(100)
    TopicArn = Text(300)
    Message = fields.String(load_default=None, allow_none=True)
    SubscribeURL = fields.String(load_default=None, allow_none=True)


class RecipientSchema(PayloadSchema):
    emailAddress = Email()  # noqa: N815
    status = Status()
    diagnosticCode = Status()  # noqa: N815


class BounceSchema(PayloadSchema):
    bounceType = Text(40)  # noqa: N815
    bounceSubType = Text(60)  # noqa: N815
    bouncedRecipients = Part(RecipientSchema, many=True)  # noqa: N815
    timestamp = Moment(lenient=True)


class ComplaintSchema(PayloadSchema):
    complainedRecipients = Part(RecipientSchema, many=True)  # noqa: N815
    complaintFeedbackType = Text(60)  # noqa: N815
    timestamp = Moment(lenient=True)


class PreferencesSchema(PayloadSchema):
    unsubscribeAll = Flag()  # noqa: N815


class SubscriptionSchema(PayloadSchema):
    timestamp = Moment(lenient=True)
    newTopicPreferences = Part(PreferencesSchema)  # noqa: N815


class MailSchema(PayloadSchema):
    destination = fields.List(Email(), load_default=None, allow_none=True)
    headers = Part(HeaderSchema, many=True)
    timestamp = Moment(lenient=True)


class EventSchema(PayloadSchema):
    eventType = Text(60)  # noqa: N815
    notificationType = Text(60)  # noqa: N815
    mail = Part(MailSchema)
    bounce = Part(BounceSchema)
    complaint = Part(ComplaintSchema)
    subscription = Part(SubscriptionSchema)


def read_envelope(body: bytes) -> Data:
    """The envelope. Raises Rejected when it is none, or names no topic or id."""
    data = load(EnvelopeSchema(), read_object(body))
    for field in ("Type", "MessageId", "TopicArn"):
        if not data[field]:
            raise reject(field, "is missing.")
    return data


def confirmation(envelope: Data) -> Confirmation | None:
    """What SNS asks before it tells anything; None when this is no such question."""
    if envelope["Type"] != CONFIRMATION:
        return None
    return Confirmation(envelope["TopicArn"], envelope["SubscribeURL"] or "")


def hear(body: bytes) -> Heard:
    """Raises Rejected."""
    envelope = read_envelope(body)
    if envelope["Type"] != NOTIFICATION:
        return Heard(unused=(f"SNS: {envelope['Type']}",))
    text = envelope["Message"] or ""
    if not text.lstrip().startswith("{"):  # "Successfully validated SNS topic for Amazon SES event publishing."
        return Heard(unused=("SNS: a note in words",))
    data = load(EventSchema(), read_object(text.encode(errors="replace")))
    kind = data["eventType"] or data["notificationType"]
    if kind is None:
        raise reject("eventType", "is missing.")
    mail = data["mail"] or load(MailSchema(), {})
    told = _told(kind, data, mail)
    if told is None:
        return Heard(unused=(f"SES: {kind}",))
    word, at, recipients = told
    key, rfc_id = header_of(mail["headers"], KEY_HEADER), header_of(mail["headers"], "message-id")
    return Heard(tuple(
        MailEvent(
            event_id=f"{envelope['MessageId']}:{number}", word=word, at=at, recipient=one["emailAddress"], key=key,
            rfc_id=RfcId().read(rfc_id), status=one["status"] or one["diagnosticCode"],
        )
        for number, one in enumerate(recipients)
    ))  # fmt: skip


def _told(kind: str, data: Data, mail: Data) -> tuple[MailWord, datetime | None, list[Data]] | None:
    everyone = [{"emailAddress": one, "status": None, "diagnosticCode": None} for one in mail["destination"] or []]
    if kind == "Bounce" and (bounce := data["bounce"]):
        # The account's own list holds those who complained about anyone as well: it says nothing of this address.
        dead = bounce["bounceType"] == "Permanent" and bounce["bounceSubType"] != "OnAccountSuppressionList"
        word = MailWord.BOUNCED if dead else MailWord.UNDELIVERED
        return word, bounce["timestamp"], bounce["bouncedRecipients"]
    if kind == "Complaint" and (complaint := data["complaint"]):
        if complaint["complaintFeedbackType"] == "not-spam":
            return None
        return MailWord.COMPLAINED, complaint["timestamp"], complaint["complainedRecipients"]
    if kind == "Reject":
        return MailWord.UNDELIVERED, mail["timestamp"], everyone
    if kind == "Subscription" and (told := data["subscription"]):
        wishes = told["newTopicPreferences"]
        return (MailWord.UNSUBSCRIBED, told["timestamp"], everyone) if wishes and wishes["unsubscribeAll"] else None
    return None
