"""The list of orders, the search, and the page of one order: its line of time and what may be done to its messages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from plugin.services import address_marks
from plugin.services.acts import NoSuchMessage, NotOffered, act
from plugin.services.address_marks import NoMark
from plugin.services.order_search import Cursor, NoSuchOrder, find_orders
from plugin.services.order_story import story
from plugin.services.order_view import order_view
from plugin.web.auth import Auth
from plugin.web.merchant import access, words
from plugin.web.merchant.access import merchant
from plugin.web.merchant.actors import actor
from plugin.web.merchant.pages import error_page, face, page
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.merchant.reasons import reason
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
SAID = ("cancel", "send_now", "send_again", "before", "not_offered", "lifted", "not_lifted")  # what a page may confirm

blueprint = Blueprint("merchant_orders", __name__)


@blueprint.errorhandler(NoSuchOrder)
@blueprint.errorhandler(NoSuchMessage)
def not_there(_: LookupError) -> Response:
    return error_page(404)


@blueprint.get("/app/orders")
def show() -> Response:
    text = request.args.get("q", "")[:100].strip()
    mark = read_mark(request.args.get("after"))
    after = Cursor(mark[0], mark[1]) if mark and mark[0] else None
    with context().database.reading() as session:
        found = find_orders(session, merchant().shop_id, text, after)
    more = mark_text(found.more.placed_at, found.more.id) if found.more else None
    return page("orders", found=found, text=text, more=more, first=after is None)


@blueprint.get("/app/orders/<int:order_id>")
def one(order_id: int) -> Response:
    ctx, who = context(), merchant()
    with ctx.database.reading() as session:
        view = order_view(session, ctx, who.shop_id, order_id)
        told = story(view.facts, view.messages, ctx.clock.now())
    said = request.args.get("said")
    return page(
        "order", view=view, story=told, said=said if said in SAID else None, now=ctx.clock.now(), **story_tools()
    )


@blueprint.post("/app/orders/<int:order_id>/address")
def lift(order_id: int) -> Response:
    """The merchant says that the dead address takes mail again."""
    try:
        address_marks.lift(context(), merchant().shop_id, order_id, merchant().actor)
        said = "lifted"
    except NoMark:  # another page did it before
        said = "not_lifted"
    return Response(status=303, headers={"Location": f"/app/orders/{order_id}?said={said}#customer"})


@blueprint.post("/app/orders/<int:order_id>/messages/<int:message_id>")
def do(order_id: int, message_id: int) -> Response:
    """`act`: cancel, send_now or send_again; `copies`: how often it had been sent again when the page was made."""
    kind, copies = request.form.get("act", ""), request.form.get("copies", "")
    seen = int(copies) if copies.isascii() and copies.isdecimal() and len(copies) < 6 else None
    try:
        done = act(context(), merchant().shop_id, message_id, kind, merchant().actor, seen)
        order_id, said = done.order_id, kind if done.changed else "before"
    except NotOffered:
        said = "not_offered"
    except ValueError:
        abort(400)
    return Response(status=303, headers={"Location": f"/app/orders/{order_id}?said={said}#m{message_id}"})


def story_tools() -> dict[str, Any]:
    """What the line of time needs in a template: reasons in the page's language, and addresses for frames."""
    language = merchant().locale
    return {
        "reason": lambda text: reason(text, language, face().timezone, context().clock.now()),
        "content_of": lambda message_id: access.ticket(f"/app/messages/{message_id}/content"),
        "who": lambda name: actor(name, language),
        "has": lambda key: words.has(language, key),
        "lasts": lambda minutes: _lasts(minutes, language),
        "admin": f"https://admin.shopify.com/store/{merchant().domain.partition('.')[0]}/orders/",
    }


def _lasts(minutes: int, language: str) -> str:
    """Desk time: `12 min`, `3 h 5 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return words.text(language, "issues.minutes", minutes=rest)
    return words.text(language, "issues.hours_minutes", hours=hours, minutes=rest)
