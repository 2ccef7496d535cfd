"""What all pages behind a signed token share: the token is the right to see and to answer; the pages stay private."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, abort, g, request

from plugin.services.answers import Erased, NotThere
from plugin.services.issues import NoSuchIssue
from plugin.tokens import ARRIVAL, CLICK, SOLVED, SURVEY, UNSUBSCRIBE, BadToken
from plugin.web.pages import page, protect
from plugin.web.visits import Visit
from plugin.web.wiring import context

_PURPOSES = {"unsubscribe": UNSUBSCRIBE, "survey": SURVEY, "arrival": ARRIVAL, "click": CLICK, "solved": SOLVED}
_SHAPES: dict[str, tuple[type, ...]] = {"arrival": (int, str), "click": (int, str), "solved": (int, int)}
_SMALL = re.compile(r"[0-9]{1,2}", re.ASCII)


def token_blueprint(name: str, module: str) -> Blueprint:
    """A blueprint whose every route `<name of a purpose>` takes a `<token>`. The token's values are in `g.values`."""
    blueprint = Blueprint(name, module)
    blueprint.before_request(_open_token)
    blueprint.after_request(protect)
    blueprint.register_error_handler(NotThere, _not_there)
    blueprint.register_error_handler(NoSuchIssue, _not_there)
    blueprint.register_error_handler(Erased, _erased)
    return blueprint


def speaks_for(found: Visit) -> Visit:
    """From here on every page of this request, error pages too, speaks as the shop and in the order's language."""
    g.language, g.shop, g.visit = found.language, found.shop, found
    return found


def small_number(text: Any, low: int, high: int) -> int | None:
    """A whole number from `low` to `high` in plain digits, else None."""
    if not isinstance(text, str) or not _SMALL.fullmatch(text):
        return None
    return int(text) if low <= int(text) <= high else None


def _open_token() -> None:
    """Check the token before anything else looks at the request. 404 for a bad one."""
    name = (request.endpoint or "").rpartition(".")[2]
    try:
        values = context().tokens.read(_PURPOSES[name], (request.view_args or {})["token"])
    except BadToken:
        abort(404)
    if tuple(type(value) for value in values) != _SHAPES.get(name, (int,)):
        abort(404)
    g.values = values


def _not_there(_: Exception) -> Response:
    return page("error", 404, kind=404)


def _erased(_: Exception) -> Response:
    return page("error", 410, kind=410)
