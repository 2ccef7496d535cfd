"""All that holds for the whole shop: sender, brand, support, delivery time, marketing, quiet hours, caps."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request

from plugin.content.colours import button_colours, contrast
from plugin.queues import SEND, SHOPS
from plugin.services.change_preview import preview_change
from plugin.services.compose import sender_of
from plugin.services.sender_check import sender_state
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.settings_form import form_of, read_form
from plugin.services.shops import shop_of
from plugin.web.auth import Auth
from plugin.web.colours import AA, PAPER, checked, readable
from plugin.web.merchant.access import merchant
from plugin.web.merchant.effects import effect_lines, late_lines
from plugin.web.merchant.pages import page
from plugin.web.wiring import context
from schemas.settings import LANGUAGES, load_settings

AUTH = Auth.MERCHANT

blueprint = Blueprint("merchant_settings", __name__)


@blueprint.get("/app/settings")
def show() -> Response:
    return _page(said=request.args.get("said") == "saved")


@blueprint.post("/app/settings")
def save() -> Response:
    """What changes something for messages that wait is asked first; `apply`: yes, once it was."""
    who, ctx = merchant(), context()
    if request.form.get("apply") != "yes" and (asked := _ask()):
        return asked
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        edited, wrong = read_form(load_settings(shop.settings), request.form)
        if edited is not None:
            change_settings(session, ctx, shop, edited, who.actor)
    if edited is None:
        return _page(422, wrong=wrong, typed=request.form)
    for queue in (SEND, SHOPS):  # a new sender is asked, and its domain looked up
        ctx.queues.nudge(queue)
    return Response(status=303, headers={"Location": "/app/settings?said=saved"})


def _ask() -> Response | None:
    who, ctx = merchant(), context()
    with ctx.database.reading() as session:
        edited, _ = read_form(load_settings(shop_of(session, who.shop_id).settings), request.form)
        if edited is None:
            return None
        effects = preview_change(session, ctx, who.shop_id, edited)
    if not (effects.total or effects.late.total):
        return None
    given = [(name, value) for name, value in request.form.items() if name not in ("csrf", "apply")]
    return page(
        "settings_confirm", effects=effects, lines=effect_lines(effects), late=late_lines(effects), given=given
    )


def _page(
    status: int = 200, *, wrong: list[str] | None = None, typed: Mapping[str, str] | None = None, said: bool = False
) -> Response:
    with context().database.reading() as session:
        shop = shop_of(session, merchant().shop_id)
        settings = load_settings(shop.settings)
        sender, state = sender_of(shop, settings), sender_state(session, shop, settings)
        address = shop.address is not None
    values = {**form_of(settings), **(typed or {})}
    colour = checked(values["brand.colour"])
    button, text = button_colours(colour)
    return page(
        "settings", status, values=values, wrong=wrong or [], said=said, sender=sender, languages=LANGUAGES,
        colour=colour, on_button=text, link=readable(colour, PAPER), ratio=round(contrast(button, text), 1),
        reads=contrast(colour, PAPER) >= AA, shop_address=address, sender_state=state,
    )  # fmt: skip
