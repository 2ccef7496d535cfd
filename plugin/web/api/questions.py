"""The survey: what it asks, and how long answering takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.services.survey_view import survey_duration
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.survey import DurationSchema
from schemas.settings import load_settings
from schemas.survey import DEFAULT_QUESTIONS, QuestionSetSchema

AUTH = Auth.API_KEY

blueprint = Resource("questions", "What customers are asked after the delivery.")


@blueprint.get("/survey/questions")
@blueprint.response(200, QuestionSetSchema)
def questions() -> Any:
    """The questions in the order in which they are asked"""
    with context().database.reading() as session:
        return {"questions": load_settings(shop_of(session, caller().shop_id).settings).survey()}


@blueprint.put("/survey/questions")
@blueprint.arguments(QuestionSetSchema)
@blueprint.response(200, QuestionSetSchema)
def ask(body: dict[str, Any]) -> Any:
    """Replace the questions; an empty list asks Dasi's own

    The first one is answered by one tap in the mail. Answers given before keep the words that they were asked in.
    """
    who, ctx, own = caller(), context(), tuple(body["questions"])
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        settings = load_settings(shop.settings)
        edited = replace(settings, questions=() if own == DEFAULT_QUESTIONS else own)
        change_settings(session, ctx, shop, edited, f"API key {who.name}", "survey.questions")
    return {"questions": edited.survey()}


@blueprint.get("/survey/time")
@blueprint.response(200, DurationSchema)
def duration() -> Any:
    """How long answering takes, and what the mail should say of it"""
    ctx, shop_id = context(), caller().shop_id
    with ctx.database.reading() as session:
        stated = load_settings(shop_of(session, shop_id).settings).survey_minutes
        return survey_duration(session, shop_id, stated, ctx.clock.now())
