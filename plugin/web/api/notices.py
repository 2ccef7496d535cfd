"""Notices of the platform that could not be read."""

from __future__ import annotations

from typing import Any

from plugin.queues import INGEST
from plugin.services.receipts import given_up_of, run_again_of
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.notices import NoticePageSchema, TriedSchema
from schemas.api.paging import PageQuery, next_after

AUTH = Auth.API_KEY

blueprint = Resource("notices", "What the shop's platform told and could not be read.")


@blueprint.get("/notices")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, NoticePageSchema)
def notices(query: dict[str, Any]) -> Any:
    """Notices that could not be read or processed, the newest first"""
    with context().database.reading() as session:
        found = given_up_of(session, caller().shop_id, query["after"][1] if query["after"] else None)
    return {"items": found.notices, "next": next_after(None, found.more) if found.more else None}


@blueprint.post("/notices/again")
@blueprint.response(200, TriedSchema)
def again() -> Any:
    """Read all of them again that still can be

    What cannot be read now either comes back to the list.
    """
    who, ctx = caller(), context()
    with ctx.database.transaction() as session:
        count = run_again_of(session, ctx, who.shop_id, f"API key {who.name}")
    ctx.queues.nudge(INGEST)
    return {"count": count}
