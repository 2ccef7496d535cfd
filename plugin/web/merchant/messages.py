"""The list of messages by state, step and period, and what one says, in a frame of its own."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request

from plugin.domain.flows import STEPS
from plugin.services.acts import NoSuchMessage
from plugin.services.message_content import Shown, message_content
from plugin.services.message_list import LISTS, Mark, Wanted, find_messages
from plugin.web.auth import Auth
from plugin.web.merchant import access, words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.filters import zone
from plugin.web.merchant.pages import error_page, face, page
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.merchant.reasons import reason
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
PERIODS = {"today": 1, "7": 7, "30": 30, "90": 90}  # days, the last one today; of what is to come, the first one
FRAME = (
    "sandbox; default-src 'none'; img-src 'self' https: data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; "
)
_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)

blueprint = Blueprint("merchant_messages", __name__)


@blueprint.errorhandler(NoSuchMessage)
def not_there(_: NoSuchMessage) -> Response:
    return error_page(404)


@blueprint.get("/app/messages")
def show() -> Response:
    state, step, period = (request.args.get(name, "") for name in ("state", "step", "period"))
    state = state if state in LISTS else "planned"
    step, period = step if step in STEPS else "", period if period in PERIODS else ""
    since, until = _between(period, state, context().clock.now(), zone(face().timezone))
    wanted = Wanted(state=state, step=step or None, since=since, until=until)
    mark = read_mark(request.args.get("after"))
    with context().database.reading() as session:
        found = find_messages(session, merchant().shop_id, wanted, Mark(*mark) if mark else None)
    more = mark_text(found.more.at, found.more.id) if found.more else None
    def told(text: str) -> str:
        return reason(text, merchant().locale, face().timezone, context().clock.now())

    return page(
        "messages", found=found, state=state, step=step, period=period, more=more, first=mark is None,
        lists=LISTS, steps=list(STEPS), periods=list(PERIODS), reason=told,
    )  # fmt: skip


@blueprint.get("/app/messages/<int:message_id>/content")
def content(message_id: int) -> Response:
    """The mail itself: as it left, or as it would look now. Only ever inside a frame that may do nothing."""
    ctx = context()
    with ctx.database.reading() as session:
        shown = message_content(session, ctx, merchant().shop_id, message_id)
    html = _with_reasons(shown) if shown else render_template(
        "merchant/_no_content.html", text=words.text(merchant().locale, "messages.no_content"), lang=merchant().locale
    )
    response = Response(html, mimetype="text/html")
    framed = access.ancestors().replace("'none'", "'self'")
    response.headers["Content-Security-Policy"] = FRAME + (framed if "'self'" in framed else f"{framed} 'self'")
    return response


def _with_reasons(shown: Shown) -> str:
    """The mail under a note to the shop on why it suggests what it does, where it suggests something."""
    if not shown.why:
        return shown.html
    language = merchant().locale
    note = render_template(
        "merchant/_why.html", why=shown.why, lang=language, t=lambda key, **told: words.text(language, key, **told)
    )
    return _BODY.sub(lambda found: found[0] + note, shown.html, count=1)


def _between(
    period: str, state: str, now: datetime, shop_zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Whole days of the shop: for what is planned those that begin today, else those that end with it."""
    if not period:
        return None, None
    today = now.astimezone(shop_zone).date()
    if state == "planned":
        last = today + timedelta(days=PERIODS[period])
        return None, datetime.combine(last, time(), shop_zone)
    return datetime.combine(today - timedelta(days=PERIODS[period] - 1), time(), shop_zone), None
