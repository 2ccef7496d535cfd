"""The front of the merchant's pages, for anyone: asking for a link by mail, and fetching a session token."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.platforms.shopify.webhook import SHOP
from plugin.services import login_mail
from plugin.web.auth import Auth
from plugin.web.merchant import access
from plugin.web.merchant.pages import page
from plugin.web.merchant.session_tokens import APP_BRIDGE, BOUNCE, frame_ancestors
from plugin.web.wiring import context

AUTH = Auth.PUBLIC
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

blueprint = Blueprint("merchant_sign_in", __name__)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    response.headers.setdefault("Content-Security-Policy", access.policy())
    return response


@blueprint.get("/login")
def ask() -> Response:
    return page("login", domain=request.args.get("shop", "")[:255], asked=False)


@blueprint.post("/login")
def ask_for_link() -> Response:
    """The same answer whether there is such a shop or not."""
    domain = request.form.get("shop", "").strip().lower()[:255]
    domain = domain.removeprefix("https://").rstrip("/")
    if domain and "." not in domain:
        domain += ".myshopify.com"
    if not SHOP.fullmatch(domain):
        return page("login", 422, domain=domain, asked=False, wrong=True)
    if not login_mail.ask_for_link(context(), domain, place()):
        response = page("error", 429, kind=429)
        response.headers["Retry-After"] = str(login_mail.WINDOW_SECONDS)
        return response
    return page("login", domain=domain, asked=True)


@blueprint.get(BOUNCE)
def bounce() -> AnyResponse:
    """App Bridge fetches a token here and loads `shopify-reload` with it: a path of ours, nothing else."""
    where = request.args.get("shopify-reload", "")
    if not safe_path(where):
        abort(422, "There is no such page to go back to.")
    if not context().settings.shopify_api_key:
        return redirect(access.LOGIN)
    response = page("bounce")
    shop = request.args.get("shop", "")
    ancestors = frame_ancestors(shop if SHOP.fullmatch(shop) else "*.myshopify.com")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {APP_BRIDGE.rpartition('/shopifycloud')[0]}; style-src 'self'; "
        f"connect-src 'self' https://cdn.shopify.com; base-uri 'none'; {ancestors}"
    )
    return response


def place() -> str:
    """The network address that asks. Behind a proxy of our own house it is the one that the proxy appended."""
    direct = request.remote_addr or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        inside = not ip_address(direct).is_global
    except ValueError:
        inside = False
    return told[:64] if inside and told else direct


def safe_path(where: str) -> bool:
    """A path of this host: no scheme, no host, none of the marks that browsers drop or turn into slashes."""
    return where.startswith("/") and not where.startswith("//") and not any(c < "!" or c == "\\" for c in where)
