"""`/demo`: place orders, do the shop's deeds, and watch what Dasi plans and sends."""

from __future__ import annotations

import zlib
from typing import Any

from flask import Response, abort, jsonify, render_template, request

from plugin.platforms.demo import catalogue
from plugin.platforms.demo.inbox import Mail, newest
from plugin.services import demo, demo_clock, demo_view, logins, shops
from plugin.services.demo_view import OrderCard
from plugin.web import demo_inbox, demo_shop
from plugin.web.demo_base import AUTH, blueprint, clock_face, done, page, store
from plugin.web.errors import problem
from plugin.web.merchant import access
from plugin.web.wiring import context

__all__ = ["AUTH", "blueprint", "demo_inbox", "demo_shop"]

SPEEDS = ((0.0, "Pause"), (1.0, "Real time"), (3_600.0, "1 h/s"), (21_600.0, "6 h/s"), (43_200.0, "12 h/s"))
MAX_NAME = 100
SIDE_MAILS = 6


@blueprint.get("")
def home() -> Response:
    return _home()


def _home(trouble: str | None = None, status: int = 200) -> Response:
    cards, mails = _cards()
    return page(
        "home", status, cards=cards, clock=clock_face(), speeds=SPEEDS, products=catalogue.PRODUCTS,
        carriers=catalogue.CARRIERS, latest=mails[:SIDE_MAILS], trouble=trouble, moment=demo_view.moment,
        steps=demo_view.STEPS, pending=_pending(),
    )  # fmt: skip


@blueprint.get("/state")
def state() -> Response:
    """What the page's script asks for twice a second: the clock, and each order's two parts as HTML with a stamp."""
    cards, mails = _cards()
    return jsonify(
        clock=clock_face(),
        pending=_pending(),
        mails=len(mails),
        latest=_part("_latest", latest=mails[:SIDE_MAILS], moment=demo_view.moment, steps=demo_view.STEPS),
        orders=[
            {"id": card.id, "head": _part("_head", card=card), "timeline": _part("_timeline", card=card),
             "actions": _part("_actions", card=card, carriers=catalogue.CARRIERS)}
            for card in cards
        ],
    )  # fmt: skip


@blueprint.post("/orders")
def place() -> Response:
    form = request.form
    name = " ".join(form.get("name", "").split())[:MAX_NAME]
    products = [handle for handle in form.getlist("product") if handle in catalogue.BY_HANDLE]
    if not name or not products:
        trouble = "Choose at least one product." if name else "Give the customer a name."
        if request.headers.get("X-Requested-With") == "demo.js":
            return problem(422, "invalid", trouble, "product" if name else "name")
        return _home(trouble, 422)
    demo.place_order(context(), store(), {
        "name": name, "language": _language(), "newsletter": form.get("newsletter") == "on", "products": products,
        "parcels": "two" if form.get("parcels") == "two" else "one",
    })  # fmt: skip
    return done("/demo#orders")


@blueprint.post("/story")
def story() -> Response:
    demo.play_story(context(), store(), _language())
    return done("/demo#orders")


@blueprint.post("/merchant")
def merchant() -> Response:
    """To the merchant's pages of the demo shop, by a one-time link that is used up at once."""
    ctx = context()
    with ctx.database.transaction() as session:
        shop = shops.find_shop(session, catalogue.DOMAIN)
        if shop is None:
            abort(503, "The demo's shop is not there yet.")
        token = logins.make_link(session, shop.id, "demo")
    return access.sign_in(logins.use_link(ctx, token))


@blueprint.post("/clock")
def speed() -> Response:
    try:
        wanted = float(request.form.get("speed", ""))
    except ValueError:
        abort(422, "The speed must be a number.")
    if wanted not in demo_clock.SPEEDS:
        abort(422, "The clock has no such speed.")
    demo_clock.set_speed(context(), wanted)
    return done("/demo")


@blueprint.post("/orders/<int:order_id>/<kind>")
def deed(order_id: int, kind: str) -> Response:
    """One deed of the shop: ship, number, carrier, cancel or refund."""
    readers = {"ship": _ship, "number": _number, "carrier": _carrier, "cancel": dict, "refund": _refund}
    if kind not in readers:
        abort(404)
    if not demo.add_deed(context(), store(), kind, order_id, readers[kind]()):
        abort(404, "The shop has no such order.")
    return done(f"/demo#order-{order_id}")


def _ship() -> dict[str, Any]:
    parcels, carrier = request.form.get("parcels", "one"), request.form.get("carrier", catalogue.CARRIERS[0])
    if parcels not in ("one", "two", "half") or carrier not in catalogue.CARRIERS:
        abort(422, "No such way to ship.")
    return {"parcels": parcels, "carrier": carrier, "late": request.form.get("late") == "on", "number": _tracking()}


def _number() -> dict[str, Any]:
    return {"parcel_id": _id("parcel"), "number": _tracking()}


def _carrier() -> dict[str, Any]:
    status = request.form.get("status", "")
    if status not in ("in_transit", "out_for_delivery", "delayed", "delivered"):
        abort(422, "The carrier has no such word.")
    return {"parcel_id": _id("parcel"), "status": status}


def _refund() -> dict[str, Any]:
    return {"line_id": _id("line")}


def _id(name: str) -> int:
    value = request.form.get(name, "")
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        abort(422, f"{name} must be an id.")
    return int(value)


def _tracking() -> str | None:
    """The typed number, letters and digits only, or None for one of the shop's own making."""
    return "".join(mark for mark in request.form.get("number", "") if mark.isascii() and mark.isalnum())[:34] or None


def _language() -> str:
    return "ko" if request.form.get("language") == "ko" else "en"


def _cards() -> tuple[list[OrderCard], list[Mail]]:
    ctx = context()
    mails = newest(demo.inbox_folder(ctx.settings))
    with ctx.database.reading() as session:
        return demo_view.cards(session, store().read(), mails, ctx.clock.now()), mails


def _pending() -> bool:
    """Whether an order is written down that the shop has not taken yet."""
    return any(deed.kind == "place" for deed in store().read().deeds)


def _part(name: str, **values: Any) -> dict[str, Any]:
    html = render_template(f"demo/{name}.html", **values)
    return {"html": html, "stamp": zlib.crc32(html.encode())}
