"""Who changed what: the change log, the newest first."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.services.changes import PAGE, list_changes
from plugin.services.how_to import product_titles
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.actors import actor
from plugin.web.merchant.change_words import ChangeWords
from plugin.web.merchant.pages import face, page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT

blueprint = Blueprint("merchant_changes", __name__)


@blueprint.get("/app/changes")
def show() -> Response:
    before, who = request.args.get("before", ""), merchant()
    from_id = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    with context().database.reading() as session:
        lines = list_changes(session, who.shop_id, from_id, PAGE + 1)
        told = {id_ for line in lines for side in (line.before, line.after) for id_ in (side or {}).get("how_to", {})}
        titles = product_titles(session, who.shop_id, told)
    more = lines[PAGE - 1].id if len(lines) > PAGE else None
    reads = ChangeWords(who.locale, face().timezone, titles, face().currency)
    shown = [(line, list(reads.differences(line))) for line in lines[:PAGE]]
    return page("changes", lines=shown, more=more, said=reads.said, who=lambda name: actor(name, who.locale))
