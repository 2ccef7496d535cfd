"""The feedback desk: what customers answered, with tags to correct by hand and a reply by mail."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request

from plugin.services import tagging
from plugin.services.answers import Erased
from plugin.services.feedback_list import (
    BANDS,
    Mark,
    Wanted,
    answers_of_customer,
    find_answers,
    one_answer,
    products,
)
from plugin.services.feedback_reply import reply_to_answer
from plugin.services.feedback_tags import tag_list
from plugin.services.issue_desk import NothingSaid
from plugin.services.issue_opening import REPLY
from plugin.services.order_story import story
from plugin.services.order_view import order_view
from plugin.services.tagging import NoSuchAnswer, NoSuchTag
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.filters import zone
from plugin.web.merchant.orders import story_tools
from plugin.web.merchant.pages import error_page, face, page
from plugin.web.merchant.paging import LIMIT, mark_text, read_mark
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
PERIODS = {"7": 7, "30": 30, "90": 90, "365": 365}  # days, the last one today
SAID = ("tagged", "replied", "before", "erased")
MAX_WORDS = 20_000  # characters that are read; 4,000 are kept
FILTERS = ("band", "tag", "product", "period", "worded")

blueprint = Blueprint("merchant_feedback", __name__)


@blueprint.errorhandler(NoSuchAnswer)
@blueprint.errorhandler(NoSuchTag)
def not_there(_: LookupError) -> Response:
    return error_page(404)


@blueprint.get("/app/feedback")
def show() -> Response:
    ctx, shop_id = context(), merchant().shop_id
    chosen = _chosen()
    mark = read_mark(request.args.get("after"))
    after = Mark(mark[0], mark[1]) if mark and mark[0] else None
    with ctx.database.reading() as session:
        tags = tag_list(session, shop_id)
        found = find_answers(session, shop_id, _wanted(chosen), after)
        sold = products(session, shop_id)
    query = urlencode({name: value for name, value in chosen.items() if value})
    more = mark_text(found.more.at, found.more.id) if found.more else None
    return page(
        "feedback", found=found, chosen=chosen, query=query, more=more, first=after is None, tags=tags, products=sold,
        bands=list(BANDS), periods=list(PERIODS), said=_said(), name_of=name_of(), here_url=_here_url(),
    )  # fmt: skip


@blueprint.get("/app/feedback/<int:answer_id>")
def one(answer_id: int) -> Response:
    return _page(answer_id)


@blueprint.post("/app/feedback/<int:answer_id>/tags")
def correct(answer_id: int) -> Response:
    """`do`: add, remove or confirm the `tag`; back to where the form stood."""
    tag = _number(request.form.get("tag"))
    if tag is None:
        raise NoSuchTag(answer_id)
    try:
        tagging.correct(context(), merchant().shop_id, answer_id, tag, request.form.get("do", ""), merchant().actor)
    except ValueError:
        abort(400)
    return _back(answer_id, "tagged")


@blueprint.post("/app/feedback/<int:answer_id>/reply")
def reply(answer_id: int) -> Response:
    said, seen = request.form.get("words", ""), request.form.get("replies", "")
    if len(said.replace("\r\n", "\n")) > MAX_WORDS:
        return _page(answer_id, 422, wrong="too_long", words=said[:MAX_WORDS])
    try:
        number = _number(seen) or 0
        sent = reply_to_answer(context(), merchant().shop_id, answer_id, said, merchant().actor, number)
    except NothingSaid:
        return _page(answer_id, 422, wrong="nothing")
    except Erased:
        return _to(answer_id, "erased")
    return _to(answer_id, "replied" if sent else "before")


def name_of() -> Any:
    """A tag's name in the language of the page."""
    korean = merchant().locale == "ko"
    return lambda tag: tag.name_ko if korean else tag.name_en


def _page(answer_id: int, status: int = 200, wrong: str | None = None, words: str = "") -> Response:
    ctx, who = context(), merchant()
    with ctx.database.reading() as session:
        tags = tag_list(session, who.shop_id)
        line = one_answer(session, who.shop_id, answer_id)
        order = order_view(session, ctx, who.shop_id, line.order_id)
        told = story(order.facts, order.messages, ctx.clock.now())
        others = answers_of_customer(session, who.shop_id, [other.id for other in order.others])
    letters = [letter for letter in order.facts.letters if letter.issue_id == line.issue_id]
    return page(
        "feedback_answer", status, line=line, order=order, story=told, others=others, letters=letters, tags=tags,
        replies=sum(letter.kind == REPLY for letter in letters), wrong=wrong, words=words, said=_said(),
        now=ctx.clock.now(), name_of=name_of(), here_url=request.path, **story_tools(),
    )  # fmt: skip


def _chosen() -> dict[str, str]:
    """The filters as they stand; one that there is not counts as none."""
    given = {name: request.args.get(name, "") for name in FILTERS}
    return {
        "band": given["band"] if given["band"] in BANDS else "",
        "tag": given["tag"] if _number(given["tag"]) else "",
        "product": given["product"][:64],
        "period": given["period"] if given["period"] in PERIODS else "",
        "worded": "yes" if given["worded"] == "yes" else "",
    }


def _wanted(chosen: dict[str, str]) -> Wanted:
    since = None
    if chosen["period"]:
        local = zone(face().timezone)
        first = context().clock.now().astimezone(local).date() - timedelta(days=PERIODS[chosen["period"]] - 1)
        since = datetime.combine(first, time(), local)
    return Wanted(
        band=chosen["band"] or None,
        tag_id=_number(chosen["tag"]),
        product_id=chosen["product"] or None,
        worded=bool(chosen["worded"]),
        since=since,
    )


def _number(text: str | None) -> int | None:
    text = text or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) < LIMIT else None


def _said() -> str | None:
    said = request.args.get("said")
    return said if said in SAID else None


def _here_url() -> str:
    """This page of the list, to come back to."""
    kept = {name: value for name in (*FILTERS, "after") if (value := request.args.get(name, ""))}
    return f"/app/feedback?{urlencode(kept)}" if kept else "/app/feedback"


def _back(answer_id: int, said: str | None = None) -> Response:
    """To the page of the list that the form names, else to the answer; never out of the desk."""
    wanted = request.form.get("back", "")
    if wanted != "/app/feedback" and not wanted.startswith("/app/feedback?"):
        return _to(answer_id, said)
    joint = "&" if "?" in wanted else "?"
    told = f"{joint}said={said}" if said else ""
    return Response(status=303, headers={"Location": "".join(wanted.splitlines()) + f"{told}#a{answer_id}"})


def _to(answer_id: int, said: str | None = None) -> Response:
    return Response(status=303, headers={"Location": f"/app/feedback/{answer_id}{f'?said={said}' if said else ''}"})
