"""The customer's pages: a signed token is the right to see and to answer. GET and HEAD change nothing, POST acts."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, g, request

from plugin.services import answers, issue_desk
from plugin.services.answers import Erased, NotThere
from plugin.services.issues import NoSuchIssue
from plugin.tokens import ARRIVAL, CLICK, SOLVED, SURVEY, UNSUBSCRIBE, BadToken
from plugin.web import visits
from plugin.web.auth import Auth
from plugin.web.beside import Beside
from plugin.web.pages import page, protect
from plugin.web.scanners import is_scanner
from plugin.web.visits import Visit
from plugin.web.wiring import context
from schemas.fields import web_url

AUTH = Auth.TOKEN
MAX_WORDS = 20_000  # characters that are read; 4,000 are kept
_SMALL = re.compile(r"[0-9]{1,2}", re.ASCII)

blueprint = Blueprint("customer", __name__)
clicks = Beside("click")
log = logging.getLogger(__name__)


@blueprint.before_request
def open_token() -> None:
    """Check the token of every route here before anything else looks at the request. 404 for a bad one."""
    purpose = {"unsubscribe": UNSUBSCRIBE, "survey": SURVEY, "arrival": ARRIVAL, "click": CLICK, "solved": SOLVED}
    name = (request.endpoint or "").rpartition(".")[2]
    shapes: dict[str, tuple[type, ...]] = {"arrival": (int, str), "click": (int, str), "solved": (int, int)}
    try:
        values = context().tokens.read(purpose[name], (request.view_args or {})["token"])
    except BadToken:
        abort(404)
    if tuple(type(value) for value in values) != shapes.get(name, (int,)):
        abort(404)
    g.values = values


@blueprint.after_request
def keep_private(response: Response) -> Response:
    return protect(response)


@blueprint.errorhandler(NotThere)
@blueprint.errorhandler(NoSuchIssue)
def not_there(_: LookupError) -> Response:
    return page("error", 404, kind=404)


@blueprint.errorhandler(Erased)
def erased(_: Erased) -> Response:
    return page("error", 410, kind=410)


@blueprint.route("/u/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> Response:
    """One button; the mail client's one-click POST (RFC 8058) does the same. POST action=resubscribe takes it back."""
    with context().database.reading() as session:
        seen = _seen(visits.visit(session, g.values[0]))
        address, state = visits.address(seen), "ask"
        if request.method != "POST" and visits.opted_out(session, seen):
            state = "already"
    if request.method == "POST":
        again = request.form.get("action") == "resubscribe"
        (answers.subscribe_again if again else answers.unsubscribe)(context(), seen.message_id)
        state = "again" if again else "done"
    return page("unsubscribe", visit=seen, address=address, state=state)


@blueprint.route("/s/<token>", methods=["GET", "POST"])
def survey(token: str) -> Response:
    """One page, one button. `?score=1` to `5` is the tap in the mail: chosen, not saved."""
    with context().database.reading() as session:
        seen = _seen(visits.visit(session, g.values[0]))
        stored = visits.survey(session, seen)
    if request.method == "POST" and not (stored and stored.completed):
        return _save_survey(seen)
    chosen = _number(request.args.get("score"), 1, 5) if request.method != "POST" else None
    return _survey_page(seen, stored, chosen=chosen)


def _save_survey(seen: Visit) -> Response:
    form = request.form
    given = {name: form[name].strip() for name in ("satisfaction", "recommendation") if form.get(name, "").strip()}
    satisfaction = _number(given.get("satisfaction"), 1, 5)
    recommendation = _number(given.get("recommendation"), 0, 10)
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


@blueprint.route("/d/<token>", methods=["GET", "POST"])
def arrival(token: str) -> Response:
    """`?answer=yes` or `not_yet` is the tap in the mail: chosen, not saved."""
    message_id, parcel_id = g.values
    posted, wrong = request.method == "POST", False
    with context().database.reading() as session:
        seen = _seen(visits.visit(session, message_id))
        parcel_id = parcel_id or seen.order.platform_id
        news = visits.parcel_news(session, seen, parcel_id)
    chosen = request.form.get("answer") if posted else request.args.get("answer")
    words = request.form.get("words", "") if posted else ""
    if chosen not in ("yes", "not_yet"):
        chosen, wrong = None, posted
    too_long = len(words) > MAX_WORDS
    if not posted or wrong or too_long:
        values = {"chosen": chosen, "wrong": wrong, "too_long": too_long, "words": words or news.words or ""}
        return page("arrival", 422 if posted else 200, visit=seen, news=news, **values)
    answers.answer_arrival(context(), message_id, parcel_id, chosen == "yes", words)
    return page("arrived" if chosen == "yes" else "not_yet", visit=seen, news=news)


@blueprint.route("/d/issue/<token>", methods=["GET", "POST"])
def solved(token: str) -> Response:
    """Was the issue solved? `?solved=yes` or `no` is the tap in the mail: chosen, not saved."""
    issue_id, number = g.values
    posted = request.method == "POST"
    with context().database.reading() as session:
        seen = visits.issue_visit(session, issue_id)
        g.language, g.shop, g.visit = seen.language, seen.shop, seen
        settled = seen.closed and number == seen.question
    chosen = request.form.get("solved") if posted else request.args.get("solved")
    if chosen not in ("yes", "no"):
        chosen = None
    if not settled:  # open again, or asked anew since: this question is over
        return page("solved_done", visit=seen, state="over")
    if not posted or chosen is None:
        return page("solved", 422 if posted else 200, visit=seen, chosen=chosen, wrong=posted)
    issue_desk.say_solved(context(), issue_id, number, chosen == "yes")
    return page("solved_done", visit=seen, state=chosen)


@blueprint.get("/c/<token>")
def click(token: str) -> Response:
    """302 to the signed address, http(s) only. Remembering the click never keeps anyone from going on."""
    message_id, target = g.values
    address = web_url(target, limit=4000)
    if address is None:
        abort(404)
    by_scanner = is_scanner(request.method, dict(request.headers))
    clicks.remember(message_id, partial(answers.record_click, context(), message_id, address, by_scanner))
    return Response(status=302, headers={"Location": address})


def _seen(found: Visit) -> Visit:
    """From here on every page of this request, error pages too, speaks as the shop and in the order's language."""
    g.language, g.shop, g.visit = found.language, found.shop, found
    return found


def _number(text: Any, low: int, high: int) -> int | None:
    """A whole number from `low` to `high` in plain digits, else None."""
    if not isinstance(text, str) or not _SMALL.fullmatch(text):
        return None
    return int(text) if low <= int(text) <= high else None
