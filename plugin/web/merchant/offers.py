"""Offers: the rules that say who gets which, and what was made, refused and redeemed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, request

from plugin.domain.offers import good_default
from plugin.services.how_to import product_titles
from plugin.services.offer_form import form_of, read_form
from plugin.services.offer_rules import count_medians, own_median
from plugin.services.offer_view import GIVES, PAGE, given_by, hindrances, list_offers, sum_offers
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import page
from plugin.web.merchant.paging import mark_text, read_mark
from plugin.web.merchant.reasons import reason
from plugin.web.wiring import context
from schemas.money import exponent
from schemas.offers import CODES, GIFT_CARD, LANGUAGES, STORE_CREDIT, OfferRules
from schemas.settings import load_settings

AUTH = Auth.MERCHANT
SAID = ("on", "off", "saved")
KINDS = {"first_below": CODES, "gift": (GIFT_CARD, STORE_CREDIT), "repeat": CODES, "reward": CODES}

blueprint = Blueprint("merchant_offers", __name__)


@blueprint.get("/app/offers")
def show() -> Response:
    who, ctx = merchant(), context()
    mark = read_mark(request.args.get("after"))
    with ctx.database.reading() as session:
        shop = shop_of(session, who.shop_id)
        rules = load_settings(shop.settings).offers
        lines = list_offers(session, who.shop_id, mark[1] if mark else None, PAGE + 1)
        return page(
            "offers", rules=rules, gives=given_by(rules), hindered=hindrances(session, shop, rules),
            sums=sum_offers(session, ctx, who.shop_id), lines=lines[:PAGE], first=mark is None, said=_said(),
            more=mark_text(None, lines[PAGE - 1].id) if len(lines) > PAGE else None,
            median=own_median(session, shop), currency=shop.currency,
            reason=lambda text: reason(text, who.locale),
        )  # fmt: skip


@blueprint.post("/app/offers/switch")
def switch() -> Response:
    """Switching on for the first time begins with a good default, which the merchant then reads and edits."""
    who, ctx, on = merchant(), context(), request.form.get("enabled") == "yes"
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        settings = load_settings(shop.settings)
        rules = replace(settings.offers, enabled=on)
        if on:
            count_medians(session, shop.id, ctx.clock.now())
            if replace(settings.offers, reward=None) == OfferRules():
                currency = shop.currency or ""
                begun = good_default(currency, exponent(currency), own_median(session, shop))
                rules = replace(begun, reward=settings.offers.reward)
        change_settings(session, ctx, shop, replace(settings, offers=rules), who.actor, "offers")
    return Response(status=303, headers={"Location": f"/app/offers?said={'on' if on else 'off'}"})


@blueprint.get("/app/offers/rules")
def edit() -> Response:
    return _form()


@blueprint.post("/app/offers/rules")
def save() -> Response:
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        settings = load_settings(shop.settings)
        edited, wrong = read_form(settings.offers, request.form, shop.currency or "")
        if edited is not None:
            change_settings(session, ctx, shop, replace(settings, offers=edited), who.actor, "offers")
    if edited is None:
        return _form(422, wrong=wrong, typed=request.form)
    return Response(status=303, headers={"Location": "/app/offers/rules?said=saved"})


def _form(status: int = 200, *, wrong: list[str] | None = None, typed: Mapping[str, str] | None = None) -> Response:
    with context().database.reading() as session:
        shop = shop_of(session, merchant().shop_id)
        rules = load_settings(shop.settings).offers
        values = form_of(rules, shop.currency or "")
        if typed is not None:
            values = {name: typed.get(name, "") for name in values}
        return page(
            "offer_rules", status, rules=rules, values=values, wrong=wrong or [], said=_said(), kinds=KINDS,
            gives=GIVES, languages=LANGUAGES, currency=shop.currency or "", median=own_median(session, shop),
            hindered=hindrances(session, shop, rules), titles=product_titles(session, shop.id, set(rules.exclusive)),
        )  # fmt: skip


def _said() -> str | None:
    said = request.args.get("said")
    return said if said in SAID else None
