"""The front door: says what this is; the demo has its own."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.web.auth import Auth
from plugin.web.pages import page
from plugin.web.wiring import context

AUTH = Auth.PUBLIC

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> Response:
    if context().settings.demo:
        return Response(status=302, headers={"Location": "/demo"})
    return page("home")
