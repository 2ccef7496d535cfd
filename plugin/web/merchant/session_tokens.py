"""Requests from inside Shopify's admin: the session token is the only thing believed, and it is checked in full.

Sources: the shopifyapp package (signature with either secret, HS256 alone, 10 s of leeway, `aud`; the bounce page and
the 401 that App Bridge tries again after). It neither compares `iss` with `dest` nor asks for `exp` and `nbf`: both are
done here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Request, Response
from shopify_app.types import AppConfig, RequestInput
from shopify_app.verify.app_home_req import verify_app_home_req

from plugin.config import Settings
from plugin.platforms.shopify.webhook import SHOP

BOUNCE = "/app/token"  # the page that asks App Bridge for a fresh token
RETRY = "X-Shopify-Retry-Invalid-Session-Request"
APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
_USER = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verified:
    """A good session token: the shop it speaks for, its user's id on the platform, and the token itself."""

    domain: str
    user: str | None
    token: str


def is_embedded(request: Request) -> bool:
    """Does the request come from the admin's frame? It decides how it is checked, never whether."""
    return (
        "id_token" in request.args
        or has_bearer(request)
        or request.headers.get("Sec-Fetch-Dest") == "iframe"
        or (request.args.get("embedded") == "1" and "shop" in request.args)
    )


def has_bearer(request: Request) -> bool:
    """A token in the header. What else may stand there (a proxy's own password) is none of ours."""
    return request.headers.get("Authorization", "").startswith("Bearer")


def verify(request: Request, settings: Settings) -> Verified | Response:
    """The verified token, or the answer to give: a redirect to the bounce page for a document, 401 for a fetch.

    GET and HEAD may carry the token in the address; everything else needs the header, which no foreign page can set.
    """
    if not settings.shopify_api_key or not settings.shopify_api_secret:
        return refused(again=False)
    has_header = has_bearer(request)
    if not has_header and request.method not in ("GET", "HEAD"):
        return refused()
    config: AppConfig = {
        "client_id": settings.shopify_api_key,
        "client_secret": settings.shopify_api_secret,
        "old_client_secret": settings.shopify_api_secret_old,
    }
    query = request.query_string.decode("latin-1")
    asked: RequestInput = {
        "method": request.method,
        "headers": {"authorization": request.headers["Authorization"]} if has_header else {},
        "url": f"{settings.public_url}{request.path}" + (f"?{query}" if query else ""),
        "body": "",
    }
    result = verify_app_home_req(asked, config, BOUNCE)
    if not result.ok or result.id_token is None:
        answer = Response(result.response.body, status=result.response.status, mimetype="text/plain")
        for name, value in result.response.headers.items():
            answer.headers[name] = _here(value, settings) if name == "Location" else value
        return answer
    domain = _shop(result.id_token.claims)
    if domain is None:
        return refused()
    user = str(result.user_id or "")
    return Verified(domain, user if _USER.fullmatch(user) else None, result.id_token.token)


def refused(*, again: bool = True) -> Response:
    """401; `again`: App Bridge may try once more with a fresh token."""
    response = Response("Unauthorized", status=401, mimetype="text/plain")
    if again:
        response.headers[RETRY] = "1"
    return response


def frame_ancestors(domain: str) -> str:
    return f"frame-ancestors https://{domain} https://admin.shopify.com"


def _shop(claims: dict[str, Any]) -> str | None:
    """The shop's domain, when the token says when it ends and begins and its issuer is the shop it is for."""
    if any(not isinstance(claims.get(name), (int, float)) for name in ("exp", "nbf")):
        return None
    places = [claims.get("dest"), claims.get("iss")]
    if not all(isinstance(place, str) for place in places):
        return None
    dest, issuer = (urlsplit(str(place)) for place in places)
    domain = dest.netloc.lower()
    if (dest.scheme, issuer.scheme) != ("https", "https") or issuer.netloc.lower() != domain:
        return None
    return domain if SHOP.fullmatch(domain) else None


def _here(location: str, settings: Settings) -> str:
    """The redirect as a path of this host, whatever name the proxy gave it."""
    return location.removeprefix(settings.public_url)
