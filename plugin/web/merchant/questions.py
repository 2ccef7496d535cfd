"""The survey's questions: added, worded, moved and dropped by buttons; saved as a whole; seen as customers see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound

from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.services.survey_view import survey_duration
from plugin.web import survey_form, visits
from plugin.web.auth import Auth
from plugin.web.merchant import question_form
from plugin.web.merchant.access import merchant, ticket
from plugin.web.merchant.pages import page
from plugin.web.merchant.question_form import Draft
from plugin.web.pages import HEADERS
from plugin.web.pages import page as customer_page
from plugin.web.token_pages import speaks_for
from plugin.web.wiring import context
from schemas.settings import LANGUAGES, load_settings
from schemas.survey import DEFAULT_QUESTIONS, MOST_OPTIONS

AUTH = Auth.MERCHANT
PATH = "/app/steps/survey/questions"

blueprint = Blueprint("merchant_questions", __name__)


@blueprint.get(PATH)
def show() -> Response:
    return _page(question_form.draft_of(_asked()), said=request.args.get("said") == "saved")


@blueprint.post(PATH)
def change() -> Response:
    """Every button sends the whole form. `do=save` puts it in force; the others give it back changed."""
    draft, action = question_form.read(request.form), request.form.get("do", "save")
    if action != "save":
        return _page(question_form.act(draft, action, request.form.get("kind", "")), unsaved=True)
    questions, wrong = question_form.check(draft)
    if questions is None:
        return _page(draft, 422, wrong=wrong, unsaved=True)
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        own = () if questions == DEFAULT_QUESTIONS else questions
        edited = replace(load_settings(shop.settings), questions=own)
        change_settings(session, ctx, shop, edited, who.actor, "survey.questions")
    return Response(status=303, headers={"Location": f"{PATH}?said=saved"})


@blueprint.get(f"{PATH}/seen/<language>")
def seen(language: str) -> Response:
    """The customers' page as it is now, for a frame: opened by a ticket, since a frame sends no header."""
    if language not in LANGUAGES:
        raise NotFound
    with context().database.reading() as session:
        sample = speaks_for(visits.sample(session, merchant().shop_id, language))
    values = survey_form.page_values(sample, {})
    response = customer_page("survey", stored=None, sitting="", saved=False, cut=False, anew=False, wrong=[], **values)
    policy = HEADERS["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response.headers["Content-Security-Policy"] = policy
    return response


def _asked() -> Any:
    with context().database.reading() as session:
        return load_settings(shop_of(session, merchant().shop_id).settings).survey()


def _page(draft: Draft, status: int = 200, **values: Any) -> Response:
    ctx, shop_id = context(), merchant().shop_id
    with ctx.database.reading() as session:
        settings = load_settings(shop_of(session, shop_id).settings)
        duration = survey_duration(session, shop_id, settings.survey_minutes, ctx.clock.now())
    frame = {
        "draft": draft, "kinds": question_form.kinds_to_add(draft), "languages": LANGUAGES, "duration": duration,
        "stated": settings.survey_minutes, "most_options": MOST_OPTIONS, "wrong": {}, "unsaved": False, "said": False,
        "is_default": not settings.questions, "path": PATH,
        "views": [(language, ticket(url_for(".seen", language=language))) for language in LANGUAGES],
    }  # fmt: skip
    return page("questions", status, **{**frame, **values})
