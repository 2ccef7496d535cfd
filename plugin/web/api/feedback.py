"""The feedback desk: answers with their tags, scores with intervals, and a reply by mail."""

from __future__ import annotations

from typing import Any

from plugin.services import feedback_tags, tagging
from plugin.services.answers import Erased
from plugin.services.feedback_list import Mark, Wanted, find_answers
from plugin.services.feedback_reply import reply_to_answer
from plugin.services.feedback_scores import score_report
from plugin.services.feedback_tags import BadTag, tag_list
from plugin.services.issue_desk import NothingSaid
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.feedback import (
    CorrectBody,
    FeedbackPageSchema,
    FeedbackQuery,
    MadeSchema,
    ScoreQuery,
    ScoreReportSchema,
    TagBody,
    TagChangeBody,
    TagsSchema,
)
from schemas.api.issues import DoneSchema, ReplyBody
from schemas.api.paging import next_after

AUTH = Auth.API_KEY
BAD_TAG = {"name": "give a name of at most 60 letters that no other tag has", "tags": "there are 60 tags already"}

blueprint = Resource("feedback", "What customers answered, its tags and scores.")


@blueprint.get("/feedback")
@blueprint.arguments(FeedbackQuery, location="query")
@blueprint.response(200, FeedbackPageSchema)
def answers(query: dict[str, Any]) -> Any:
    """Answers, the newest first"""
    after = query["after"]
    if after and (after[0] is None or after[0].tzinfo is None):
        raise BadInput({"query": {"after": ["not a `next` of this list"]}})
    wanted = Wanted(
        band=query["band"], tag_id=query["tag"], product_id=query["product"], worded=query["worded"],
        since=query["since"],
    )  # fmt: skip
    with context().database.reading() as session:
        found = find_answers(session, caller().shop_id, wanted, Mark(*after) if after else None)
    return {"items": found.answers, "next": next_after(found.more.at, found.more.id) if found.more else None}


@blueprint.put("/feedback/<int:answer_id>/tags/<int:tag_id>")
@blueprint.arguments(CorrectBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such answer or tag.")
def correct(body: dict[str, Any], answer_id: int, tag_id: int) -> Any:
    """Add, remove or confirm a tag of an answer: no suggestion undoes it"""
    tagging.correct(context(), caller().shop_id, answer_id, tag_id, body["do"], _actor())
    return {"changed": True}


@blueprint.post("/feedback/<int:answer_id>/replies")
@blueprint.arguments(ReplyBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such answer.")
@blueprint.alt_response(409, description="The customer's data was erased.")
def reply(body: dict[str, Any], answer_id: int) -> Any:
    """Reply to an answer by mail"""
    try:
        sent = reply_to_answer(
            context(), caller().shop_id, answer_id, body["words"], _actor(), body["seen_replies"]
        )
    except NothingSaid:
        raise BadInput({"json": {"words": ["say something"]}}) from None
    except Erased:
        return problem(409, "erased", "The customer's data was erased: there is nobody to write to.")
    return {"changed": sent}


@blueprint.get("/feedback/scores")
@blueprint.arguments(ScoreQuery, location="query")
@blueprint.response(200, ScoreReportSchema)
def scores(query: dict[str, Any]) -> Any:
    """CSAT and NPS over time, by tag and by product, each with its 95 % interval"""
    with context().database.reading() as session:
        report = score_report(session, context(), caller().shop_id, query["period"])
    return {
        "period": report.period, "first": report.first, "last": report.last, "total": report.total,
        "drawn": [{"first": day, "scores": found} for day, found in report.drawn],
        "by_tag": report.by_tag, "by_product": report.by_product,
    }  # fmt: skip


@blueprint.get("/tags")
@blueprint.response(200, TagsSchema)
def tags() -> Any:
    """The shop's tags, those in use first"""
    with context().database.reading() as session:
        return {"items": tag_list(session, caller().shop_id)}


@blueprint.post("/tags")
@blueprint.arguments(TagBody)
@blueprint.response(200, MadeSchema)
def add(body: dict[str, Any]) -> Any:
    """Add a tag, with words of your own that suggest it"""
    try:
        return {"id": feedback_tags.add_tag(context(), caller().shop_id, **body, actor=_actor())}
    except BadTag as exc:
        raise BadInput({"json": {exc.field: [BAD_TAG[exc.field]]}}) from None


@blueprint.put("/tags/<int:tag_id>")
@blueprint.arguments(TagChangeBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such tag.")
def change(body: dict[str, Any], tag_id: int) -> Any:
    """Rename a tag, change its words, or retire it"""
    try:
        feedback_tags.change_tag(context(), caller().shop_id, tag_id, **body, actor=_actor())
    except BadTag as exc:
        raise BadInput({"json": {exc.field: [BAD_TAG[exc.field]]}}) from None
    return {"changed": True}


def _actor() -> str:
    return f"API key {caller().name}"
