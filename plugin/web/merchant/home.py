"""The home page: the flow as a timeline, what needs attention, and the first steps."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, abort, current_app, request

from plugin.services import sync
from plugin.services.first_steps import first_steps
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.step_figures import MANY, attention, step_counts
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.pages import face, page
from plugin.web.wiring import context
from schemas.settings import FIRST_STEPS, STEPS, load_settings

AUTH = Auth.MERCHANT

blueprint = Blueprint("merchant_home", __name__)


@blueprint.get("/app")
def home() -> Response:
    who, ctx = merchant(), context()
    with ctx.database.reading() as session:
        start = first_steps(session, who.shop_id)
        return page(
            "home",
            start=start,
            steps=STEPS,
            counts=step_counts(session, ctx, who.shop_id),
            attention=attention(session, ctx, who.shop_id),
            many=MANY,
            sync=sync.progress(session, who.shop_id),
            there=current_app.blueprints,
        )


@blueprint.get("/app/sync")
def progress() -> Response:
    """The part of the page that says how far the first synchronisation is; asked for again until it is done."""
    with context().database.reading() as session:
        return page("_sync", sync=sync.progress(session, merchant().shop_id))


@blueprint.get("/app/planning/progress")
def planning() -> Response:
    """How far the planning is that follows a change of settings; asked for again until it is done."""
    return page("_planning", planning=face().planning)


@blueprint.post("/app/first-steps")
def tick() -> Response:
    """The merchant says that a first step is done, or takes it back."""
    name = request.form.get("name", "")
    if name not in FIRST_STEPS:
        abort(422, "There is no such first step.")
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        settings = load_settings(shop.settings)
        done = tuple(one for one in settings.done if one != name)
        if request.form.get("done") == "yes":
            done = (*done, name)
        change_settings(session, ctx, shop, replace(settings, done=done), who.actor, "first_steps")
    return Response(status=303, headers={"Location": "/app#first-steps"})
