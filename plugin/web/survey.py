"""The survey page: one page, one button. GET and HEAD change nothing, POST saves."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, g, request

from plugin.domain.survey import is_over, sitting
from plugin.services import answers, rewards
from plugin.services.review_leave import give_leave, withdraw_leave
from plugin.services.survey_view import Survey
from plugin.tokens import SITTING, BadToken
from plugin.web import survey_form, visits
from plugin.web.auth import Auth
from plugin.web.pages import page
from plugin.web.survey_form import Filled
from plugin.web.texts import text
from plugin.web.token_pages import speaks_for, token_blueprint
from plugin.web.visits import Visit
from plugin.web.wiring import context
from schemas.survey import WORDS

AUTH = Auth.TOKEN

blueprint = token_blueprint("survey", __name__)


@blueprint.route("/s/<token>", methods=["GET", "POST"])
def survey(token: str) -> Response:
    """`?score=` is the tap in the mail: chosen, not saved. `?change=1` opens complete answers for a day.

    POST `leave`: yes or no, the customer's word on showing theirs to others; everything else is answers.
    """
    ctx = context()
    with ctx.database.reading() as session:
        seen = speaks_for(visits.visit(session, g.values[0]))
        stored = visits.survey(session, seen, ctx.clock.now())
    if request.method == "POST" and "leave" in request.form:
        return _leave(seen)
    if is_over(seen.message.sent_at, ctx.clock.now()) and not (stored and stored.completed):
        return page("survey_over", 410, visit=seen)
    if request.method == "POST" and (stored is None or stored.changeable):
        return _save(seen, stored)
    if stored and stored.completed and not (stored.changeable and request.args.get("change") == "1"):
        return _done(seen, stored)
    said = survey_form.said_of(stored)
    if request.method != "POST":
        said |= survey_form.tapped(seen.questions, request.args.get("score"))
    return _form(seen, stored, said)


def _save(seen: Visit, stored: Survey | None) -> Response:
    questions, form = seen.questions, request.form
    filled = survey_form.read(questions, form, stored, seen.language, seen.shop.name)
    started, asked = _sitting(seen)
    if filled.wrong:
        return _form(seen, stored, filled.draft(stored), wrong=filled.wrong, status=422, started=started)
    if asked is not None and asked != survey_form.digest(questions):  # the shop asks otherwise since: nothing is put
        return _form(seen, stored, filled.draft(stored), anew=True, status=422, started=started)  # in their mouth
    saved, taken = answers.save_survey(
        context(),
        seen.message_id,
        _value(filled, "satisfaction"),
        _value(filled, "recommendation"),
        filled.typed.get(WORDS),
        given=filled.given,
        needed=survey_form.needed(questions),
        seconds=sitting(started, time.time()) if started is not None else None,
    )
    if saved.completed:
        rewards.give_now(context(), seen.order)
        return _done(seen, saved, saved=taken, cut=taken and filled.cut)
    return _form(seen, saved, survey_form.said_of(saved), saved=True, cut=filled.cut)


def _leave(seen: Visit) -> Response:
    if request.form["leave"] == "no":
        stored = withdraw_leave(context(), seen.message_id)
    elif request.form.get("agree") == "yes":
        stored = give_leave(context(), seen.message_id, text(seen.language, "survey_leave", shop=seen.shop.name))
    else:  # the button alone, without the tick, is no leave
        with context().database.reading() as session:
            stored = visits.survey(session, seen, context().clock.now())
        return _done(seen, stored, untold=True) if stored else _form(seen, None, {})
    return _done(seen, stored, told=True) if stored else _form(seen, None, {})


def _done(seen: Visit, stored: Survey, **told: bool) -> Response:
    """What was answered, and what can still be done about it."""
    said = survey_form.answers_of(stored, seen.language, seen.shop.name)
    state = {"saved": False, "cut": False, "told": False, "untold": False, **told}
    status = 422 if state["untold"] else 200
    with context().database.reading() as session:
        reward = rewards.reward_of(session, seen.order, seen.language)
    return page("survey_done", status, visit=seen, stored=stored, said=said, reward=reward, **state)


def _form(
    seen: Visit,
    stored: Survey | None,
    said: dict[str, Any],
    *,
    saved: bool = False,
    cut: bool = False,
    anew: bool = False,
    wrong: list[tuple[str, str]] | None = None,
    status: int = 200,
    started: float | None = None,
) -> Response:
    """The questions. `started`: when this sitting began; now, unless the page comes back unsaved."""
    begun = round(time.time() if started is None else started)
    return page(
        "survey",
        status,
        visit=seen,
        stored=stored,
        sitting=context().tokens.make(SITTING, seen.message_id, begun, survey_form.digest(seen.questions)),
        saved=saved,
        cut=cut,
        anew=anew,
        wrong=wrong or [],
        **survey_form.page_values(seen, said),
    )


def _sitting(seen: Visit) -> tuple[float | None, str | None]:
    """When the page was drawn, and the digest of what it asked; nothing from a form that is altered or another's."""
    try:
        message_id, started, asked = context().tokens.read(SITTING, request.form.get("sitting", ""))
    except (BadToken, ValueError):
        return None, None
    return (started, asked) if message_id == seen.message_id else (None, None)


def _value(filled: Filled, question: str) -> int | None:
    given = filled.given.get(question)
    return given.get("value") if given else None
