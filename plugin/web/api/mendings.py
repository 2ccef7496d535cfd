"""You told us, we fixed it: who would be told, telling them, what came of it, and taking it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from plugin.services import mendings
from plugin.services.feedback_tags import tag_list
from plugin.services.mending_audience import audience
from plugin.services.mending_outcome import outcome
from plugin.services.mending_preview import preview
from plugin.services.mendings import BadSentence, mending_list, newest, one_mending
from plugin.services.tagging import NoSuchTag
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.feedback import (
    AudienceSchema,
    MadeSchema,
    MailQuery,
    MailSchema,
    MendingBody,
    MendingsSchema,
    OutcomeSchema,
)
from schemas.api.issues import DoneSchema

AUTH = Auth.API_KEY

blueprint = Resource("mendings", "What the shop has mended of what customers told it, and who hears of it.")


@blueprint.get("/mendings")
@blueprint.response(200, MendingsSchema)
def made() -> Any:
    """What was marked as mended, the newest first"""
    shop_id = caller().shop_id
    with context().database.reading() as session:
        return {"items": mending_list(session, shop_id), "newest": newest(session, shop_id)}


@blueprint.get("/tags/<int:tag_id>/audience")
@blueprint.response(200, AudienceSchema)
@blueprint.alt_response(404, description="The shop has no such tag.")
def who(tag_id: int) -> Any:
    """Who would be told if the tag were mended now, who not, and why"""
    with context().database.reading() as session:
        if all(line.id != tag_id for line in tag_list(session, caller().shop_id)):
            raise NoSuchTag(tag_id)
        return audience(session, context(), caller().shop_id, tag_id)


@blueprint.get("/tags/<int:tag_id>/mail")
@blueprint.arguments(MailQuery, location="query")
@blueprint.response(200, MailSchema)
@blueprint.alt_response(404, description="The shop has no such tag.")
def mail(query: dict[str, Any], tag_id: int) -> Any:
    """The mail as it would read, with sample values"""
    with context().database.reading() as session:
        return preview(session, caller().shop_id, tag_id, query["language"], query["sentence"])


@blueprint.post("/mendings")
@blueprint.arguments(MendingBody)
@blueprint.response(200, MadeSchema)
@blueprint.alt_response(404, description="The shop has no such tag.")
def mark(body: dict[str, Any]) -> Any:
    """Say that it is mended: everyone who raised it until now gets one mail

    `id` is null where another mending was made since `seen`: then nothing was done.
    """
    try:
        made = mendings.mark_mended(
            context(), caller().shop_id, body["tag"], body["sentence_en"], body["sentence_ko"], _actor(), body["seen"]
        )
    except BadSentence as exc:
        field = "sentence_ko" if exc.field == "ko" else "sentence_en"
        raise BadInput({"json": {field: ["a sentence of 1 to 500 letters, in one language at least"]}}) from None
    return {"id": made}


@blueprint.get("/mendings/<int:mending_id>")
@blueprint.response(200, OutcomeSchema)
@blueprint.alt_response(404, description="The shop has no such mending.")
def came(mending_id: int) -> Any:
    """Its messages by state, and how many of those told bought again, beside customers who had not complained"""
    ctx, shop_id = context(), caller().shop_id
    with ctx.database.reading() as session:
        line = one_mending(session, shop_id, mending_id)
        found = outcome(session, ctx.clock.now(), shop_id, mending_id)
    return {
        **asdict(line), "states": found.states, "days": found.days, "told": found.told, "waiting": found.waiting,
        "others": found.others, "gap": found.gap, "verdict": found.verdict,
    }  # fmt: skip


@blueprint.delete("/mendings/<int:mending_id>")
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such mending.")
def undo(mending_id: int) -> Any:
    """Take it back: what has not left does not leave"""
    return {"changed": mendings.undo(context(), caller().shop_id, mending_id, _actor())}


def _actor() -> str:
    return f"API key {caller().name}"
