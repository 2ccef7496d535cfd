"""The editor of a step's wording: Liquid checked as it is written, seen on a real order, tried by mail, saved."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from flask import Blueprint, Response, abort, redirect, request, url_for

from plugin.content.merchant_liquid import FILTERS, VARIABLES
from plugin.services import template_drafts, template_edit
from plugin.services.template_edit import Draft, Fault
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant, ticket
from plugin.web.merchant.actors import actor
from plugin.web.merchant.liquid_words import fault
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import LANGUAGES

AUTH = Auth.MERCHANT
# The mail's own styles stand in it; nothing in it may run, load a script, send a form or leave the frame.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; sandbox"
SAID = ("save", "test", "default", "discard")  # wishes whose fulfilment the next page tells of

blueprint = Blueprint("merchant_wording", __name__, url_prefix="/app/steps/<step>/wording/<language>")


@blueprint.get("")
def editor(step: str, language: str) -> Response:
    """What is being written, else what is in use."""
    with context().database.reading() as session:
        draft, order_id, _ = template_drafts.draft_of(session, merchant().shop_id, step, language)
    return _page(draft, order_id)


@blueprint.post("")
def act(step: str, language: str) -> Response:
    """Keep, try, save, throw away or take the default, by the button that was pressed."""
    who, ctx = merchant(), context()
    draft, order_id = _draft(step, language), _number(request.form.get("order"))
    wish = request.form.get("wish", "keep")
    wrong = template_edit.faults(draft) if wish in ("save", "test") else []
    with ctx.database.transaction() as session:
        if wish == "default":
            draft = Draft(step, language)
        if wish in ("discard", "default") or (wish == "save" and not wrong):
            template_drafts.drop_draft(session, who.shop_id, step, language)
        if wish in ("save", "default") and not wrong:
            template_drafts.save(session, ctx, who.shop_id, who.actor, draft)
        elif wish == "test" and not wrong:
            try:
                template_drafts.ask_for_test(session, ctx, who.shop_id, draft, order_id, request.form.get("to", ""))
            except template_drafts.NotYourAddress:
                abort(422)
        elif wish != "discard":
            template_drafts.keep_draft(session, ctx, who.shop_id, draft, order_id)
    if wish == "test" and not wrong:
        template_drafts.nudge(ctx)
    if "HX-Request" in request.headers and "HX-Boosted" not in request.headers and wish == "keep":
        return _page(draft, order_id, name="wording_seen")
    if wrong:
        return _page(draft, order_id, 422)
    said = wish if wish in SAID else None
    return Response(status=303, headers={"Location": url_for(".editor", step=step, language=language, said=said)})


@blueprint.post("/versions/<int:version>")
def restore(step: str, language: str, version: int) -> Response:
    """An earlier version into the editor; it is in use once it is saved."""
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        draft = template_edit.version_of(session, who.shop_id, step, language, version)
        template_drafts.keep_draft(session, ctx, who.shop_id, draft)
    return redirect(url_for(".editor", step=step, language=language), 303)  # type: ignore[return-value]


@blueprint.get("/seen")
def seen(step: str, language: str) -> Response:
    """The draft as a mail, for a frame: opened by a ticket, since a frame sends no header."""
    with context().database.reading() as session:
        draft, order_id, _ = template_drafts.draft_of(session, merchant().shop_id, step, language)
        shown = template_drafts.shown(session, context(), merchant().shop_id, draft, order_id)
    response = Response(shown.rendered.html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY}; frame-ancestors 'self'"
    return response


def _page(draft: Draft, order_id: int | None, status: int = 200, name: str = "wording") -> Response:
    who, ctx = merchant(), context()
    step, language = draft.step, draft.language
    wrong = template_edit.faults(draft)
    with ctx.database.reading() as session:
        shown = template_drafts.shown(session, ctx, who.shop_id, draft, order_id)
        frame: dict[str, Any] = {
            "shown": shown,
            "in_use": template_edit.draft_in_use(session, who.shop_id, step, language),
            "versions": template_edit.versions(session, who.shop_id, step, language),
            "orders": template_edit.choices(session, who.shop_id),
            "addresses": template_drafts.own_addresses(session, who.shop_id),
        }
    return page(
        name,
        status,
        draft=draft,
        order_id=order_id,
        faults=wrong,
        by_field=_by_field(wrong),
        live=name == "wording_seen",
        told=lambda message: fault(message, who.locale),
        who=lambda name: actor(name, who.locale),
        languages=LANGUAGES,
        variables=VARIABLES,
        filters=FILTERS,
        source=ticket(url_for(".seen", step=step, language=language), v=crc32(repr((draft, order_id)).encode())),
        said=request.args.get("said") if request.args.get("said") in SAID else None,
        **frame,
    )


def _by_field(wrong: list[Fault]) -> dict[str, list[Fault]]:
    return {field: [fault for fault in wrong if fault.field == field] for field in ("subject", "intro")}


def _draft(step: str, language: str) -> Draft:
    """What the form holds. Browsers send line ends as CRLF."""
    subject, intro = (request.form.get(name, "").replace("\r\n", "\n") for name in ("subject", "intro"))
    return Draft(step, language, " ".join(subject.split("\n")).strip() or None, intro.strip() or None)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
