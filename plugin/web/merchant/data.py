"""The shop's data: everything as a file to take away, and the merchant's own list of consents to bring in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from plugin.services import consent_import
from plugin.services.consent_csv import MAX_LINES, BadFile
from plugin.services.consent_files import NAMED
from plugin.services.consent_import import Import, NotTried
from plugin.services.exports import export
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant, ticket
from plugin.web.merchant.pages import page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
MAX_FILE = 40 * 1024 * 1024  # bytes of an import; what is large waits on disk, not in memory

blueprint = Blueprint("merchant_data", __name__, url_prefix="/app/data")


@blueprint.url_value_preprocessor
def make_room(endpoint: str | None, _: dict[str, Any] | None) -> None:
    """An import may be larger than any other form. Before the request is checked, which may read the form."""
    if endpoint == "merchant_data.bring_in":
        request.max_content_length = MAX_FILE


@blueprint.get("")
def show() -> Response:
    return _page("data")


@blueprint.get("/export")
def take_away() -> Response:
    """Streamed: JSON lines, read as they are sent."""
    who, ctx = merchant(), context()
    response = Response(export(ctx, who.shop_id), mimetype="application/x-ndjson")
    name = f"dasi-{who.domain.partition('.')[0]}-{ctx.clock.now():%Y-%m-%d}.jsonl"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response


@blueprint.post("/consents")
def bring_in() -> Response:
    """`act`: try (a dry run, which changes nothing) or import. A long list goes on in the background."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _answer(422, problem="no_file")
    who = merchant()
    dry = request.form.get("act") != "import"
    try:
        found = consent_import.bring_in(context(), who.shop_id, file.stream, who.actor, dry=dry)
    except BadFile as exc:
        return _answer(422, problem=exc.code)
    return _told(found)


@blueprint.get("/imports/<int:import_id>")
def progress(import_id: int) -> Response:
    """How far a list is, and what came of it; asked for again until it is dealt with."""
    return _answer(found=consent_import.view(context(), merchant().shop_id, import_id))


@blueprint.post("/imports/<int:import_id>")
def go_on(import_id: int) -> Response:
    """Import for good what was tried. 409 when that was done already."""
    who = merchant()
    try:
        return _told(consent_import.go_on(context(), who.shop_id, import_id, who.actor))
    except NotTried:
        abort(409)


def _told(found: Import) -> Response:
    if found.waiting and "HX-Request" not in request.headers:
        return Response(status=303, headers={"Location": f"/app/data/imports/{found.id}#import-result"})
    return _answer(found=found)


def _answer(status: int = 200, **values: Any) -> Response:
    """The result alone for htmx, which keeps the chosen file in its form; else the whole page."""
    return _page("data_result" if "HX-Request" in request.headers else "data", status, **values)


def _page(name: str, status: int = 200, **values: Any) -> Response:
    found = {"found": None, "problem": None, "named": NAMED, "max_lines": MAX_LINES, **values}
    return page(name, status, export_link=ticket("/app/data/export"), **found)
