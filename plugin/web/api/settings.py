"""The shop's settings: read, tried, put in force; and who changed what."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from plugin.services.change_preview import preview_change
from plugin.services.changes import PAGE, list_changes
from plugin.services.replanning import progress
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.services.template_edit import mistakes
from plugin.web.api.access import caller
from plugin.web.api.resource import BadInput, Resource
from plugin.web.auth import Auth
from plugin.web.wiring import context
from schemas.api.paging import PageQuery, PageSchema, next_after
from schemas.api.settings import ChangeSchema, EffectsSchema, PlanningSchema
from schemas.settings import ShopSettings, ShopSettingsSchema, load_settings

AUTH = Auth.API_KEY

blueprint = Resource("settings", "What the merchant decides.")


class ChangePageSchema(PageSchema):
    items = fields.List(fields.Nested(ChangeSchema), required=True)


@blueprint.get("/settings")
@blueprint.response(200, ShopSettingsSchema)
def settings() -> Any:
    """The settings in force"""
    with context().database.reading() as session:
        return load_settings(shop_of(session, caller().shop_id).settings)


@blueprint.put("/settings")
@blueprint.arguments(ShopSettingsSchema)
@blueprint.response(200, ShopSettingsSchema)
@blueprint.alt_response(202, schema=ShopSettingsSchema, description="In force; `GET /settings/planning` says how far.")
def replace(edited: ShopSettings) -> Any:
    """Replace the settings and plan anew what waits

    What is left out takes its default. `POST /settings/preview` tells before what this does to messages that wait. In a
    large shop the answer is 202: the settings are in force and nothing leaves under the old ones, while the dates of
    waiting messages follow in the background.
    """
    who, ctx = caller(), context()
    if wrong := mistakes(edited):
        raise BadInput({"json": wrong})
    with ctx.database.transaction() as session:
        shop = locked_shop(session, who.shop_id)
        change_settings(session, ctx, shop, edited, f"API key {who.name}")
        behind = shop.plans_behind
    return edited, 202 if behind else 200


@blueprint.get("/settings/planning")
@blueprint.response(200, PlanningSchema)
def planning() -> Any:
    """How far the planning is that follows a change of settings"""
    with context().database.reading() as session:
        found = progress(session, caller().shop_id)
    return {"under_way": found is not None, "done": found and found.done, "of": found and found.of,
            "stuck": bool(found and found.stuck)}  # fmt: skip


@blueprint.post("/settings/preview")
@blueprint.arguments(ShopSettingsSchema)
@blueprint.response(200, EffectsSchema)
def preview(edited: ShopSettings) -> Any:
    """What these settings would do to messages that wait; nothing is stored"""
    ctx = context()
    with ctx.database.reading() as session:
        return preview_change(session, ctx, caller().shop_id, edited)


@blueprint.get("/changes")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ChangePageSchema)
def changes(query: dict[str, Any]) -> Any:
    """The change log, the newest first"""
    before = query["after"][1] if query["after"] else None
    with context().database.reading() as session:
        found = list_changes(session, caller().shop_id, before)
    return {"items": found, "next": next_after(None, found[-1].id) if len(found) == PAGE else None}
