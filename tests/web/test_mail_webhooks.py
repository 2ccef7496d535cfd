"""The mail providers' door: what is not signed by the provider is not taken, and what is taken is committed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from plugin.channels.email.providers import sns as sns_module
from plugin.channels.email.providers.signatures import Refused, sendgrid
from plugin.store.models.mail_events import MailNonce, MailWebhook
from schemas.mail.providers import PROVIDERS
from tests.support.mail_providers import (
    CERTIFICATE,
    MAILGUN_KEY,
    SVIX_SECRET,
    AmazonHost,
    certificate,
    event,
    secrets,
    signed,
    sns,
)
from tests.web.scenes import ADDRESS, Scene
from tests.web.test_webhooks import problem

# SendGrid's own vector, from sendgrid-python's test/unit/test_eventwebhook.py (MIT); the body ends in CRLF.
VECTOR_KEY = ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvV"
              "piglSI8eNEc6wEA3F+g==")  # fmt: skip
VECTOR_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
VECTOR_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


@pytest.fixture
def host(tea: Scene) -> AmazonHost:
    host = AmazonHost()
    tea.ctx.settings = replace(tea.ctx.settings, email_webhooks=secrets())
    tea.ctx.amazon = host.amazon()  # type: ignore[misc]
    return host


def post(client: FlaskClient, provider: str, headers: dict[str, str], body: bytes) -> Any:
    return client.post(f"/webhooks/email/{provider}", headers=headers, data=body)


def bounced(provider: str) -> Any:
    return event(provider, "bounced", ADDRESS)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_signed_event_is_kept_and_answered(tea: Scene, host: AmazonHost, client: FlaskClient, provider: str) -> None:
    answer = post(client, provider, *signed(provider, bounced(provider)))
    assert (answer.status_code, answer.get_json()) == (200, {"status_code": 200})
    (row,) = tea.rows(MailWebhook)
    assert (row.provider, row.word, row.state) == (provider, "bounced", "received")
    assert ADDRESS not in f"{row.recipient}{row.body}{row.key}{row.event_id}"
    assert tea.ctx.queues.nudges == ["ingest"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_without_a_secret_is_not_there(tea: Scene, client: FlaskClient, provider: str) -> None:
    assert problem(post(client, provider, *signed(provider, bounced(provider)))) == (404, "not_found", None)
    assert tea.rows(MailWebhook) == []


@pytest.mark.parametrize("provider", ["", "nobody", "SES", "../shopify"])
def test_others_are_not_there_either(host: AmazonHost, client: FlaskClient, provider: str) -> None:
    assert post(client, provider, {}, b"{}").status_code in (404, 400)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_body_that_was_changed_is_refused(tea: Scene, host: AmazonHost, client: FlaskClient, provider: str) -> None:
    headers, body = signed(provider, bounced(provider))
    if provider == "postmark":
        headers = {"Authorization": "Basic " + base64.b64encode(b"dasi:wrong").decode()}
    elif provider == "mailgun":
        body = body.replace(b'"token": "', b'"token": "0')
    else:
        body = body.replace(ADDRESS.encode(), b"x" + ADDRESS.encode())
    status, word, _ = problem(post(client, provider, headers, body))
    assert status == 401
    assert word.startswith("wrong_")
    assert tea.rows(MailWebhook) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unsigned_body_is_refused(tea: Scene, host: AmazonHost, client: FlaskClient, provider: str) -> None:
    _, body = signed(provider, bounced(provider))
    if provider in ("ses", "mailgun"):
        payload = json.loads(body)
        payload.pop("Signature", None)
        payload.pop("signature", None)
        body = json.dumps(payload).encode()
    assert post(client, provider, {}, body).status_code in (400, 401)
    assert tea.rows(MailWebhook) == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b"null", b"7", b"{}", b'{"signature": 5}'])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_rubbish_is_no_error_of_ours(host: AmazonHost, client: FlaskClient, provider: str, body: bytes) -> None:
    assert 400 <= post(client, provider, {}, body).status_code < 500


@pytest.mark.parametrize("provider", ["sendgrid", "postmark", "resend"])
def test_a_signed_body_that_cannot_be_read_is_kept_and_accepted(
    tea: Scene, host: AmazonHost, client: FlaskClient, provider: str
) -> None:
    for body in (b"\xff", b'[{"event": {}}]', b"[[]]"):
        assert post(client, provider, *signed(provider, body)).status_code == 200
    rows = tea.rows(MailWebhook)
    assert {row.state for row in rows} == {"rejected"}
    assert [tea.ctx.vault.open_bytes(row.body) for row in rows] == [b"\xff", b'[{"event": {}}]', b"[[]]"]


def test_sendgrids_own_vector() -> None:
    """A public sample: the timestamp and the raw body, line end and all, are what is signed."""
    headers = {"X-Twilio-Email-Event-Webhook-Signature": VECTOR_SIGNATURE,
               "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502"}  # fmt: skip
    now = datetime.now(UTC)
    sendgrid(headers, VECTOR_BODY, [VECTOR_KEY], now)
    for wrong in (VECTOR_BODY.strip(), VECTOR_BODY.replace(b"hello", b"hallo")):
        with pytest.raises(Refused):
            sendgrid(headers, wrong, [VECTOR_KEY], now)


def test_mailguns_token_signs_one_body_only(tea: Scene, host: AmazonHost, client: FlaskClient) -> None:
    """The body is not part of the signature: whoever reads one webhook could else say anything with it."""
    _, first = signed("mailgun", {"event-data": {"event": "delivered"}})
    assert post(client, "mailgun", {}, first).status_code == 200
    assert post(client, "mailgun", {}, first).status_code == 200  # a repetition is one
    forged = json.dumps({**bounced("mailgun"), "signature": json.loads(first)["signature"]}).encode()
    assert problem(post(client, "mailgun", {}, forged)) == (401, "reused_token", "signature.token")
    assert (tea.rows(MailWebhook), len(list(tea.ctx.database.engine.connect().execute(
        MailNonce.__table__.select())))) == ([], 1)  # fmt: skip


@pytest.mark.parametrize(("provider", "age", "status"), [
    ("resend", timedelta(minutes=4), 200), ("resend", timedelta(minutes=6), 401), ("resend", -timedelta(hours=1), 401),
    ("mailgun", timedelta(hours=20), 200), ("mailgun", timedelta(hours=25), 401), ("sendgrid", timedelta(days=2), 200),
])  # fmt: skip
def test_old_signatures(
    host: AmazonHost, client: FlaskClient, provider: str, age: timedelta, status: int
) -> None:
    delivery = signed(provider, bounced(provider), at=datetime.now(UTC) - age)
    assert post(client, provider, *delivery).status_code == status


def test_a_secret_is_replaced_without_a_gap(tea: Scene, host: AmazonHost, client: FlaskClient) -> None:
    fresh = {"mailgun": ("a-new-key-of-the-tests", MAILGUN_KEY), "resend": ("whsec_bmV3", SVIX_SECRET)}
    tea.ctx.settings = replace(tea.ctx.settings, email_webhooks=fresh)
    for provider in fresh:
        assert post(client, provider, *signed(provider, bounced(provider))).status_code == 200


# -- SNS ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["1", "2"])
def test_both_kinds_of_sns_signature(tea: Scene, host: AmazonHost, client: FlaskClient, version: str) -> None:
    assert post(client, "ses", {}, sns(bounced("ses"), version=version, Subject="Amazon SES")).status_code == 200
    assert len(tea.rows(MailWebhook)) == 1


@pytest.mark.parametrize("url", [
    "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
    "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com/other/SimpleNotificationService-0123456789abcdef.pem",
    "",
])  # fmt: skip
def test_a_certificate_of_another_host_is_never_fetched(host: AmazonHost, client: FlaskClient, url: str) -> None:
    answer = problem(post(client, "ses", {}, sns(bounced("ses"), SigningCertURL=url)))
    assert answer == (401, "foreign_certificate", "SigningCertURL")
    assert host.asked == []


def test_the_certificate_is_fetched_once(host: AmazonHost, client: FlaskClient) -> None:
    for number in range(3):
        assert post(client, "ses", {}, sns(bounced("ses"), f"m-{number}")).status_code == 200
    assert host.asked == [CERTIFICATE]


def test_sns_is_asked_to_try_again_while_its_certificate_cannot_be_fetched(
    tea: Scene, host: AmazonHost, client: FlaskClient
) -> None:
    host.away = True
    answer = post(client, "ses", {}, sns(bounced("ses")))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    host.away = False
    assert post(client, "ses", {}, sns(bounced("ses"))).status_code == 200


@pytest.mark.parametrize("pem", [certificate(days=-1), certificate("evil.example")])
def test_a_certificate_that_lapsed_or_is_not_snss(tea: Scene, client: FlaskClient, pem: bytes) -> None:
    tea.ctx.settings = replace(tea.ctx.settings, email_webhooks=secrets())
    tea.ctx.amazon = AmazonHost(pem).amazon()  # type: ignore[misc]
    assert problem(post(client, "ses", {}, sns(bounced("ses"))))[:2] == (401, "bad_certificate")


def test_another_topic_is_refused_before_anything_is_fetched(host: AmazonHost, client: FlaskClient) -> None:
    """Anyone has a topic of their own, signed by the same Amazon."""
    foreign = sns(bounced("ses"), TopicArn="arn:aws:sns:eu-west-1:999999999999:dasi")
    assert problem(post(client, "ses", {}, foreign)) == (401, "foreign_topic", "TopicArn")
    question = sns("…", Type="SubscriptionConfirmation", Token="t", TopicArn="arn:aws:sns:eu-west-1:9:x",
                   SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t")  # fmt: skip
    assert post(client, "ses", {}, question).status_code == 401
    assert host.asked == []


def test_sns_notes_in_words_are_no_events(tea: Scene, host: AmazonHost, client: FlaskClient) -> None:
    note = sns("Successfully validated SNS topic for Amazon SES event publishing.")
    assert post(client, "ses", {}, note).status_code == 200
    assert tea.rows(MailWebhook) == []


def test_the_regions_hosts() -> None:
    for host in ("sns.us-east-1.amazonaws.com", "sns.us-gov-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"):
        assert sns_module._CERTIFICATE.fullmatch(f"https://{host}/SimpleNotificationService-0123456789abcdef.pem")


# -- the house ---------------------------------------------------------------------------------------------------------
def test_too_large_a_body_and_a_database_that_is_away(
    tea: Scene, host: AmazonHost, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(client, "postmark", {}, b"x" * (4 * 1024 * 1024 + 1)).status_code == 413

    def away(*_: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    monkeypatch.setattr("plugin.services.mail_receive._keep", away)
    answer = post(client, "postmark", *signed("postmark", bounced("postmark")))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_address_and_no_secret_is_logged(
    tea: Scene, host: AmazonHost, client: FlaskClient, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    headers, body = signed(provider, bounced(provider))
    post(client, provider, headers, body)
    post(client, provider, {}, body)
    told = "\n".join(json.dumps({**vars(record), "text": record.getMessage()}, default=str)
                     for record in caplog.records if not record.name.startswith("httpx"))  # fmt: skip
    assert "mail_webhook" in told
    assert ADDRESS not in told
    assert not any(secret in told for given in secrets().values() for secret in given if provider != "ses")


def test_get_shows_nothing(host: AmazonHost, client: FlaskClient) -> None:
    assert client.get("/webhooks/email/ses").status_code == 405
