"""HTML for customers: one frame, two languages, and headers that keep the pages private."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, g, render_template, request

from plugin.web import colours
from plugin.web.texts import LANGUAGES, text

PAGE_BLUEPRINTS = {"customer", "home", "survey"}
PAGE_PATHS = ("/u/", "/s/", "/d/", "/c/")

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src https: data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
_WORDED = {404, 405, 410, 413, 422, 503}  # errors with words of their own; the others share 500's


def wanted() -> bool:
    """Is this request for a page that a customer sees?"""
    return request.blueprint in PAGE_BLUEPRINTS or (
        request.url_rule is None and (request.path == "/" or request.path.startswith(PAGE_PATHS))
    )


def language() -> str:
    """The order's language once the token told it, else the best that the browser asks for, else English."""
    known: str | None = g.get("language")
    asked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())  # the most wanted first
    return known or next((tag for tag in asked if tag in LANGUAGES), "en")


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Render `customer/<template>.html`. `t(key, **values)` gives the words.

    The shop and the visit are those of the token, once it was read; without one the page speaks for nobody.
    """
    tongue = language()
    shop = g.get("shop")

    def t(key: str, **words: Any) -> str:
        return text(tongue, key, **words)

    colour = colours.checked(shop.colour if shop else None)
    frame = {"t": t, "lang": tongue, "shop": shop, "visit": g.get("visit"), "colour": colour[1:], "stamp": _stamp()}
    html = render_template(f"customer/{template}.html", **{**frame, **values})
    response = Response(html, status=status, mimetype="text/html")
    response.content_language.add(tongue)
    return protect(response)


def protect(response: Response) -> Response:
    """The headers of a page that must not be stored, told on, indexed, framed or scripted."""
    response.headers.update(HEADERS)
    return response


def error_page(status: int) -> Response:
    return page("error", status, kind=status if status in _WORDED else 500)


@cache
def _stamp() -> str:
    """Changes with the stylesheet, so that a browser may keep it."""
    return hashlib.sha256((Path(__file__).parent / "static" / "customer.css").read_bytes()).hexdigest()[:10]
