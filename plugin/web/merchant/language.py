"""The language of the merchant's pages: the admin's, else the one chosen, else the browser's, else English."""

from __future__ import annotations

from flask import Request

from schemas.settings import LANGUAGES

HEADER = "X-Dasi-Language"  # what a page inside the admin was loaded with
COOKIE = "dasi_language"


def language_of(request: Request) -> str:
    """`en` or `ko`. Shopify's admin tells its user's language in `locale` when it loads the frame."""
    said = (request.args.get("locale"), request.headers.get(HEADER), request.cookies.get(COOKIE))
    browser = (tag for tag in request.accept_languages.values())  # the most wanted first
    for tag in (*said, *browser):
        short = (tag or "").replace("_", "-").partition("-")[0].lower()
        if short in LANGUAGES:
            return short
    return "en"
