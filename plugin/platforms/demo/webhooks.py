"""Delivers the demo shop's webhooks: signed and posted over HTTP, exactly as Shopify does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging

import requests

from plugin.platforms.demo.books import Hook

TIMEOUT = (1.0, 5.0)  # Shopify's own: seconds to connect, seconds in all
MAX_TRIES = 9  # the first and Shopify's eight

log = logging.getLogger(__name__)


def signed_headers(hook: Hook, domain: str, secret: str, api_version: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), hook.body.encode(), hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": hook.topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-API-Version": api_version,
        "X-Shopify-Webhook-Id": hook.id,
        "X-Shopify-Event-Id": hook.event_id,
        "X-Shopify-Triggered-At": hook.triggered_at,
    }


class Courier:
    """One kept-open connection to our own webhook endpoint."""

    def __init__(self, public_url: str, domain: str, secret: str, api_version: str) -> None:
        self._url = f"{public_url}/webhooks/shopify"
        self._domain = domain
        self._secret = secret
        self._version = api_version
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy between us and ourselves

    def deliver(self, hook: Hook) -> bool | None:
        """True: accepted. False: answered, but not with 2xx. None: nobody answered."""
        headers = signed_headers(hook, self._domain, self._secret, self._version)
        try:
            answer = self._http.post(self._url, data=hook.body.encode(), headers=headers, timeout=TIMEOUT)
        except requests.RequestException:
            return None
        if answer.ok:
            return True
        log.warning("demo_webhook_refused", extra={"topic": hook.topic, "status": answer.status_code})
        return False

    def close(self) -> None:
        self._http.close()
