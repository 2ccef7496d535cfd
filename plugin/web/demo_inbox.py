"""`/demo/inbox`: the caught mails, as a mail program would show them."""

from __future__ import annotations

import re
import zlib
from typing import Any

from flask import Response, abort, jsonify, render_template, request, url_for

from plugin.platforms.demo import inbox
from plugin.services.demo import inbox_folder
from plugin.services.demo_view import STEPS, moment
from plugin.web.demo_base import STOREFRONT, at_home, blueprint, clock_face, done, page
from plugin.web.wiring import context

# What a reader may set, the first being the default.
CHOICES = {
    "view": ("html", "text", "headers"), "width": ("desktop", "phone"), "theme": ("light", "dark"),
    "images": ("on", "off"),
}  # fmt: skip
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
_LIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)", re.IGNORECASE)
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
ALWAYS, NEVER = "(min-width:0px)", "(max-width:0px)"


@blueprint.get("/inbox")
def inbox_home() -> Response:
    return _inbox(None)


@blueprint.get("/inbox/<mail_id>")
def inbox_mail(mail_id: str) -> Response:
    return _inbox(mail_id)


def _inbox(mail_id: str | None) -> Response:
    folder = inbox_folder(context().settings)
    mails = inbox.newest(folder)
    opened = inbox.read(folder, mail_id) if mail_id else None
    if mail_id and opened is None:
        abort(404, "There is no such mail; perhaps the inbox was cleared.")
    chosen = _chosen()
    return page(
        "inbox", letters=mails, opened=opened, chosen=chosen, links=_links(mail_id, chosen) if mail_id else {},
        steps=STEPS, moment=moment, clock=clock_face(),
    )  # fmt: skip


@blueprint.get("/inbox/list")
def inbox_list() -> Response:
    """The list alone, for the page's script; `open` is the id of the mail that is being read."""
    mails = inbox.newest(inbox_folder(context().settings))
    html = render_template(
        "demo/_mails.html", letters=mails, open_id=request.args.get("open"), steps=STEPS, moment=moment
    )
    return jsonify(clock=clock_face(), mails=len(mails), list={"html": html, "stamp": zlib.crc32(html.encode())})


@blueprint.get("/inbox/<mail_id>/html")
def inbox_html(mail_id: str) -> Response:
    """The HTML part as a document of its own: no scripts, no forms, links open elsewhere."""
    settings = context().settings
    opened = inbox.read(inbox_folder(settings), mail_id)
    if opened is None or opened.html is None:
        abort(404)
    chosen = _chosen()
    images = "'none'" if chosen["images"] == "off" else f"'self' {settings.public_url} https: data:"
    response = Response(_themed(opened.html, dark=chosen["theme"] == "dark"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; font-src https: data:; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return response


@blueprint.post("/inbox/clear")
def inbox_clear() -> Response:
    inbox.clear(inbox_folder(context().settings))
    return done("/demo/inbox")


def _themed(html: str, *, dark: bool) -> str:
    """Answer the mail's question about the colour scheme with the reader's choice, and let its links open elsewhere."""
    html = _DARK.sub(ALWAYS if dark else NEVER, html)
    html = _LIGHT.sub(NEVER if dark else ALWAYS, html)
    html = html.replace(f'href="{STOREFRONT}', f'href="{at_home(STOREFRONT)}')
    base = '<base target="_blank">'
    found = _HEAD.search(html)
    return html[: found.end()] + base + html[found.end() :] if found else base + html


def _chosen() -> dict[str, str]:
    given = {name: request.args.get(name, "") for name in CHOICES}
    return {name: given[name] if given[name] in values else values[0] for name, values in CHOICES.items()}


def _links(mail_id: str, chosen: dict[str, str]) -> dict[str, dict[str, str]]:
    """For each choice and value, the address of this page with it taken; and the address of the HTML part."""

    def address(endpoint: str, **taken: Any) -> str:
        return url_for(endpoint, mail_id=mail_id, **taken)

    links = {
        name: {value: address("demo.inbox_mail", **chosen | {name: value}) for value in values}
        for name, values in CHOICES.items()
    }
    links["frame"] = {"src": address("demo.inbox_html", theme=chosen["theme"], images=chosen["images"])}
    return links
