"""The picture of one transparent dot in a mail: asked for, it tells that the mail was opened, by whomever."""

from __future__ import annotations

from base64 import b64decode
from functools import partial

from flask import Blueprint, Response, request

from plugin.services.opens import record_open
from plugin.tokens import OPEN, BadToken
from plugin.web.auth import Auth
from plugin.web.beside import Beside
from plugin.web.scanners import is_machine_open
from plugin.web.wiring import context

AUTH = Auth.TOKEN
DOT = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # a GIF

blueprint = Blueprint("opens", __name__)
opens = Beside("open")


@blueprint.get("/o/<token>")
def opened(token: str) -> Response:
    """The dot, whatever the token: a mail shows no broken picture. Only a good one is remembered, and never by HEAD."""
    response = Response(DOT, mimetype="image/gif")
    response.headers.update({"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex, nofollow",
                             "Referrer-Policy": "no-referrer"})  # fmt: skip
    try:
        values = context().tokens.read(OPEN, token)
    except BadToken:
        response.status_code = 404
        return response
    if len(values) != 1 or type(values[0]) is not int:
        response.status_code = 404
    elif request.method == "GET":
        by_software = is_machine_open(dict(request.headers))
        opens.remember(values[0], partial(record_open, context(), values[0], by_software))
    return response
