"""HTML for merchants: one frame, two languages, the words and the filters that every page shares."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, render_template, request
from sqlalchemy import select

from plugin.services import replanning
from plugin.services.replanning import Replanning
from plugin.store.models.shops import Shop
from plugin.web.merchant import access, filters, words
from plugin.web.merchant.access import Merchant
from plugin.web.merchant.language import language_of
from plugin.web.merchant.session_tokens import APP_BRIDGE
from plugin.web.wiring import context

STATIC = Path(__file__).parents[1] / "static" / "merchant"
# (key of the text, address, blueprint that must be there)
NAVIGATION = (
    ("home", "/app", "merchant_home"),
    ("orders", "/app/orders", "merchant_orders"),
    ("messages", "/app/messages", "merchant_messages"),
    ("issues", "/app/issues", "merchant_issues"),
    ("feedback", "/app/feedback", "merchant_feedback"),
    ("reviews", "/app/reviews", "merchant_reviews"),
    ("rehearsal", "/app/rehearsal", "merchant_rehearsal"),
    ("offers", "/app/offers", "merchant_offers"),
    ("figures", "/app/figures", "merchant_figures"),
    ("data", "/app/data", "merchant_data"),
    ("settings", "/app/settings", "merchant_settings"),
)
# pages without an entry of their own -> where they stand
BELOW = {
    "step": "home", "questions": "home", "wording": "home", "live": "home", "changes": "settings", "order": "orders",
    "experiments": "figures", "experiment_confirm": "figures", "feedback_tags": "feedback", "mended": "feedback",
    "notices": "home", "keys": "settings", "sender": "settings",
}  # fmt: skip
_WORDED = {401, 403, 404, 410, 413, 422, 429, 503}  # errors with words of their own; the others share 500's


@dataclass(frozen=True, slots=True)
class ShopFace:
    """What the frame shows of the shop, and the zone its moments are shown in."""

    name: str
    domain: str
    timezone: str | None
    currency: str | None
    live: bool
    planning: Replanning | None  # under way, after a change of settings


def page(name: str, status: int = 200, **values: Any) -> Response:
    """Render `merchant/<name>.html`. `t(key, **words)` gives the words, `csrf()` a form's hidden field.

    Filters: `|when`, `|day`, `|clock` (aware moments, in the shop's zone), `|money(currency)`, `|count`, `|span`.
    """
    who: Merchant | None = g.get("merchant")
    language = who.locale if who else language_of(request)
    frame = {
        "t": functools.partial(words.text, language), "lang": language,
        "csrf": access.csrf, "csrf_token": access.csrf_token(),
        "merchant": who, "shop": face() if who else None, "navigation": _navigation(), "here": _here(),
        "stamp": stamp, "app_bridge": APP_BRIDGE, "api_key": context().settings.shopify_api_key,
        "arrival": g.get("arrival"), "demo": context().settings.demo,
    }  # fmt: skip
    response = Response(render_template(f"merchant/{name}.html", **{**frame, **values}), status, mimetype="text/html")
    response.content_language.add(language)
    response.vary.update(("HX-Request", "Accept-Language", "Cookie"))
    return response


def face() -> ShopFace:
    """The shop of this request, read once."""
    found: ShopFace | None = g.get("face")
    if found is None:
        with context().database.reading() as session:
            row = session.execute(
                select(Shop.id, Shop.name, Shop.domain, Shop.timezone, Shop.currency, Shop.live, Shop.plans_behind)
                .where(Shop.id == access.merchant().shop_id)
            ).one()  # fmt: skip
            planning = replanning.progress(session, row.id) if row.plans_behind else None
        found = g.face = ShopFace(row.name or row.domain.partition(".")[0], *row[2:6], planning)
    return found


def error_page(status: int) -> Response:
    """An error in plain words, in the frame of the pages."""
    return page("error", status, kind=status if status in _WORDED else 500)


def install(app: Flask) -> None:
    """The filters of the templates. They read the request's language and shop."""

    def language() -> str:
        who: Merchant | None = g.get("merchant")
        return who.locale if who else language_of(request)

    def timezone() -> str | None:
        return face().timezone if g.get("merchant") else None

    app.add_template_filter(lambda moment: filters.when(moment, language(), timezone()), "when")
    app.add_template_filter(
        lambda moment: filters.day(moment, language(), timezone(), context().clock.now()), "day"
    )
    app.add_template_filter(lambda moment: filters.clock(moment, language(), timezone()), "clock")
    app.add_template_filter(lambda minor, currency: filters.money(minor, currency, language()), "money")
    app.add_template_filter(lambda value: filters.count(value, language()), "count")
    app.add_template_filter(lambda minutes: filters.span(minutes, language()), "span")


def _navigation() -> list[tuple[str, str]]:
    return [(name, address) for name, address, needed in NAVIGATION if needed in current_app.blueprints]


def _here() -> str:
    """The navigation's entry that this page stands under: that of its blueprint."""
    name = (request.blueprint or "").removeprefix("merchant_")
    return BELOW.get(name, name)


@cache
def stamp(name: str) -> str:
    """Changes with the static file, so that a browser may keep it."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
