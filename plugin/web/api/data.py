"""The shop's data: everything to take away, and lists of consents to bring in."""

from __future__ import annotations

import shutil
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import Response, request

from plugin.services import consent_import
from plugin.services.consent_csv import BadFile
from plugin.services.consent_import import Import, NotTried
from plugin.services.exports import export
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.figures import ImportQuery, ImportSchema

AUTH = Auth.API_KEY
MAX_FILE = 40 * 1024 * 1024  # bytes
IN_MEMORY = 1024 * 1024  # bytes; a larger file waits on disk

blueprint = Resource("data", "The shop's data: everything to take away, and lists of consents to bring in.")


@blueprint.get("/export")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson", description="a JSON object a line")
def take_away() -> Response:
    """Everything of the shop as JSON lines, streamed"""
    response = Response(export(context(), caller().shop_id), mimetype="application/x-ndjson")
    response.headers["X-Accel-Buffering"] = "no"
    return response


@blueprint.post("/consents")
@blueprint.arguments(ImportQuery, location="query")
@blueprint.response(200, ImportSchema)
@blueprint.alt_response(202, schema=ImportSchema, description="A long list: ask for the import until it is dealt with.")
@blueprint.alt_response(422, description="Nothing in the file can be used.")
@blueprint.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}})
def bring_in(query: dict[str, Any]) -> Any:
    """A CSV of consents: columns email, state, and if known at and source

    A dry run unless `dry=false`. The newest word about an address holds, by its own time; an import never lifts an
    opt-out that is newer than it. A long list (about 2,000 lines) goes on in the background. Lists are kept for a day.
    """
    request.max_content_length = MAX_FILE
    who = caller()
    with SpooledTemporaryFile(IN_MEMORY) as file:  # it is read twice: once to learn its encoding
        shutil.copyfileobj(request.stream, file)
        try:
            actor, given = f"API key {who.name}", cast(IO[bytes], file)
            return _told(consent_import.bring_in(context(), who.shop_id, given, actor, dry=query["dry"]))
        except BadFile as exc:
            return problem(422, f"file_{exc.code}", "Nothing in the file can be used.")


@blueprint.get("/consents/imports/<int:import_id>")
@blueprint.response(200, ImportSchema)
@blueprint.alt_response(404, description="No import of this shop of the last day.")
def progress(import_id: int) -> Any:
    """How far a list of consents is, and what came of it"""
    return _flat(consent_import.view(context(), caller().shop_id, import_id))


@blueprint.post("/consents/imports/<int:import_id>")
@blueprint.response(200, ImportSchema)
@blueprint.alt_response(202, schema=ImportSchema, description="A long list: ask for the import until it is dealt with.")
@blueprint.alt_response(404, description="No import of this shop of the last day.")
@blueprint.alt_response(409, description="It is no dry run that has ended.")
def go_on(import_id: int) -> Any:
    """Import for good what was tried, without sending it again"""
    who = caller()
    try:
        return _told(consent_import.go_on(context(), who.shop_id, import_id, f"API key {who.name}"))
    except NotTried:
        return problem(409, "not_tried", "Only a list whose dry run has ended can be imported like this.")


def _told(found: Import) -> Any:
    return _flat(found), 202 if found.waiting else 200


def _flat(found: Import) -> dict[str, Any]:
    outcome = found.outcome
    return vars(outcome) | {
        "id": found.id, "waiting": found.waiting, "done": found.done, "parts": found.parts, "good": outcome.good
    }  # fmt: skip
