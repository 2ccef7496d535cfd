"""Messages: what Dasi will send and has sent, why, and what the merchant may do about it."""

from __future__ import annotations

from typing import Any

from flask import Response

from plugin.services.acts import NotOffered, act
from plugin.services.message_content import message_content
from plugin.services.message_list import Mark, Wanted, find_messages
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.orders import ActAnswer, ActQuery, ContentSchema, MessagePageSchema, MessagesQuery
from schemas.api.paging import next_after

AUTH = Auth.API_KEY

blueprint = Resource("messages", "Messages with their state and the reason for it.")


@blueprint.get("/messages")
@blueprint.arguments(MessagesQuery, location="query")
@blueprint.response(200, MessagePageSchema)
def messages(query: dict[str, Any]) -> Any:
    """Messages of one list: the next first for `planned`, else the newest first

    A page may be short, even empty, and still have a `next`.
    """
    after = Mark(*query.pop("after")) if query["after"] else query.pop("after")
    if after and after.at is not None and after.at.tzinfo is None:
        raise BadInput({"query": {"after": ["not a `next` of this list"]}})
    with context().database.reading() as session:
        found = find_messages(session, caller().shop_id, Wanted(**query), after)
    return {"items": found.messages, "next": next_after(found.more.at, found.more.id) if found.more else None}


@blueprint.post("/messages/<int:message_id>/acts")
@blueprint.arguments(ActQuery)
@blueprint.response(200, ActAnswer)
@blueprint.alt_response(409, description="It makes no sense for the message as it stands.")
@blueprint.alt_response(404, description="The shop has no such message.")
def do(wish: dict[str, Any], message_id: int) -> Any:
    """Cancel a message, send it now or send it again"""
    who = caller()
    try:
        return act(context(), who.shop_id, message_id, wish["kind"], f"API key {who.name}", wish["seen_copies"])
    except NotOffered as exc:
        return _refused(exc)


@blueprint.get("/messages/<int:message_id>/content")
@blueprint.response(200, ContentSchema)
@blueprint.alt_response(404, description="The shop has no such message.")
@blueprint.alt_response(410, description="What it said is no longer kept, or the customer's data was erased.")
def content(message_id: int) -> Any:
    """What a message said, or would say now"""
    ctx = context()
    with ctx.database.reading() as session:
        shown = message_content(session, ctx, caller().shop_id, message_id)
    return shown or problem(410, "gone", "What it said is no longer kept.")


def _refused(exc: NotOffered) -> Response:
    return problem(409, "not_offered", f"The message is {exc.state}: {exc.reason}.", "kind")
