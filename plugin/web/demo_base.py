"""The demo's blueprint: who may use it, and the headers of its pages."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, render_template, request

from plugin.config import LOOPBACK
from plugin.platforms.demo import catalogue
from plugin.platforms.demo.books import BookStore
from plugin.platforms.demo.inbox import count
from plugin.services.demo import SHOP_PAGES, inbox_folder
from plugin.services.demo_clock import read_clock
from plugin.services.demo_view import SEOUL
from plugin.web.auth import Auth
from plugin.web.wiring import context

AUTH = Auth.PUBLIC  # and registered in the demo alone: everything it shows is made up

STOREFRONT = f"https://{catalogue.STOREFRONT}"
STATIC = Path(__file__).parent / "static" / "demo"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("demo", __name__, url_prefix="/demo", template_folder="templates")


@blueprint.before_request
def _guard() -> None:
    """Refuse other hosts' names (DNS rebinding) and posts from other sites' pages."""
    own = urlsplit(context().settings.public_url)
    asked = urlsplit(f"//{request.host}").hostname or ""
    if asked not in LOOPBACK | {own.hostname}:
        abort(403, "The demo answers under its own address only.")
    if request.method == "POST" and not _from_own_page():
        abort(403, "The demo takes forms from its own pages only.")


def _from_own_page() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == f"{request.scheme}://{request.host}"


@blueprint.after_request
def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.after_app_request
def _resolve(response: Response) -> Response:
    """The shop's made-up host has no address anywhere: a click that leads there ends at the demo's own shop pages."""
    location = response.headers.get("Location", "")
    if location.startswith(STOREFRONT):
        response.headers["Location"] = at_home(location)
    return response


def at_home(address: str) -> str:
    """`https://ondo-tea.example/products/x` -> `/demo/shop/products/x`."""
    return f"{context().settings.public_url}{SHOP_PAGES}{address.removeprefix(STOREFRONT)}"


def store() -> BookStore:
    return BookStore(context().settings.data_dir)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Render `demo/<template>.html` with what every page of the demo shows."""
    mails = count(inbox_folder(context().settings))
    return make_response(render_template(f"demo/{template}.html", mails=mails, stamp=_stamp(), **values), status)


def clock_face() -> dict[str, Any]:
    """The clock as a page shows it: date and time in Seoul, speed, and what holds it (None: nothing)."""
    with context().database.reading() as session:
        row = read_clock(session)
    if row is None:
        abort(503, "The demo's clock does not run yet.")
    local = row.now.astimezone(SEOUL)
    held = row.held_by if row.held_by != "paused" and row.speed > 0 else None
    return {"date": f"{local:%a} {local.day} {local:%b %Y}", "time": f"{local:%H:%M}", "speed": row.speed, "held": held}


def done(where: str) -> Response:
    """After a post: nothing for the page's script, which asks for the state itself; else back to the page."""
    if request.headers.get("X-Requested-With") == "demo.js":
        return Response(status=204)
    return Response(status=303, headers={"Location": where})


@cache
def _stamp() -> str:
    """Changes with the stylesheet and the script, so that a browser may keep them."""
    parts = b"".join((STATIC / name).read_bytes() for name in ("demo.css", "demo.js"))
    return hashlib.sha256(parts).hexdigest()[:10]
