"""The customer's pages: a signed token is the right to see and to answer. GET and HEAD change nothing, POST acts."""

from __future__ import annotations

from functools import partial

from flask import Response, abort, g, request

from plugin.services import answers, issue_desk
from plugin.web import visits
from plugin.web.auth import Auth
from plugin.web.beside import Beside
from plugin.web.pages import page
from plugin.web.scanners import is_scanner
from plugin.web.token_pages import speaks_for, token_blueprint
from plugin.web.wiring import context
from schemas.fields import web_url

AUTH = Auth.TOKEN
MAX_WORDS = 20_000  # characters that are read; 4,000 are kept

blueprint = token_blueprint("customer", __name__)
clicks = Beside("click")


@blueprint.route("/u/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> Response:
    """One button; the mail client's one-click POST (RFC 8058) does the same. POST action=resubscribe takes it back."""
    with context().database.reading() as session:
        seen = speaks_for(visits.visit(session, g.values[0]))
        address, state = visits.address(seen), "ask"
        if request.method != "POST" and visits.opted_out(session, seen):
            state = "already"
    if request.method == "POST":
        again = request.form.get("action") == "resubscribe"
        (answers.subscribe_again if again else answers.unsubscribe)(context(), seen.message_id)
        state = "again" if again else "done"
    return page("unsubscribe", visit=seen, address=address, state=state)


@blueprint.route("/d/<token>", methods=["GET", "POST"])
def arrival(token: str) -> Response:
    """`?answer=yes` or `not_yet` is the tap in the mail: chosen, not saved."""
    message_id, parcel_id = g.values
    posted, wrong = request.method == "POST", False
    with context().database.reading() as session:
        seen = speaks_for(visits.visit(session, message_id))
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
