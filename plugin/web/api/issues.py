"""Issues: who looks after them, what was answered, how they ended."""

from __future__ import annotations

from typing import Any

from plugin.services import issue_desk
from plugin.services.answers import Erased
from plugin.services.issue_desk import NothingSaid
from plugin.services.issue_view import list_issues
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.issues import AdoptedSchema, CloseBody, DoneSchema, IssuePageSchema, IssuesQuery, OwnerBody, ReplyBody
from schemas.api.paging import next_after

AUTH = Auth.API_KEY

blueprint = Resource("issues", "Parcels reported missing, low ratings and messages that failed.")


@blueprint.get("/issues")
@blueprint.arguments(IssuesQuery, location="query")
@blueprint.response(200, IssuePageSchema)
def issues(query: dict[str, Any]) -> Any:
    """Open issues by what is due first, or closed ones, the newest first"""
    after = query["after"][1] if query["after"] else None
    with context().database.reading() as session:
        found = list_issues(session, context(), caller().shop_id, closed=query["closed"], after=after)
    return {"items": found.issues, "next": next_after(None, found.more) if found.more else None}


@blueprint.put("/issues/<int:issue_id>/owner")
@blueprint.arguments(OwnerBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such issue.")
def take(body: dict[str, Any], issue_id: int) -> Any:
    """Say who looks after it"""
    issue_desk.take(context(), caller().shop_id, issue_id, body["owner"], _actor())
    return {"changed": True}


@blueprint.post("/issues/<int:issue_id>/replies")
@blueprint.arguments(ReplyBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such issue.")
@blueprint.alt_response(409, description="The customer's data was erased.")
def reply(body: dict[str, Any], issue_id: int) -> Any:
    """Answer the customer by mail"""
    try:
        sent = issue_desk.reply(
            context(), caller().shop_id, issue_id, body["words"], _actor(), body["seen_replies"]
        )
    except NothingSaid:
        raise BadInput({"json": {"words": ["say something"]}}) from None
    except Erased:
        return problem(409, "erased", "The customer's data was erased: there is nobody to write to.")
    return {"changed": sent}


@blueprint.post("/issues/<int:issue_id>/close")
@blueprint.arguments(CloseBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such issue, or none that ends so.")
def close(body: dict[str, Any], issue_id: int) -> Any:
    """Close it: what was paused goes on, and the customer is asked whether it is solved"""
    return {"changed": issue_desk.close(context(), caller().shop_id, issue_id, body["outcome"], _actor())}


@blueprint.post("/issues/<int:issue_id>/answered")
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such issue.")
def answered(issue_id: int) -> Any:
    """The customer was answered by other means: the reply clock stops"""
    issue_desk.answered(context(), caller().shop_id, issue_id, _actor())
    return {"changed": True}


@blueprint.post("/messages/<int:message_id>/issue")
@blueprint.response(200, AdoptedSchema)
@blueprint.alt_response(404, description="The shop has no such message, or it did not fail.")
def adopt(message_id: int) -> Any:
    """Look into a message that failed: it becomes an issue with an owner"""
    return {"issue_id": issue_desk.adopt(context(), caller().shop_id, message_id, _actor())}


def _actor() -> str:
    return f"API key {caller().name}"
