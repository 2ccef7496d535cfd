"""Reviews: what customers let others read, approved or rejected by the shop. Their words are never edited."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.services.reviews import (
    APPROVED,
    PAGE,
    REJECTED,
    STATES,
    BadProducts,
    NoSuchReview,
    OtherWords,
    decide,
    list_reviews,
)
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import error_page, page
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
SAID = ("approved", "rejected", "products", "other_words")

blueprint = Blueprint("merchant_reviews", __name__)


@blueprint.errorhandler(NoSuchReview)
def gone(_: LookupError) -> Response:
    return error_page(404)


@blueprint.get("/app/reviews")
def show() -> Response:
    state = request.args.get("show", STATES[0])
    state = state if state in STATES else STATES[0]
    mark = read_mark(request.args.get("after"))
    with context().database.reading() as session:
        found = list_reviews(session, merchant().shop_id, state, mark[1] if mark else None, PAGE + 1)
    more = mark_text(None, found[PAGE - 1].id) if len(found) > PAGE else None
    said = request.args.get("said")
    return page(
        "reviews", state=state, states=STATES, found=found[:PAGE], more=more, said=said if said in SAID else None
    )


@blueprint.post("/app/reviews/<int:review_id>")
def judge(review_id: int) -> Response:
    """`decision`: approved or rejected, of the `version` that was read. `product`: what it speaks of."""
    who, form = merchant(), request.form
    state = form.get("decision")
    if state not in (APPROVED, REJECTED):
        return error_page(422)
    products = form.getlist("product") if state == APPROVED else None
    said = state
    try:
        decide(context(), who.shop_id, review_id, state, who.actor, products=products, seen=form.get("version", ""))
    except BadProducts:
        said = "products"
    except OtherWords:
        said = "other_words"
    shown = form.get("show") if form.get("show") in STATES else STATES[0]
    return Response(status=303, headers={"Location": f"/app/reviews?show={shown}&said={said}"})
