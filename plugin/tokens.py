"""Unguessable signed tokens for the customer pages. They name a message, never an address, and do not expire.

The survey's form carries one of its own: which message it is about, when its page was drawn and what was asked.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK, OPEN, SOLVED, SITTING = "u", "s", "d", "c", "o", "i", "t"


_LONG = 200  # octets: beyond that a token is worth compressing


class BadToken(Exception):
    """The token is altered, cut short or made for another page."""


class Tokens:
    def __init__(self, secret_key: str) -> None:
        self._serializers = {
            purpose: URLSafeSerializer(secret_key, salt=f"dasi.{purpose}")
            for purpose in (UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK, OPEN, SOLVED, SITTING)
        }
        # The serializers' own signatures, their keys derived once: a batch of messages needs hundreds of them.
        self._signatures = {
            purpose: hmac.new(serializer.make_signer(serializer.salt).derive_key(), digestmod="sha1")
            for purpose, serializer in self._serializers.items()
        }

    def make(self, purpose: str, *values: int | str) -> str:
        """A token over `values` that only `read` with the same purpose accepts."""
        told = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        if len(told) > _LONG:
            token = self._serializers[purpose].dumps(list(values))
            return token if isinstance(token, str) else token.decode()
        value = _base64(told)
        signature = self._signatures[purpose].copy()
        signature.update(value)
        return (value + b"." + _base64(signature.digest())).decode()

    def read(self, purpose: str, token: str) -> list[Any]:
        """The values. Raises BadToken."""
        try:
            values = self._serializers[purpose].loads(token)
        except BadData:
            raise BadToken from None
        if not isinstance(values, list):
            raise BadToken
        return values


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
