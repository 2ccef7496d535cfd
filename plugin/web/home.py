"""The front door: the app's home inside Shopify's admin; else it says what this is; the demo has its own."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.web.auth import Auth
from plugin.web.merchant import access, session_tokens
from plugin.web.merchant import home as merchant_home
from plugin.web.pages import page
from plugin.web.wiring import context

AUTH = Auth.PUBLIC

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> Response:
    """From the admin's frame: verified like every page of the merchant's, and the same page as /app."""
    if context().settings.shopify_api_key and session_tokens.is_embedded(request):
        return access.admit() or merchant_home.home()
    if context().settings.demo:
        return Response(status=302, headers={"Location": "/demo"})
    return page("home")
