"""Mail providers' webhooks as they come: payloads in their shape, signed with keys of the tests' own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from plugin.channels.email.providers.signatures import svix_signature
from plugin.channels.email.providers.sns import _SIGNED, Amazon, canonical

TOPIC = "arn:aws:sns:eu-west-1:123456789012:dasi"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
MAILGUN_KEY = "a-mailgun-signing-key-of-the-tests"
SVIX_SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
POSTMARK_LOGIN = "dasi:a-password-of-the-tests"


@cache
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public() -> str:
    der = sendgrid_key().public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


@cache
def sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(name: str = "sns.amazonaws.com", days: int = 1) -> bytes:
    """Self-signed, good from yesterday for `days` from now."""
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(sns_key().public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
        .sign(sns_key(), hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM)


def secrets() -> dict[str, tuple[str, ...]]:
    return {
        "ses": (TOPIC,), "sendgrid": (sendgrid_public(),), "postmark": (POSTMARK_LOGIN,), "mailgun": (MAILGUN_KEY,),
        "resend": (SVIX_SECRET,),
    }  # fmt: skip


class AmazonHost:
    """Amazon's side: serves the certificate, takes confirmations, or is away."""

    def __init__(self, pem: bytes | None = None) -> None:
        self.pem, self.asked, self.away = pem or certificate(), [], False

    def amazon(self) -> Amazon:
        return Amazon(httpx.Client(transport=httpx.MockTransport(self._answer)))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away")
        self.asked.append(str(request.url))
        return httpx.Response(200, content=self.pem if request.url.path.endswith(".pem") else b"<ok/>")


def encoded(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def sns(message: Any, number: str = "m-1", version: str = "2", **changes: Any) -> bytes:
    envelope = {
        "Type": "Notification", "MessageId": number, "TopicArn": TOPIC, "Timestamp": "2026-11-02T09:00:00.000Z",
        "Message": message if isinstance(message, str) else json.dumps(message), "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE, **changes,
    }  # fmt: skip
    signed = canonical(envelope, _SIGNED[envelope["Type"]])
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    envelope["Signature"] = base64.b64encode(sns_key().sign(signed, padding.PKCS1v15(), algorithm)).decode()
    return json.dumps(envelope).encode()


def signed(
    provider: str, payload: Any, number: str = "m-1", at: datetime | None = None
) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one delivery. `number`: the provider's id of it."""
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    if provider == "ses":
        return {}, sns(payload, number)
    if provider == "mailgun":
        token = hashlib.sha256(number.encode()).hexdigest()[:50]
        mark = hmac.new(MAILGUN_KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        return {}, encoded({**payload, "signature": {"timestamp": stamp, "token": token, "signature": mark}})
    body = encoded(payload)
    if provider == "postmark":
        return {"Authorization": "Basic " + base64.b64encode(POSTMARK_LOGIN.encode()).decode()}, body
    if provider == "resend":
        mark = svix_signature(SVIX_SECRET, b".".join((number.encode(), stamp.encode(), body)))
        return {"svix-id": number, "svix-timestamp": stamp, "svix-signature": f"v1,{mark}"}, body
    mark = base64.b64encode(sendgrid_key().sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return {
        "X-Twilio-Email-Event-Webhook-Signature": mark, "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }, body  # fmt: skip


def event(provider: str, word: str, recipient: str, *, key: str | None = None, rfc_id: str | None = None,
          number: str = "e-1") -> Any:  # fmt: skip
    """`word`: bounced, undelivered or complained, as the provider tells it. `rfc_id`: a whole Message-ID."""
    if provider == "ses":
        named = {"Message-ID": rfc_id, "X-Entity-Ref-ID": key}
        mail = {"destination": [recipient], "headers": [{"name": k, "value": v} for k, v in named.items() if v]}
        if word == "complained":
            complaint = {"complainedRecipients": [{"emailAddress": recipient}], "complaintFeedbackType": "abuse"}
            return {"notificationType": "Complaint", "complaint": complaint, "mail": mail}
        bounce = {"bounceType": "Permanent" if word == "bounced" else "Transient", "bounceSubType": "General",
                  "bouncedRecipients": [{"emailAddress": recipient, "status": "5.1.1"}]}  # fmt: skip
        return {"eventType": "Bounce", "bounce": bounce, "mail": mail}
    if provider == "sendgrid":
        said = {"bounced": {"event": "bounce", "type": "bounce", "status": "5.1.1"},
                "undelivered": {"event": "bounce", "type": "blocked"},
                "complained": {"event": "spamreport"}}  # fmt: skip
        about = {"email": recipient, "timestamp": 1762074000, "sg_event_id": number, "smtp-id": rfc_id, "dasi": key}
        return [{**said[word], **{k: v for k, v in about.items() if v}}]
    if provider == "postmark":
        kind = {"bounced": "HardBounce", "undelivered": "SoftBounce", "complained": "SpamComplaint"}[word]
        record = "SpamComplaint" if word == "complained" else "Bounce"
        metadata = {"Metadata": {"dasi": key}} if key else {}
        return {"RecordType": record, "ID": int(hashlib.sha256(number.encode()).hexdigest()[:8], 16), "Type": kind,
                "Email": recipient, "BouncedAt": "2026-11-02T09:00:00Z", **metadata}  # fmt: skip
    if provider == "mailgun":
        said = {"bounced": {"event": "failed", "severity": "permanent", "reason": "bounce"},
                "undelivered": {"event": "failed", "severity": "permanent", "reason": "old"},
                "complained": {"event": "complained"}}  # fmt: skip
        headers = {"message-id": rfc_id.strip("<>")} if rfc_id else {}
        data = {**said[word], "id": number, "recipient": recipient, "message": {"headers": headers},
                "user-variables": {"dasi": key} if key else {}, "timestamp": 1762074000.5}  # fmt: skip
        return {"event-data": data}
    bounce = {"type": "Permanent" if word == "bounced" else "Transient", "message": "no"}
    headers = [{"name": "X-Entity-Ref-ID", "value": key}] if key else []
    kind = "email.complained" if word == "complained" else "email.bounced"
    return {"type": kind, "created_at": "2026-11-02T09:00:00Z",
            "data": {"to": [recipient], "headers": headers, "bounce": bounce}}  # fmt: skip
