"""customers/create, update, delete and merge, and the two consent topics.

Since 2025-01 customer payloads carry no consent; older versions do, as `email_marketing_consent` (from 2024-01) or as
`accepts_marketing`. Both are read where they are present. A word of consent that we do not know is neither a yes nor an
opt-out.
"""

from __future__ import annotations

from datetime import datetime

from schemas.events import (
    Channel,
    ConsentChanged,
    ConsentSource,
    ConsentState,
    CustomerDeleted,
    CustomerSeen,
    CustomersMerged,
    Event,
    Parsed,
)
from schemas.fields import Email, Flag, Locale, Moment, Part, Phone, PlatformId, Text, Word
from schemas.shopify.base import AnyId, Data, Gid, Payload, PayloadSchema, identity, load, needed

_STATES = {state.value: state for state in ConsentState}
_MERGED = (None, "completed", "complete", "success", "succeeded")


class ConsentSchema(PayloadSchema):
    state = Word()
    consent_updated_at = Moment(lenient=True)


class CustomerSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Customer")
    email = Email()
    phone = Phone()
    first_name = Text(100)
    last_name = Text(100)
    locale = Locale()
    updated_at = Moment(lenient=True)
    email_marketing_consent = Part(ConsentSchema)
    sms_marketing_consent = Part(ConsentSchema)
    accepts_marketing = Flag(default=None)
    accepts_marketing_updated_at = Moment(lenient=True)


class EmailConsentSchema(PayloadSchema):
    customer_id = AnyId("Customer")
    email_address = Email()
    email_marketing_consent = Part(ConsentSchema)


class SmsConsentSchema(PayloadSchema):
    id = AnyId("Customer")
    phone = Phone()
    sms_marketing_consent = Part(ConsentSchema)


class MergeSchema(PayloadSchema):
    admin_graphql_api_customer_kept_id = AnyId("Customer")
    admin_graphql_api_customer_deleted_id = AnyId("Customer")
    status = Word()


class DeletedSchema(PayloadSchema):
    id = PlatformId()
    admin_graphql_api_id = Gid("Customer")


CUSTOMER = CustomerSchema()
DELETED = DeletedSchema()
EMAIL_CONSENT = EmailConsentSchema()
SMS_CONSENT = SmsConsentSchema()
MERGE = MergeSchema()


def consent_word(
    channel: Channel, address: str | None, data: Data | None, customer_id: str | None
) -> ConsentChanged | None:
    """The event that a loaded consent object stands for; None without a state or an address."""
    if not data or not data["state"] or not address:
        return None
    return ConsentChanged(
        channel=channel,
        address=address,
        state=_STATES.get(data["state"], ConsentState.NOT_SUBSCRIBED),
        source=ConsentSource.CONSENT,
        at=data["consent_updated_at"],
        customer_id=customer_id,
    )


def told_consents(data: Data, customer_id: str | None) -> list[Event]:
    """The words of consent inside a loaded customer.

    `accepts_marketing: false` says "never asked" and "no longer" alike, so it is no opt-out.
    """
    email = consent_word(Channel.EMAIL, data["email"], data["email_marketing_consent"], customer_id)
    if email is None and data["accepts_marketing"] is not None and data["email"]:
        email = ConsentChanged(
            channel=Channel.EMAIL,
            address=data["email"],
            state=ConsentState.SUBSCRIBED if data["accepts_marketing"] else ConsentState.NOT_SUBSCRIBED,
            source=ConsentSource.CONSENT,
            at=data["accepts_marketing_updated_at"],
            customer_id=customer_id,
        )
    sms = consent_word(Channel.SMS, data["phone"], data["sms_marketing_consent"], customer_id)
    return [word for word in (email, sms) if word is not None]


def customer_seen(data: Data, snapshot_at: datetime | None, locale: str | None = None) -> CustomerSeen | None:
    """A loaded customer, None without an id. `snapshot_at`: when the payload was true, for one that does not say it."""
    customer_id = identity(data)
    if customer_id is None:
        return None
    return CustomerSeen(
        customer_id=customer_id,
        updated_at=data["updated_at"] or snapshot_at,
        email=data["email"],
        phone=data["phone"],
        first_name=data["first_name"],
        last_name=data["last_name"],
        locale=data["locale"] or locale,
    )


def parse_customer(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(CUSTOMER, payload)
    seen = needed(customer_seen(data, triggered_at), "id")
    return Parsed((seen, *told_consents(data, seen.customer_id)))


def parse_deleted(payload: Payload, triggered_at: datetime | None) -> Parsed:
    return Parsed((CustomerDeleted(customer_id=needed(identity(load(DELETED, payload)), "id")),))


def parse_merge(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(MERGE, payload)
    kept, deleted = data["admin_graphql_api_customer_kept_id"], data["admin_graphql_api_customer_deleted_id"]
    if data["status"] not in _MERGED:
        return Parsed((), "the merge of two customers did not happen: its status is not completed")
    if kept is None or deleted is None or kept == deleted:
        return Parsed((), "the merge does not name two customers")
    return Parsed((CustomersMerged(kept_id=kept, deleted_id=deleted),))


def parse_email_consent(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(EMAIL_CONSENT, payload)
    return _consent(Channel.EMAIL, data["email_address"], data["email_marketing_consent"], data["customer_id"])


def parse_sms_consent(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(SMS_CONSENT, payload)
    return _consent(Channel.SMS, data["phone"], data["sms_marketing_consent"], data["id"])


def _consent(channel: Channel, address: str | None, data: Data | None, customer_id: str | None) -> Parsed:
    if not address:
        kind = "e-mail address" if channel is Channel.EMAIL else "phone number"
        return Parsed((), f"the consent is for no {kind} that can be used")
    word = consent_word(channel, address, data, customer_id)
    return Parsed((word,)) if word else Parsed((), "the consent has no state")
