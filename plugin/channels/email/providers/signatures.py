"""Is a webhook really the mail provider's? Checked over the raw body; a provider may have several secrets at a time.

Sources: SendGrid "Event Webhook security features", Mailgun "Securing webhooks", the Standard Webhooks specification
(Svix, for Resend), Postmark "Webhooks: protecting your webhook".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from schemas.mail.mailgun import read_signature

# A Svix delivery is signed anew for each try, so that an old one is a replay. Mailgun's tries go on for eight hours.
SVIX_TOLERANCE = timedelta(minutes=5)
MAILGUN_TOLERANCE = timedelta(hours=24)


class Refused(Exception):
    """Not the provider's. `status` is the HTTP answer, `error` a word, `field` what is at fault."""

    def __init__(self, status: int, error: str, field: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.field = status, error, field


@dataclass(frozen=True, slots=True)
class Verified:
    """`delivery`: the id of the delivery, "" where the envelope has none. `nonce`: may be used for one body only."""

    delivery: str = ""
    nonce: str | None = None


def sendgrid(headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime) -> Verified:
    """ECDSA over timestamp and body. `keys`: public keys, base64 of DER, as SendGrid shows them. Raises Refused.

    Its age is not looked at: SendGrid tries for a day, and each event is taken in once.
    """
    signature = _header(headers, "X-Twilio-Email-Event-Webhook-Signature")
    timestamp = _header(headers, "X-Twilio-Email-Event-Webhook-Timestamp")
    try:
        given = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        given = b""
    for key in keys:
        try:
            public_key(key).verify(given, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            return Verified()
        except InvalidSignature:
            continue
    raise _wrong("X-Twilio-Email-Event-Webhook-Signature")


@lru_cache(maxsize=16)
def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Raises ValueError when it is no such key."""
    key = load_der_public_key(base64.b64decode(text, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not a key on an elliptic curve")
    return key


def postmark(headers: Mapping[str, str], body: bytes, logins: Sequence[str], now: datetime) -> Verified:
    """Postmark signs nothing: the address it calls holds a name and a password. `logins`: `name:password`."""
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(text.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (ValueError, binascii.Error):
        given = b""
    if not any(hmac.compare_digest(login.encode(), given) for login in logins):
        raise Refused(401, "wrong_password", "Authorization", "the name and password in the address are wrong")
    return Verified()


def mailgun(headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime) -> Verified:
    """HMAC over timestamp and token, not over the body: a token seen with another body is refused by the caller.

    Raises Refused, Rejected.
    """
    told = read_signature(body)
    timestamp, token, given = told["timestamp"], told["token"], told["signature"]
    if not timestamp or not token or not given:
        raise Refused(400, "missing_signature", "signature", "the signature is missing")
    wanted = (hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest() for key in keys)
    if not any(hmac.compare_digest(one.encode(), given.encode()) for one in wanted):
        raise _wrong("signature")
    _fresh(timestamp, now, MAILGUN_TOLERANCE, "signature.timestamp")
    return Verified(nonce=token)


def resend(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Verified:
    """Svix: HMAC over id, timestamp and body. `secrets`: `whsec_…`. Raises Refused."""
    id_, timestamp, given = (_header(headers, f"svix-{name}") for name in ("id", "timestamp", "signature"))
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    wanted = [svix_signature(secret, signed) for secret in secrets]
    told = [one.partition(",")[2].encode() for one in given.split() if one.startswith("v1,")]
    if not any(hmac.compare_digest(one.encode(), other) for one in wanted for other in told):
        raise _wrong("svix-signature")
    _fresh(timestamp, now, SVIX_TOLERANCE, "svix-timestamp")
    return Verified(delivery=id_[:150])


def svix_signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _header(headers: Mapping[str, str], name: str) -> str:
    value = (headers.get(name) or "").strip()
    if not value:
        raise Refused(400, "missing_signature", name, "the signature header is missing")
    return value


def _wrong(field: str) -> Refused:
    return Refused(401, "wrong_signature", field, "the signature does not fit")


def _fresh(timestamp: str, now: datetime, tolerance: timedelta, field: str) -> None:
    try:
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused(400, "bad_timestamp", field, "the timestamp is not in Unix seconds") from None
    if abs(now - at) > tolerance:
        raise Refused(401, "old_signature", field, "the signature was made too long ago")
