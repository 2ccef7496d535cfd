"""Reviews: what customers let others read, approved or rejected."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from plugin.services.reviews import PAGE, BadProducts, OtherWords, ReviewLine, decide, list_reviews
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.issues import DoneSchema
from schemas.api.paging import next_after
from schemas.api.reviews import DecisionBody, ReviewPageSchema, ReviewsQuery

AUTH = Auth.API_KEY

blueprint = Resource("reviews", "Good answers that customers let the shop show to others.")


@blueprint.get("/reviews")
@blueprint.arguments(ReviewsQuery, location="query")
@blueprint.response(200, ReviewPageSchema)
def reviews(query: dict[str, Any]) -> Any:
    """Reviews of a state, the newest first"""
    before = query["after"][1] if query["after"] else None
    with context().database.reading() as session:
        found = list_reviews(session, caller().shop_id, query["state"], before)
    more = next_after(None, found[-1].id) if len(found) == PAGE else None
    return {"items": [_told(one) for one in found], "next": more}


@blueprint.put("/reviews/<int:review_id>")
@blueprint.arguments(DecisionBody)
@blueprint.response(200, DoneSchema)
@blueprint.alt_response(404, description="The shop has no such review: its customer may have taken it back.")
@blueprint.alt_response(409, description="The customer says something else by now.")
def judge(body: dict[str, Any], review_id: int) -> Any:
    """Approve or reject it

    Approved ones are shown in the cross-sell follow-up. The words are the customer's and cannot be edited.
    """
    who = caller()
    try:
        decide(context(), who.shop_id, review_id, body["state"], f"API key {who.name}",
               products=body.get("products"), seen=body["version"])  # fmt: skip
    except BadProducts:
        raise BadInput({"json": {"products": ["one at least, and of its own order"]}}) from None
    except OtherWords:
        return problem(409, "other_words", "The customer says something else by now: read it again.")
    return {"changed": True}


def _told(line: ReviewLine) -> dict[str, Any]:
    products = [{"product_id": id_, "title": title, "spoken_of": spoken} for id_, title, spoken in line.products]
    return {field.name: getattr(line, field.name) for field in fields(line)} | {"products": products}
