"""The keys to the JSON API: made, shown once, revoked."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request

from plugin.services.api_keys import MOST, NewKey, TooManyKeys, list_keys, make_key, revoke_key
from plugin.services.changes import record_change
from plugin.web.auth import Auth
from plugin.web.merchant.access import merchant
from plugin.web.merchant.actors import actor
from plugin.web.merchant.pages import page
from plugin.web.wiring import context

AUTH = Auth.MERCHANT
MAX_NAME = 80

blueprint = Blueprint("merchant_keys", __name__, url_prefix="/app/settings/keys")


@blueprint.get("")
def keys() -> Response:
    return _page()


@blueprint.post("")
def make() -> Response:
    """Make a key. This answer, and no other, holds the key itself."""
    who, ctx = merchant(), context()
    name = " ".join(request.form.get("name", "").split())
    if not 0 < len(name) <= MAX_NAME:
        return _page(status=422, wrong="name")
    try:
        with ctx.database.transaction() as session:
            makes_keys = request.form.get("makes_keys") == "yes"
            made = make_key(session, who.shop_id, name, who.actor, makes_keys=makes_keys)
            record_change(session, who.shop_id, who.actor, "api_key.make", None, {"name": name}, ctx.clock.now())
    except TooManyKeys:
        return _page(status=409, wrong="many")
    return _page(made)


@blueprint.post("/<int:key_id>/revoke")
def revoke(key_id: int) -> Response:
    who, ctx = merchant(), context()
    with ctx.database.transaction() as session:
        name = revoke_key(session, who.shop_id, key_id)
        record_change(session, who.shop_id, who.actor, "api_key.revoke", {"name": name}, None, ctx.clock.now())
    return redirect("/app/settings/keys", 303)  # type: ignore[return-value]


def _page(made: NewKey | None = None, status: int = 200, wrong: str | None = None) -> Response:
    with context().database.reading() as session:
        found = list_keys(session, merchant().shop_id)
    return page("keys", status, keys=found, made=made, wrong=wrong, most=MOST,
                who=lambda name: actor(name, merchant().locale))  # fmt: skip
