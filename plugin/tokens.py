"""Unguessable signed tokens for the customer pages. They name a message, never an address, and do not expire."""

from __future__ import annotations

from typing import Any

from itsdangerous import BadData, URLSafeSerializer

UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK = "u", "s", "d", "c"


class BadToken(Exception):
    """The token is altered, cut short or made for another page."""


class Tokens:
    def __init__(self, secret_key: str) -> None:
        self._serializers = {
            purpose: URLSafeSerializer(secret_key, salt=f"dasi.{purpose}")
            for purpose in (UNSUBSCRIBE, SURVEY, ARRIVAL, CLICK)
        }

    def make(self, purpose: str, *values: int | str) -> str:
        """A token over `values` that only `read` with the same purpose accepts."""
        token = self._serializers[purpose].dumps(list(values))
        return token if isinstance(token, str) else token.decode()

    def read(self, purpose: str, token: str) -> list[Any]:
        """The values. Raises BadToken."""
        try:
            values = self._serializers[purpose].loads(token)
        except BadData:
            raise BadToken from None
        if not isinstance(values, list):
            raise BadToken
        return values
