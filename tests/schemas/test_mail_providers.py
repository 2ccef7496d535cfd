"""What mail providers' words mean, one by one, and that nothing they send is an error of ours."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mail.base import RfcId, Status, UnixMoment
from schemas.mail.events import Heard
from schemas.mail.providers import PROVIDERS, Rejected, hear
from tests.support.mail_providers import sns

WHO = "jane@example.com"


def words(provider: str, payload: Any) -> list[str]:
    body = sns(payload) if provider == "ses" else json.dumps(payload).encode()
    return [str(event.word) for event in hear(provider, body, "d").events]


def postmark(kind: str) -> dict[str, Any]:
    return {"RecordType": "Bounce", "ID": 1, "Type": kind, "Email": WHO}


def mailgun(**data: Any) -> dict[str, Any]:
    return {"event-data": {"recipient": WHO, "id": "1", **data}, "signature": {"token": "t"}}


def ses(kind: str, sub: str = "General") -> dict[str, Any]:
    return {"eventType": "Bounce", "bounce": {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [
        {"emailAddress": WHO}]}, "mail": {}}  # fmt: skip


def resend(**bounce: Any) -> dict[str, Any]:
    return {"type": "email.bounced", "data": {"to": [WHO], "bounce": bounce}}


def dropped(reason: str) -> list[dict[str, Any]]:
    return [{"event": "dropped", "reason": reason, "email": WHO, "sg_event_id": "1"}]


@pytest.mark.parametrize(("provider", "payload", "word"), [
    ("ses", ses("Permanent"), "bounced"),
    ("ses", ses("Permanent", "NoEmail"), "bounced"),
    ("ses", ses("Permanent", "Suppressed"), "bounced"),
    ("ses", ses("Permanent", "OnAccountSuppressionList"), "undelivered"),
    ("ses", ses("Transient", "MailboxFull"), "undelivered"),
    ("ses", ses("Undetermined"), "undelivered"),
    ("ses", {"eventType": "Complaint", "complaint": {"complaintFeedbackType": "not-spam",
             "complainedRecipients": [{"emailAddress": WHO}]}, "mail": {}}, None),
    ("ses", {"eventType": "Delivery", "mail": {}}, None),
    ("ses", {"eventType": "Subscription", "mail": {"destination": [WHO]}, "subscription": {
             "newTopicPreferences": {"unsubscribeAll": True}}}, "unsubscribed"),
    ("sendgrid", [{"event": "bounce", "type": "bounce", "email": WHO}], "bounced"),
    ("sendgrid", [{"event": "bounce", "type": "blocked", "email": WHO}], "undelivered"),
    ("sendgrid", dropped("Bounced Address"), "bounced"),
    ("sendgrid", dropped("Invalid"), "bounced"),
    # Of an account with many shops it may have been another one.
    ("sendgrid", dropped("Spam Reporting Address"), "undelivered"),
    ("sendgrid", dropped("Unsubscribed Address"), "undelivered"),
    ("sendgrid", [{"event": "deferred", "email": WHO}], None),
    ("sendgrid", [{"event": "group_unsubscribe", "email": WHO}], "unsubscribed"),
    ("postmark", postmark("HardBounce"), "bounced"),
    ("postmark", postmark("BadEmailAddress"), "bounced"),
    ("postmark", postmark("SoftBounce"), "undelivered"),
    ("postmark", postmark("SpamNotification"), "undelivered"),
    ("postmark", postmark("Blocked"), "undelivered"),
    ("postmark", postmark("SomethingNew"), "undelivered"),
    ("postmark", postmark("Transient"), None),
    ("postmark", postmark("AutoResponder"), None),
    ("postmark", {"RecordType": "SubscriptionChange", "SuppressSending": True, "Recipient": WHO, "Origin": "Recipient",
                  "SuppressionReason": "ManualSuppression"}, "unsubscribed"),
    ("postmark", {"RecordType": "SubscriptionChange", "SuppressSending": True, "Recipient": WHO, "Origin": "Customer",
                  "SuppressionReason": "ManualSuppression"}, None),
    ("postmark", {"RecordType": "SubscriptionChange", "SuppressSending": False, "Recipient": WHO}, None),
    ("mailgun", mailgun(event="failed", severity="temporary", reason="bounce"), None),
    ("mailgun", mailgun(event="failed", severity="permanent", reason="bounce"), "bounced"),
    ("mailgun", mailgun(event="failed", severity="permanent", reason="suppress-bounce"), "bounced"),
    ("mailgun", mailgun(event="failed", severity="permanent", reason="suppress-complaint"), "undelivered"),
    ("mailgun", mailgun(event="failed", severity="permanent", reason="bounce",
                        **{"delivery-status": {"message": "5.7.1 blocked"}}), "undelivered"),
    ("mailgun", mailgun(event="complained"), "complained"),
    ("mailgun", mailgun(event="opened"), None),
    ("resend", resend(type="Permanent", subType="General"), "bounced"),
    ("resend", resend(type="Permanent", subType="OnAccountSuppressionList"), "undelivered"),
    ("resend", resend(type="Transient"), "undelivered"),
    ("resend", resend(), "bounced"),
    ("resend", {"type": "email.delivered", "data": {"to": [WHO]}}, None),
])  # fmt: skip
def test_what_a_word_means(provider: str, payload: Any, word: str | None) -> None:
    assert words(provider, payload) == ([word] if word else [])


@pytest.mark.parametrize(("given", "kept"), [
    ("<a.b-c@example.com>", "a.b-c"), ("a@example.com", "a"), ("custom-message-ID", None), ("a b@c", None), (5, None),
])  # fmt: skip
def test_message_ids(given: object, kept: str | None) -> None:
    assert RfcId().read(given) == kept


@pytest.mark.parametrize(("given", "kept"), [
    ("smtp; 550 5.1.1 <jane@example.com>... User unknown", "5.1.1"), ("550 no", None), ("from 10.5.1.1", None),
    ({"a": 1}, None),
])  # fmt: skip
def test_status_codes_are_read_and_nothing_beside_them(given: object, kept: str | None) -> None:
    assert Status().read(given) == kept


@pytest.mark.parametrize("value", ["x", 1e300, float("nan"), -1, "99999999999999", [], True, None])
def test_moments_that_are_none(value: object) -> None:
    assert UnixMoment().deserialize(value) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["event", "event-data", "signature", "type", "data", "bounce", "to", "email", "RecordType", "Type", "mail",
         "headers", "Message", "MessageId", "TopicArn", "Metadata", "recipient", "severity", "eventType", "complaint"]
    ) | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
@given(payload=JSON)
def test_whatever_comes_is_events_or_refused(provider: str, payload: Any) -> None:
    with suppress(Rejected):
        assert isinstance(hear(provider, json.dumps(payload).encode(), "d"), Heard)
