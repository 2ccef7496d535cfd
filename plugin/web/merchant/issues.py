"""The desk: what customers complain of and what failed, each with its clock, and the page where it is mended."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin.domain.desk_hours import WEEKDAYS
from plugin.services import issue_desk
from plugin.services.acts import NoSuchMessage
from plugin.services.answers import Erased
from plugin.services.desk_hours import SPANS, BadHours, hours_of, save_hours
from plugin.services.issue_desk import NothingSaid
from plugin.services.issue_view import failed_messages, issue_view, list_issues
from plugin.services.issues import NoSuchIssue
from plugin.services.message_list import Mark
from plugin.services.order_story import story
from plugin.services.order_view import order_view
from plugin.store.models.shops import Shop
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.orders import story_tools
from plugin.web.merchant.pages import error_page, page
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
LISTS = ("open", "closed", "failed")
SAID = ("taken", "replied", "answered", "closed", "before", "hours", "erased")
MAX_WORDS = 20_000  # characters that are read; 4,000 are kept

blueprint = Blueprint("merchant_issues", __name__)


@blueprint.errorhandler(NoSuchIssue)
@blueprint.errorhandler(NoSuchMessage)
def not_there(_: LookupError) -> Response:
    return error_page(404)


@blueprint.get("/app/issues")
def show() -> Response:
    which = request.args.get("show", "open")
    which = which if which in LISTS else "open"
    ctx, shop_id = context(), merchant().shop_id
    mark = read_mark(request.args.get("after"))
    with ctx.database.reading() as session:
        shop_hours = hours_of(session, session.get_one(Shop, shop_id))
        if which == "failed":
            failed, further = failed_messages(session, shop_id, Mark(*mark) if mark else None)
            more = mark_text(further.at, further.id) if further else None
            return page(
                "issues", which=which, failed=failed, more=more, hours=shop_hours, said=_said(), **story_tools()
            )
        found = list_issues(session, ctx, shop_id, closed=which == "closed", after=mark[1] if mark else None)
    more = mark_text(None, found.more) if found.more else None
    return page("issues", which=which, found=found, more=more, hours=shop_hours, said=_said(), **story_tools())


@blueprint.get("/app/issues/<int:issue_id>")
def one(issue_id: int) -> Response:
    return _page(issue_id)


@blueprint.post("/app/issues/<int:issue_id>/owner")
def take(issue_id: int) -> Response:
    who = merchant()
    issue_desk.take(context(), who.shop_id, issue_id, request.form.get("owner", who.actor), who.actor)
    return _back(issue_id, "taken")


@blueprint.post("/app/issues/<int:issue_id>/reply")
def reply(issue_id: int) -> Response:
    said, seen = request.form.get("words", ""), request.form.get("replies", "")
    if len(said.replace("\r\n", "\n")) > MAX_WORDS:
        return _page(issue_id, 422, wrong="too_long", words=said)
    try:
        number = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 6 else 0
        sent = issue_desk.reply(context(), merchant().shop_id, issue_id, said, merchant().actor, number)
    except NothingSaid:
        return _page(issue_id, 422, wrong="nothing")
    except Erased:
        return _back(issue_id, "erased")
    return _back(issue_id, "replied" if sent else "before")


@blueprint.post("/app/issues/<int:issue_id>/answered")
def answered(issue_id: int) -> Response:
    issue_desk.answered(context(), merchant().shop_id, issue_id, merchant().actor)
    return _back(issue_id, "answered")


@blueprint.post("/app/issues/<int:issue_id>/close")
def close(issue_id: int) -> Response:
    outcome = request.form.get("outcome", "")
    done = issue_desk.close(context(), merchant().shop_id, issue_id, outcome, merchant().actor)
    return _back(issue_id, "closed" if done else "before")


@blueprint.post("/app/issues/failed/<int:message_id>")
def adopt(message_id: int) -> Response:
    """Look into a message that failed: it becomes an issue with an owner."""
    return _back(issue_desk.adopt(context(), merchant().shop_id, message_id, merchant().actor))


@blueprint.get("/app/issues/hours")
def hours() -> Response:
    with context().database.reading() as session:
        known = hours_of(session, session.get_one(Shop, merchant().shop_id))
    spans = {day: [(f"{s:%H:%M}", f"{e:%H:%M}") for s, e in known.days[n]] for n, day in enumerate(WEEKDAYS)}
    return _hours_page(spans, known.zone.key, int(known.goal.total_seconds() // 60))


@blueprint.post("/app/issues/hours")
def save() -> Response:
    form = request.form
    spans = {
        day: [
            pair for n in range(SPANS)
            if any(pair := (form.get(f"{day}_{n}_from", ""), form.get(f"{day}_{n}_to", "")))
        ]
        for day in WEEKDAYS
    }  # fmt: skip
    goal = form.get("goal_minutes", "")
    minutes = int(goal) if goal.isascii() and goal.isdecimal() and len(goal) < 6 else 0
    zone = form.get("zone", "")
    try:
        with context().database.transaction() as session:
            save_hours(session, context(), merchant().shop_id, spans, zone, minutes, merchant().actor)
    except BadHours as exc:
        return _hours_page(spans, zone, minutes, 422, exc.field)
    return Response(status=303, headers={"Location": "/app/issues?said=hours"})


def _page(issue_id: int, status: int = 200, wrong: str | None = None, words: str = "") -> Response:
    ctx, who = context(), merchant()
    with ctx.database.reading() as session:
        view = issue_view(session, ctx, who.shop_id, issue_id)
        order = order_view(session, ctx, who.shop_id, view.line.order_id)
        told = story(order.facts, order.messages, ctx.clock.now())
    return page(
        "issue", status, issue=view.line, view=view, order=order, story=told, wrong=wrong, words=words, said=_said(),
        now=ctx.clock.now(), **story_tools(),
    )  # fmt: skip


def _hours_page(
    spans: dict[str, list[tuple[str, str]]], zone: str, goal: int, status: int = 200, wrong: str | None = None
) -> Response:
    return page(
        "desk_hours", status, spans=spans, zone=zone, goal=goal, wrong=wrong, weekdays=WEEKDAYS, most=SPANS
    )


def _said() -> str | None:
    said = request.args.get("said")
    return said if said in SAID else None


def _back(issue_id: int, said: str | None = None) -> Response:
    return Response(status=303, headers={"Location": f"/app/issues/{issue_id}{f'?said={said}' if said else ''}"})
