"""Amazon SNS: signatures made with a certificate that is fetched from Amazon's own host, and yes to a subscription.

Source: docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages". The address of the certificate
stands in the message itself, so it is believed only where it names a certificate of SNS on a host of Amazon's.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Sequence
from datetime import datetime

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from plugin.channels.email.providers.signatures import Refused, Verified
from schemas.mail import ses

HOST = r"sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"https://{HOST}/SimpleNotificationService-[0-9A-Za-z]{{8,64}}\.pem")
_CONFIRM = re.compile(rf"https://{HOST}/\?Action=ConfirmSubscription&[!-~]{{1,1000}}")
_NAMES = re.compile(r"sns(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")
_SIGNED = {
    ses.NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    ses.CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}
SECONDS = 3.0
MOST_BYTES = 64 * 1024
KEPT = 8  # certificates; Amazon changes them about once a year


class Unreachable(Exception):
    """Amazon's host did not answer: nothing is known of the message, and it may be sent again."""


class Amazon:
    """The two requests we make of SNS. Shared by threads; keeps the certificates it fetched."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(timeout=SECONDS, follow_redirects=False)
        self._certificates: dict[str, x509.Certificate] = {}
        self._lock = threading.Lock()

    def certificate(self, url: str) -> x509.Certificate:
        """Raises Refused for an address that is not Amazon's, Unreachable."""
        if not _CERTIFICATE.fullmatch(url):
            raise Refused(401, "foreign_certificate", "SigningCertURL", "the certificate is not on a host of Amazon's")
        with self._lock:
            known = self._certificates.get(url)
        if known is not None:
            return known
        try:
            found = x509.load_pem_x509_certificate(self._get(url))
        except ValueError:
            raise Unreachable("what came is no certificate") from None
        with self._lock:
            while len(self._certificates) >= KEPT:
                self._certificates.pop(next(iter(self._certificates)))
            self._certificates[url] = found
        return found

    def confirm(self, url: str) -> None:
        """Say yes to a subscription. Raises Refused for an address that is not Amazon's, Unreachable."""
        if not _CONFIRM.fullmatch(url):
            raise Refused(401, "foreign_address", "SubscribeURL", "the address is not on a host of Amazon's")
        self._get(url)

    def _get(self, url: str) -> bytes:
        try:
            with self._client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise Unreachable(f"status {answer.status_code}")
                data = b""
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > MOST_BYTES:
                        raise Unreachable("an answer without end")
                return data
        except httpx.HTTPError as exc:
            raise Unreachable(type(exc).__name__) from None


def verify(body: bytes, topics: Sequence[str], amazon: Amazon, now: datetime) -> Verified:
    """`topics`: the ARNs that are ours. Raises Refused, Unreachable, Rejected."""
    envelope = ses.read_envelope(body)
    if envelope["TopicArn"] not in topics:
        raise Refused(401, "foreign_topic", "TopicArn", "not a topic that EMAIL_WEBHOOK_SES names")
    raw = json.loads(body)
    names = _SIGNED.get(envelope["Type"])
    algorithm = _HASHES.get(str(raw.get("SignatureVersion", "")))
    if names is None or algorithm is None or not isinstance(raw.get("Signature"), str):
        raise Refused(400, "missing_signature", "Signature", "the signature is missing, or of a kind we do not know")
    certificate = amazon.certificate(str(raw.get("SigningCertURL", raw.get("SigningCertUrl", ""))))
    key = certificate.public_key()
    if not _good(certificate, now) or not isinstance(key, rsa.RSAPublicKey):
        raise Refused(401, "bad_certificate", "SigningCertURL", "the certificate is not SNS's, or not valid now")
    try:
        signature = base64.b64decode(raw["Signature"], validate=True)
        key.verify(signature, canonical(raw, names), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, binascii.Error):
        raise Refused(401, "wrong_signature", "Signature", "the signature does not fit") from None
    return Verified(delivery=envelope["MessageId"])


def canonical(raw: dict[str, object], names: Sequence[str]) -> bytes:
    """What is signed: each field that is there, its name and its value on a line of their own."""
    return "".join(f"{name}\n{raw[name]}\n" for name in names if raw.get(name) is not None).encode(errors="replace")


def _good(certificate: x509.Certificate, now: datetime) -> bool:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return False
    names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return any(_NAMES.fullmatch(name) for name in names)
