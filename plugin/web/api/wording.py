"""The wording of a step: in use, as a draft, seen on an order, tried by mail."""

from __future__ import annotations

from typing import Any

from plugin.services import template_drafts, template_edit
from plugin.services.template_drafts import NotYourAddress
from plugin.services.template_edit import Draft
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.wording import DraftBody, SeenSchema, TestBody, WordingBody, WordingSchema

AUTH = Auth.API_KEY

blueprint = Resource("wording", "What the merchant writes into a step's message, by language.")
_PATH = "/steps/<step>/wording/<language>"
_NONE = "No such step or language."


@blueprint.get(_PATH)
@blueprint.response(200, WordingSchema)
@blueprint.alt_response(404, description=_NONE)
def wording(step: str, language: str) -> Any:
    """The words in use, the draft, and earlier versions"""
    return _told(step, language)


@blueprint.put(_PATH)
@blueprint.arguments(WordingBody)
@blueprint.response(200, WordingSchema)
@blueprint.alt_response(404, description=_NONE)
def use(body: dict[str, Any], step: str, language: str) -> Any:
    """Put words in use for every message that leaves from now on

    Nulls bring back the default. The draft is gone afterwards; what was in use stays among the versions.
    """
    who, ctx, draft = caller(), context(), _sound(step, language, body)
    with ctx.database.transaction() as session:
        template_drafts.save(session, ctx, who.shop_id, f"API key {who.name}", draft)
        template_drafts.drop_draft(session, who.shop_id, step, language)
    return _told(step, language)


@blueprint.put(f"{_PATH}/draft")
@blueprint.arguments(DraftBody)
@blueprint.response(200, WordingSchema)
@blueprint.alt_response(404, description=_NONE)
def write(body: dict[str, Any], step: str, language: str) -> Any:
    """Keep what is being written, right or not

    To go back to an earlier version, write its words.
    """
    ctx = context()
    with ctx.database.transaction() as session:
        draft = _draft(step, language, body)
        template_drafts.keep_draft(session, ctx, caller().shop_id, draft, body["order_id"])
    return _told(step, language)


@blueprint.delete(f"{_PATH}/draft")
@blueprint.response(200, WordingSchema)
@blueprint.alt_response(404, description=_NONE)
def discard(step: str, language: str) -> Any:
    """Throw the draft away"""
    template_edit.known(step, language)
    with context().database.transaction() as session:
        template_drafts.drop_draft(session, caller().shop_id, step, language)
    return _told(step, language)


@blueprint.post(f"{_PATH}/preview")
@blueprint.arguments(DraftBody)
@blueprint.response(200, SeenSchema)
@blueprint.alt_response(404, description="No such step, language or order.")
def preview(body: dict[str, Any], step: str, language: str) -> Any:
    """The words on an order; nothing is kept. Links lead nowhere"""
    ctx, draft = context(), _sound(step, language, body)
    with ctx.database.reading() as session:
        found = template_edit.preview(session, ctx, caller().shop_id, draft, body["order_id"])
    seen = found.rendered
    return {"subject": seen.subject, "text": seen.text, "html": seen.html, "order_name": found.order_name}


@blueprint.post(f"{_PATH}/test")
@blueprint.arguments(TestBody)
@blueprint.response(202, WordingSchema)
@blueprint.alt_response(404, description=_NONE)
def test(body: dict[str, Any], step: str, language: str) -> Any:
    """Keep the words as the draft, and mail them to an address of the shop's own"""
    ctx, draft = context(), _sound(step, language, body)
    try:
        with ctx.database.transaction() as session:
            order_id, to = body["order_id"], body["to"]
            template_drafts.ask_for_test(session, ctx, caller().shop_id, draft, order_id, to)
    except NotYourAddress:
        raise BadInput({"json": {"to": ["not an address of the shop's own"]}}) from None
    template_drafts.nudge(ctx)
    return _told(step, language)


def _draft(step: str, language: str, body: dict[str, Any]) -> Draft:
    """Raises NoSuchStep."""
    template_edit.known(step, language)
    subject, intro = ((body[name] or "").replace("\r\n", "\n").strip() or None for name in ("subject", "intro"))
    return Draft(step, language, " ".join(subject.split("\n")) if subject else None, intro)


def _sound(step: str, language: str, body: dict[str, Any]) -> Draft:
    """Raises NoSuchStep, BadInput."""
    draft = _draft(step, language, body)
    wrong: dict[str, list[str]] = {}
    for fault in template_edit.faults(draft):
        wrong.setdefault(fault.field, []).append(f"line {fault.line}: {fault.message}")
    if wrong:
        raise BadInput({"json": wrong})
    return draft


def _told(step: str, language: str) -> dict[str, Any]:
    shop_id = caller().shop_id
    with context().database.reading() as session:
        in_use = template_edit.draft_in_use(session, shop_id, step, language)
        draft, order_id, differs = template_drafts.draft_of(session, shop_id, step, language)
        kept = {"subject": draft.subject, "intro": draft.intro, "order_id": order_id,
                "faults": template_edit.faults(draft)}  # fmt: skip
        return {
            "in_use": in_use, "draft": kept if differs else None,
            "versions": template_edit.versions(session, shop_id, step, language),
            "test_addresses": template_drafts.own_addresses(session, shop_id),
        }  # fmt: skip
