"""Expiring offline tokens: traded for a session token, and renewed. Both through Shopify's own package.

Sources: shopify.dev, "Token exchange" and "Offline access tokens"; the shopifyapp package. A renewal hands out a new
refresh token too; the old one holds until the new access token is first used, so an answer that is lost on its way
costs nothing as long as the old one is kept until the new one is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from shopify_app.exchange.refresh_token import refresh_access_token
from shopify_app.exchange.token_exchange import token_exchange
from shopify_app.types import AppConfig, IdTokenDetails, TokenExchangeAccessToken, TokenExchangeResult

from plugin.config import Settings
from plugin.platforms.shopify.errors import Refused, Unavailable

SUFFIX = ".myshopify.com"
_LAPSED = {"invalid_grant", "refresh_token_expired"}
_FINAL = {
    "invalid_subject_token": "Shopify did not take the session token",
    "invalid_client": "Shopify does not know this app's key and secret, or the shop removed the app",
    "configuration_error": "SHOPIFY_API_KEY or SHOPIFY_API_SECRET is missing or wrong",
}


class Lapsed(Refused):
    """The refresh token is not taken any more: only a session token brings a new one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What Shopify hands out: two secrets, until when each holds (machine time), and what they allow."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str | None
    refresh_expires_at: datetime | None
    scopes: tuple[str, ...]


def exchange(http: httpx.Client, settings: Settings, domain: str, session_token: str) -> Grant:
    """Trade a verified session token of this shop. Raises Refused, Unavailable."""
    details = IdTokenDetails(exchangeable=True, token=session_token, claims={"dest": f"https://{domain}"})
    try:
        result = token_exchange("offline", _config(settings), details, expiring=True, http_client=http)
    except (ValueError, TypeError):  # a 200 whose body is not what it should be
        raise Unavailable("Shopify's answer about the token could not be read") from None
    return _grant(result)


def renew(http: httpx.Client, settings: Settings, domain: str, refresh_token: str) -> Grant:
    """Trade a refresh token for a new pair. Raises Lapsed, Refused, Unavailable: then the refresh token still holds."""
    token = TokenExchangeAccessToken(
        shop=domain.removesuffix(SUFFIX),
        token="",
        expires="",  # the package renews nothing that it takes for valid
        scope="",
        access_mode="offline",
        refresh_token=refresh_token,
        refresh_token_expires="",
        user=None,
    )
    try:
        result = refresh_access_token(token, _config(settings), http_client=http)
    except (ValueError, TypeError):
        raise Unavailable("Shopify's answer about the token could not be read") from None
    return _grant(result)


def _config(settings: Settings) -> AppConfig:
    return {
        "client_id": settings.shopify_api_key or "",
        "client_secret": settings.shopify_api_secret or "",
        "old_client_secret": settings.shopify_api_secret_old,
    }


def _grant(result: TokenExchangeResult) -> Grant:
    if not result.ok or result.access_token is None:
        if result.log.code in _LAPSED:
            raise Lapsed("the shop's access has lapsed")
        if text := _FINAL.get(result.log.code):
            raise Refused(text)
        raise Unavailable(f"Shopify gave no token: {result.log.code}")
    token = result.access_token
    expires_at = _moment(token.expires)
    if not token.token or expires_at is None:
        raise Unavailable("Shopify's answer about the token lacks the token or its end")
    return Grant(
        access_token=token.token,
        access_expires_at=expires_at,
        refresh_token=token.refresh_token or None,
        refresh_expires_at=_moment(token.refresh_token_expires) if token.refresh_token else None,
        scopes=tuple(sorted({scope.strip() for scope in token.scope.split(",") if scope.strip()})),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC) if text else None
