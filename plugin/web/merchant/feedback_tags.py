"""The shop's tags, and the scores over time, by tag and by product."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, request

from plugin.domain.scores import Interval
from plugin.services import feedback_tags
from plugin.services.feedback_scores import PERIODS, ScoreReport, score_report
from plugin.services.feedback_tags import BadTag, tag_list
from plugin.services.tagging import NoSuchTag
from plugin.web.auth import Auth
from plugin.web.merchant import words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.feedback import name_of
from plugin.web.merchant.figures import month_or_week
from plugin.web.merchant.pages import error_page, page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
SAID = ("saved", "started")

blueprint = Blueprint("merchant_feedback_tags", __name__)


@blueprint.errorhandler(NoSuchTag)
def not_there(_: NoSuchTag) -> Response:
    return error_page(404)


@blueprint.get("/app/feedback/tags")
def show() -> Response:
    return _page()


@blueprint.post("/app/feedback/tags/start")
def start() -> Response:
    """Make the starting set of tags, and look for them in earlier answers."""
    feedback_tags.start(context(), merchant().shop_id)
    return _back("started")


@blueprint.post("/app/feedback/tags")
def add() -> Response:
    form = request.form
    try:
        feedback_tags.add_tag(
            context(), merchant().shop_id, form.get("name_en", ""), form.get("name_ko", ""), _given(), merchant().actor
        )
    except BadTag as exc:
        return _page(422, wrong=exc.field, typed=form.to_dict())
    return _back("saved")


@blueprint.post("/app/feedback/tags/<int:tag_id>")
def change(tag_id: int) -> Response:
    form, who = request.form, merchant()
    names = form.get("name_en", ""), form.get("name_ko", "")
    try:
        feedback_tags.change_tag(
            context(), who.shop_id, tag_id, *names, _given(), form.get("retired") == "yes", who.actor
        )
    except BadTag as exc:
        return _page(422, wrong=exc.field, wrong_id=tag_id)
    return _back("saved")


@blueprint.get("/app/feedback/scores")
def scores() -> Response:
    period = request.args.get("period", "months")
    if period not in PERIODS:
        abort(404)
    ctx, language = context(), merchant().locale
    with ctx.database.reading() as session:
        report = score_report(session, ctx, merchant().shop_id, period)
    labels = [_stretch(day, report, language) for day, _ in report.drawn]
    return page(
        "feedback_scores", report=report, periods=PERIODS, rows=list(zip(labels, report.drawn, strict=True)),
        csat_chart=_chart(labels, [scores.csat for _, scores in report.drawn], "csat", 100),
        nps_chart=_chart(labels, [scores.nps for _, scores in report.drawn], "nps", 1),
        name_of=name_of(), percent=percent, points=points,
    )  # fmt: skip


def percent(found: Interval | None) -> str:
    """`72% (65–78)`, a dash for nobody."""
    return "–" if found is None else f"{100 * found.value:.0f}% ({100 * found.low:.0f}–{100 * found.high:.0f})"


def points(found: Interval | None) -> str:
    """`+35 (+20 to +49)`, a dash for nobody."""
    if found is None:
        return "–"
    ends = words.text(merchant().locale, "feedback.range", low=_signed(found.low), high=_signed(found.high))
    return f"{_signed(found.value)} ({ends})"


def _signed(number: float) -> str:
    whole = round(number)
    return f"{whole:+d}".replace("-", "−") if whole else "0"


def _chart(labels: list[str], found: list[Interval | None], name: str, times: int) -> dict[str, Any]:
    """The value and the two ends of its interval, as lines."""
    language = merchant().locale

    def line(part: str) -> dict[str, Any]:
        values = [None if one is None else round(times * getattr(one, part), 1) for one in found]
        return {"name": words.text(language, f"feedback.{name}_{part}"), "values": values}

    return {"kind": "line", "labels": labels, "series": [line(part) for part in ("value", "low", "high")]}


def _stretch(day: date, report: ScoreReport, language: str) -> str:
    return month_or_week(day, report.period, language)


def _given() -> list[str]:
    return request.form.get("words", "").replace("\n", ",").split(",")


def _page(
    status: int = 200, wrong: str | None = None, wrong_id: int | None = None, typed: dict[str, str] | None = None
) -> Response:
    with context().database.reading() as session:
        tags = tag_list(session, merchant().shop_id)
    said = request.args.get("said")
    return page(
        "feedback_tags", status, tags=tags, wrong=wrong, wrong_id=wrong_id, typed=typed or {},
        said=said if said in SAID else None, name_of=name_of(),
    )  # fmt: skip


def _back(said: str) -> Response:
    return Response(status=303, headers={"Location": f"/app/feedback/tags?said={said}"})
