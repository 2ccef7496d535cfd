"""Who is asking: a session token of Shopify's admin, the session of a login link, or a ticket for one address.

Checked before every route of every blueprint that declares `Auth.MERCHANT`. A change needs a session token in the
header, which no foreign page can set, or the session's own CSRF token.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadData, URLSafeTimedSerializer
from markupsafe import Markup

from plugin.services import app_home, logins
from plugin.services.logins import SignedIn
from plugin.web import auth
from plugin.web.auth import Auth
from plugin.web.merchant import session_tokens
from plugin.web.merchant.language import language_of
from plugin.web.merchant.session_tokens import APP_BRIDGE, Verified, frame_ancestors
from plugin.web.wiring import context

COOKIE = "dasi_session"
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
TICKET, TICKET_SECONDS = "ticket", 3600
LOGIN = "/login"
_READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who this verified request speaks for. `actor`: for the change log. `locale`: en or ko."""

    shop_id: int
    domain: str
    actor: str
    locale: str
    embedded: bool


class NoMerchant(RuntimeError):
    """`merchant()` was asked for outside a blueprint of Auth.MERCHANT: the program's mistake."""


def merchant() -> Merchant:
    """The merchant of this request. Raises NoMerchant."""
    found: Merchant | None = g.get("merchant")
    if found is None:
        raise NoMerchant
    return found


def install(app: Flask) -> None:
    """Guard every blueprint that declares Auth.MERCHANT, those registered later too."""
    app.before_request(_guard)
    app.after_request(_keep_private)


def guarded() -> bool:
    """Is this request for a page of the merchant's?"""
    blueprint = request.blueprint
    return blueprint is not None and auth.declared(current_app).get(blueprint) is Auth.MERCHANT


def on_page() -> bool:
    """Does a person read this answer: on a merchant's page, its sign-in, or an address like theirs that is none?"""
    if request.blueprint is None:
        return request.path.startswith(("/app", "/login"))
    return request.blueprint.startswith("merchant_")


def admit() -> Response | None:
    """Verify this request. None: it may go on, and `merchant()` knows who it is; else the answer to give."""
    ctx = context()
    if session_tokens.has_bearer(request) or "id_token" in request.args:
        return _embedded()
    if request.method in _READS and TICKET in request.args:
        return None if _by_ticket() else _sign_in()
    signed_in = logins.read_session(ctx, request.cookies.get(COOKIE, "")) if COOKIE in request.cookies else None
    if signed_in is None:
        return _embedded() if session_tokens.is_embedded(request) else _sign_in()
    if request.method not in _READS and not _own_form(signed_in):
        return Response("This form is out of date: go back, load the page again and send it once more.\n",
                        status=403, mimetype="text/plain")  # fmt: skip
    g.session = signed_in
    g.merchant = Merchant(signed_in.shop_id, signed_in.domain, signed_in.actor, language_of(request), embedded=False)
    return None


def csrf() -> Markup:
    """The hidden field of every form; nothing inside the admin, where the session token itself is the proof."""
    if not csrf_token():
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, csrf_token())


def csrf_token() -> str:
    session: SignedIn | None = g.get("session")
    return session.csrf if session else ""


def ticket(path: str, **query: Any) -> str:
    """An address of ours that works for an hour where no header can be sent: a frame, a download, a picture.

    It opens this path for this shop alone, for reading. `query`: further parameters.
    """
    who = merchant()
    signed = _tickets().dumps([who.shop_id, who.domain, who.actor, who.locale, who.embedded, path])
    return f"{path}?{urlencode({**query, TICKET: signed})}"


def ancestors() -> str:
    """The CSP directive that says who may frame this page: the admin of the shop, or nobody."""
    who: Merchant | None = g.get("merchant")
    return frame_ancestors(who.domain) if who and who.embedded else "frame-ancestors 'none'"


def sign_in(signed_in: SignedIn) -> Response:
    """To the home page with a fresh session, in place of whatever this browser had."""
    assert signed_in.token is not None
    response = Response(status=303, headers={"Location": "/app"})
    return set_cookie(response, COOKIE, signed_in.token, int(logins.SESSION_LIFE.total_seconds()))


def set_cookie(response: Response, name: str, value: str, seconds: int) -> Response:
    """Ours alone: HttpOnly, SameSite=Lax, Secure wherever the installation is reached over https."""
    secure = context().settings.public_url.startswith("https://")
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure, path="/")
    return response


def _guard() -> Response | None:
    return admit() if guarded() else None


def _embedded() -> Response | None:
    found = session_tokens.verify(request, context().settings)
    if not isinstance(found, Verified):
        return found
    arrival = app_home.arrive(context(), found.domain, found.token)
    g.arrival = arrival
    actor = f"Shopify user {found.user}" if found.user else "Shopify"
    g.merchant = Merchant(arrival.shop_id, found.domain, actor, language_of(request), embedded=True)
    return None


def _by_ticket() -> bool:
    try:
        shop_id, domain, actor, locale, embedded, path = _tickets().loads(request.args[TICKET], TICKET_SECONDS)
    except (BadData, ValueError, TypeError):
        return False
    if path != request.path:
        return False
    g.merchant = Merchant(shop_id, domain, actor, locale, embedded)
    return True


def _sign_in() -> Response:
    """A page asked for by a person: to the sign-in page; anything else: 401."""
    if request.method == "GET" and "HX-Request" not in request.headers and TICKET not in request.args:
        return Response(status=302, headers={"Location": LOGIN})
    return Response("Sign in first.\n", status=401, mimetype="text/plain")


def from_own_page() -> bool:
    """False when the browser says that another site's page sent this."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def _own_form(session: SignedIn) -> bool:
    if not from_own_page():
        return False
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    return hmac.compare_digest(given.encode(), session.csrf.encode())


def _keep_private(response: Response) -> Response:
    """The headers of every answer of the merchant's pages, refusals too; and the session's cookie when it changed."""
    if not guarded() and "merchant" not in g:
        return response
    response.headers.update({
        "Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
    })  # fmt: skip
    response.headers.setdefault("Content-Security-Policy", policy())
    _frame_inside_admin(response)
    if "id_token" in request.args:  # a document of the admin's frame: its script may be fetched at once
        response.headers["Link"] = f'<{APP_BRIDGE}>; rel="preload"; as="script"'
    session: SignedIn | None = g.get("session")
    if session and session.token:
        set_cookie(response, COOKIE, session.token, int(logins.SESSION_LIFE.total_seconds()))
    return response


def _frame_inside_admin(response: Response) -> None:
    """What our own page frames (`frame-ancestors 'self'`) stands inside the admin too: every ancestor must be named."""
    who: Merchant | None = g.get("merchant")
    own, told = "frame-ancestors 'self'", response.headers["Content-Security-Policy"]
    if who and who.embedded and own in told:
        ours = frame_ancestors(who.domain).replace("frame-ancestors", own)
        response.headers["Content-Security-Policy"] = told.replace(own, ours)


def policy() -> str:
    """No inline script or style anywhere; App Bridge by name where the page stands in Shopify's admin."""
    who: Merchant | None = g.get("merchant")
    embedded = bool(who and who.embedded)
    bridge = " https://cdn.shopify.com" if embedded else ""
    return (
        f"default-src 'none'; script-src 'self'{bridge}; style-src 'self'; img-src 'self' https: data:; "
        f"connect-src 'self'{bridge}; font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        f"{ancestors()}"
    )


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(context().settings.secret_key, salt="dasi.ticket")
