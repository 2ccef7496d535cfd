"""The envelope of a Shopify webhook: its signature and its headers.

The signature is checked here and not by the `shopifyapp` package, because that takes the body as text, and the
signature is over the raw bytes, which need not be UTF-8. Source of the rules: shopify.dev, "Verify deliveries" and
"Delivery structure".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
TOPIC = re.compile(r"[a-z_]+(/[a-z_]+)+")


class BadEnvelope(Exception):
    """Not a webhook that we can accept. `status` is the HTTP answer, `error` a word, `field` the header at fault."""

    def __init__(self, status: int, error: str, field: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.field = field


@dataclass(frozen=True, slots=True)
class Envelope:
    shop: str
    topic: str
    webhook_id: str
    event_id: str | None
    api_version: str | None
    triggered_at: datetime | None


def signature(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(raw body, client secret))."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def open_envelope(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> Envelope:
    """Verify and read. `headers` looks names up without regard to case; `secrets`: the current one and, while a
    rotation lasts, the old one.

    Raises BadEnvelope: 400 for a missing signature or header, 401 for a wrong signature.
    """
    given = headers.get("X-Shopify-Hmac-Sha256")
    if not given:
        raise BadEnvelope(400, "missing_hmac", "X-Shopify-Hmac-Sha256", "the signature header is missing")
    given_bytes = given.strip().encode("utf-8", "replace")
    if not any(hmac.compare_digest(signature(body, secret).encode(), given_bytes) for secret in secrets):
        raise BadEnvelope(401, "wrong_hmac", "X-Shopify-Hmac-Sha256", "the signature does not fit the body")
    shop = (headers.get("X-Shopify-Shop-Domain") or "").strip().lower()
    if not SHOP.fullmatch(shop) or len(shop) > 255:
        raise BadEnvelope(400, "bad_shop", "X-Shopify-Shop-Domain", "not the domain of a Shopify shop")
    topic = (headers.get("X-Shopify-Topic") or "").strip().lower()
    if not TOPIC.fullmatch(topic) or len(topic) > 120:
        raise BadEnvelope(400, "bad_topic", "X-Shopify-Topic", "the topic header is missing or malformed")
    return Envelope(
        shop=shop,
        topic=topic,
        webhook_id=_short(headers.get("X-Shopify-Webhook-Id")) or _own_id(topic, body),
        event_id=_short(headers.get("X-Shopify-Event-Id")),
        api_version=_short(headers.get("X-Shopify-API-Version"), 20),
        triggered_at=_moment(headers.get("X-Shopify-Triggered-At")),
    )


def _own_id(topic: str, body: bytes) -> str:
    """Without an id from the platform, the same bytes under the same topic are the same delivery."""
    return hashlib.sha256(topic.encode() + b"\0" + body).hexdigest()


def _short(value: str | None, limit: int = 120) -> str | None:
    text = (value or "").strip().replace("\0", "")
    if len(text) > limit:  # nothing real is so long; a hash keeps it distinct
        return hashlib.sha256(text.encode()).hexdigest()[:limit]
    return text or None


def _moment(value: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((value or "").strip())  # nanoseconds are cut to what it holds
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
