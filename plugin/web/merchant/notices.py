"""What the platform told us and we could not read: which notices, why, and trying them again."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.queues import INGEST
from plugin.services.receipts import given_up_of, run_again_of
from plugin.web.auth import Auth
from plugin.web.merchant import words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT

blueprint = Blueprint("merchant_notices", __name__, url_prefix="/app/notices")


@blueprint.get("")
def show() -> Response:
    after = request.args.get("before", "")
    before = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    with context().database.reading() as session:
        found = given_up_of(session, merchant().shop_id, before)
    said = request.args.get("said")
    return page("notices", found=found, said=said if said in ("again", "nothing") else None, has=_has)


@blueprint.post("/again")
def again() -> Response:
    """Put all of the shop's back in line; what cannot be read now either comes back to this list."""
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        count = run_again_of(session, ctx, who.shop_id, who.actor)
    ctx.queues.nudge(INGEST)
    return Response(status=303, headers={"Location": f"/app/notices?said={'again' if count else 'nothing'}"})


def _has(key: str) -> bool:
    return words.has(merchant().locale, key)
