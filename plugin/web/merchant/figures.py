"""The figures: what came of the messages, by step and period, as charts with the numbers beside them, and as CSV."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from babel.dates import format_date
from flask import Blueprint, Response, abort, request

from plugin.content.formats import parse_locale
from plugin.domain.figures import PERIODS
from plugin.services.figures import Report, csv_lines, figures
from plugin.services.settings_change import change_settings, locked_shop
from plugin.web.auth import Auth
from plugin.web.merchant import filters, words
from plugin.web.merchant.access import merchant, ticket
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import TRACK_OPENS, load_settings

AUTH = Auth.MERCHANT
CAME_OF_THEM = ("opened", "clicked", "orders")  # drawn as lines
MEANINGS = ("sent", "delivered", "opened", "clicked", "unsubscribed", "complained", "orders")

blueprint = Blueprint("merchant_figures", __name__, url_prefix="/app/figures")


@blueprint.get("")
def show() -> Response:
    report = _report()
    language = merchant().locale
    return page(
        "figures",
        report=report,
        periods=PERIODS,
        steps=list(report.by_step),
        meanings=MEANINGS,
        choices=TRACK_OPENS,
        rows=[(_stretch(mark, report, language), total) for mark, total in _totals(report)],
        sent_chart=_sent_chart(report, language),
        came_chart=_came_chart(report, language),
        csv=ticket("/app/figures/csv", period=report.period),
    )


@blueprint.post("/opens")
def track_opens() -> Response:
    """Which mails tell that they were opened: off, marketing or all."""
    wanted = request.form.get("track_opens", "")
    if wanted not in TRACK_OPENS:
        abort(422, "There is no such choice.")
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        edited = replace(load_settings(shop.settings), track_opens=wanted)
        change_settings(session, ctx, shop, edited, who.actor)
    return Response(status=303, headers={"Location": "/app/figures#opens"})


@blueprint.get("/csv")
def as_csv() -> Response:
    report = _report()
    response = Response(csv_lines(report), mimetype="text/csv")
    name = f"dasi-{merchant().domain.partition('.')[0]}-{report.first}-{report.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _report() -> Report:
    period = request.args.get("period", "30")
    if period not in PERIODS:
        abort(404)
    return figures(context(), merchant().shop_id, period)


def _totals(report: Report) -> list[tuple[date, dict[str, int]]]:
    names = ("sent", "delivered", "opened", "machine_opened", "clicked", "unsubscribed", "complained", "orders")
    return [
        (mark, {name: sum(getattr(found, name) for found in by_step.values()) for name in names})
        for mark, by_step in report.drawn
    ]


def _stretch(mark: date, report: Report, language: str) -> str:
    return month_or_week(mark, report.period, language)


def month_or_week(mark: date, period: str, language: str) -> str:
    """`November 2026`, `Mon 2 November`, `from Mon 2 November` (a week)."""
    if period == "months":
        return format_date(mark, "y년 M월" if language == "ko" else "MMMM y", locale=parse_locale(language))
    shown = filters.day(mark, language, None)
    return words.text(language, "figures.from", day=shown) if period == "90" else shown


def _sent_chart(report: Report, language: str) -> dict[str, Any]:
    series = [
        {"name": words.text(language, f"frame.step.{step}"), "values": [by[step].sent for _, by in report.drawn]}
        for step in report.by_step
    ]
    return {"kind": "bar", "labels": _labels(report, language), "series": series}


def _came_chart(report: Report, language: str) -> dict[str, Any]:
    totals = _totals(report)
    series = [
        {"name": words.text(language, f"figures.{name}"), "values": [total[name] for _, total in totals]}
        for name in CAME_OF_THEM
    ]
    return {"kind": "line", "labels": _labels(report, language), "series": series}


def _labels(report: Report, language: str) -> list[str]:
    return [_stretch(mark, report, language) for mark, _ in report.drawn]
