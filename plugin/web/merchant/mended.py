"""You told us, we fixed it: what was mended, who is told, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request

from plugin.services import mendings
from plugin.services.feedback_tags import tag_list
from plugin.services.mending_audience import audience
from plugin.services.mending_outcome import outcome
from plugin.services.mending_preview import preview
from plugin.services.mendings import MAX_SENTENCE, BadSentence, NoSuchMending, mending_list, newest, one_mending
from plugin.services.tagging import NoSuchTag
from plugin.web.auth import Auth
from plugin.web.merchant import access
from plugin.web.merchant.access import merchant, ticket
from plugin.web.merchant.feedback import name_of
from plugin.web.merchant.feedback_tags import percent
from plugin.web.merchant.messages import FRAME
from plugin.web.merchant.orders import story_tools
from plugin.web.merchant.pages import error_page, page
from plugin.web.merchant.paging import LIMIT
from plugin.web.wiring import context
from schemas.settings import LANGUAGES

AUTH = Auth.MERCHANT
SAID = ("mended", "undone", "before")

blueprint = Blueprint("merchant_mended", __name__, url_prefix="/app/feedback/mended")


@blueprint.errorhandler(NoSuchMending)
@blueprint.errorhandler(NoSuchTag)
def not_there(_: LookupError) -> Response:
    return error_page(404)


@blueprint.get("")
def show() -> Response:
    with context().database.reading() as session:
        lines = mending_list(session, merchant().shop_id)
        tags = tag_list(session, merchant().shop_id)
    return page("mended", lines=lines, tags=tags, said=_said(), name_of=name_of())


@blueprint.get("/new")
def new() -> Response:
    """The form for one tag: who would be told, the sentences, and once they are there the mail."""
    tag = request.args.get("tag", "")
    if not tag:  # none was chosen
        return Response(status=303, headers={"Location": "/app/feedback/mended"})
    return _form(tag, *_typed(request.args))


@blueprint.post("")
def mark() -> Response:
    form, who = request.form, merchant()
    tag, seen = form.get("tag", ""), form.get("seen", "")
    if not _is_number(tag):
        return error_page(404)
    en, ko = _typed(form)
    if form.get("do") != "send":
        return _form(tag, en, ko)
    try:
        made = mendings.mark_mended(
            context(), who.shop_id, int(tag), en, ko, who.actor, int(seen) if _is_number(seen) else -1
        )
    except BadSentence as exc:
        return _form(tag, en, ko, 422, exc.field)
    if made is None:
        return Response(status=303, headers={"Location": "/app/feedback/mended?said=before"})
    return _to(made, "mended")


@blueprint.get("/content")
def content() -> Response:
    """The mail as it would read, in a frame that may do nothing."""
    language, tag = request.args.get("language", ""), request.args.get("tag", "")
    if language not in LANGUAGES or not _is_number(tag):
        return error_page(404)
    sentence = request.args.get("sentence", "")[:MAX_SENTENCE]
    with context().database.reading() as session:
        shown = preview(session, merchant().shop_id, int(tag), language, sentence)
    response = Response(shown.html, mimetype="text/html")
    framed = access.ancestors().replace("'none'", "'self'")
    response.headers["Content-Security-Policy"] = FRAME + (framed if "'self'" in framed else f"{framed} 'self'")
    return response


@blueprint.get("/<int:mending_id>")
def one(mending_id: int) -> Response:
    ctx, shop_id = context(), merchant().shop_id
    with ctx.database.reading() as session:
        line = one_mending(session, shop_id, mending_id)
        came = outcome(session, ctx.clock.now(), shop_id, mending_id)
    return page("mending", line=line, came=came, said=_said(), name_of=name_of(), percent=percent)


@blueprint.post("/<int:mending_id>/undo")
def undo(mending_id: int) -> Response:
    done = mendings.undo(context(), merchant().shop_id, mending_id, merchant().actor)
    return _to(mending_id, "undone" if done else "before")


def _form(tag: str, en: str, ko: str, status: int = 200, wrong: str | None = None) -> Response:
    if not _is_number(tag):
        return error_page(404)
    ctx, shop_id = context(), merchant().shop_id
    with ctx.database.reading() as session:
        chosen = next((line for line in tag_list(session, shop_id) if line.id == int(tag)), None)
        if chosen is None:
            return error_page(404)
        who, seen = audience(session, ctx, shop_id, chosen.id), newest(session, shop_id)
    frames = [
        (language, ticket("/app/feedback/mended/content", tag=tag, language=language, sentence=sentence))
        for language, sentence in (("en", en), ("ko", ko)) if sentence.strip() and not wrong
    ]  # fmt: skip
    return page(
        "mended_new", status, tag=chosen, who=who, en=en, ko=ko, seen=seen, wrong=wrong, frames=frames,
        most=MAX_SENTENCE, name_of=name_of(), reason=story_tools()["reason"],
    )  # fmt: skip


def _typed(given: Mapping[str, str]) -> tuple[str, str]:
    return given.get("en", "")[:2000], given.get("ko", "")[:2000]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19 and int(text) < LIMIT


def _said() -> str | None:
    said = request.args.get("said")
    return said if said in SAID else None


def _to(mending_id: int, said: str) -> Response:
    return Response(status=303, headers={"Location": f"/app/feedback/mended/{mending_id}?said={said}"})
