"""The survey page: one page, one button. GET and HEAD change nothing, POST saves."""

from __future__ import annotations

from flask import Response, g, request

from plugin.services import answers
from plugin.web import visits
from plugin.web.auth import Auth
from plugin.web.pages import page
from plugin.web.token_pages import small_number, speaks_for, token_blueprint
from plugin.web.visits import Visit
from plugin.web.wiring import context

AUTH = Auth.TOKEN
MAX_WORDS = 20_000  # characters that are read; 4,000 are kept

blueprint = token_blueprint("survey", __name__)


@blueprint.route("/s/<token>", methods=["GET", "POST"])
def survey(token: str) -> Response:
    """One page, one button. `?score=1` to `5` is the tap in the mail: chosen, not saved."""
    with context().database.reading() as session:
        seen = speaks_for(visits.visit(session, g.values[0]))
        stored = visits.survey(session, seen)
    if request.method == "POST" and not (stored and stored.completed):
        return _save_survey(seen)
    chosen = small_number(request.args.get("score"), 1, 5) if request.method != "POST" else None
    return _survey_page(seen, stored, chosen=chosen)


def _save_survey(seen: Visit) -> Response:
    form = request.form
    given = {name: form[name].strip() for name in ("satisfaction", "recommendation") if form.get(name, "").strip()}
    satisfaction = small_number(given.get("satisfaction"), 1, 5)
    recommendation = small_number(given.get("recommendation"), 0, 10)
    words = form.get("words")
    wrong = []
    if satisfaction is None:
        wrong.append(("satisfaction", "survey_need_satisfaction"))
    if recommendation is None and "recommendation" in given:
        wrong.append(("recommendation", "survey_bad_recommendation"))
    if words is not None and len(words.replace("\r\n", "\n")) > MAX_WORDS:
        wrong.append(("words", "survey_words_too_long"))
    if satisfaction is None or wrong:
        draft = answers.Survey(satisfaction, recommendation, words, False)
        return _survey_page(seen, draft, wrong=wrong, status=422)
    stored, _ = answers.save_survey(context(), seen.message_id, satisfaction, recommendation, words)
    cut = words is not None and len(words.replace("\r\n", "\n").strip()) > answers.KEPT_WORDS
    return _survey_page(seen, stored, saved=True, cut=cut)


def _survey_page(
    seen: Visit,
    stored: answers.Survey | None,
    *,
    chosen: int | None = None,
    saved: bool = False,
    cut: bool = False,
    wrong: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    return page(
        "survey",
        status,
        visit=seen,
        stored=stored,
        satisfaction=chosen or (stored.satisfaction if stored else None),
        recommendation=stored.recommendation if stored else None,
        words=(stored.words if stored else None) or "",
        saved=saved,
        cut=cut,
        wrong=wrong or [],
    )
