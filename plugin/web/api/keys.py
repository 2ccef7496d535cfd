"""The shop's keys. Only a key that a merchant gave the right to it makes and revokes others; each may end itself."""

from __future__ import annotations

from typing import Any

from plugin.services.api_keys import TooManyKeys, list_keys, make_key, revoke_key
from plugin.services.changes import record_change
from plugin.web.api.access import caller
from plugin.web.api.resource import Resource
from plugin.web.auth import Auth
from plugin.web.errors import problem
from plugin.web.wiring import context
from schemas.api.keys import KeyBody, KeyListSchema, NewKeySchema

AUTH = Auth.API_KEY

blueprint = Resource("keys", "Keys to this API.")


@blueprint.get("/keys")
@blueprint.response(200, KeyListSchema)
def keys() -> Any:
    """The keys that open"""
    with context().database.reading() as session:
        return {"items": list_keys(session, caller().shop_id)}


@blueprint.post("/keys")
@blueprint.arguments(KeyBody)
@blueprint.response(201, NewKeySchema)
@blueprint.alt_response(403, description="This key may not make keys.")
@blueprint.alt_response(409, description="There are too many keys: one must be revoked first.")
def make(body: dict[str, Any]) -> Any:
    """Make a key; it is told now and never again"""
    who, ctx = caller(), context()
    if not who.makes_keys:
        return _refused()
    actor, name = f"API key {who.name}"[:120], " ".join(body["name"].split())
    try:
        with ctx.database.transaction() as session:
            made = make_key(session, who.shop_id, name, actor, makes_keys=body["makes_keys"])
            record_change(session, who.shop_id, actor, "api_key.make", None, {"name": name}, ctx.clock.now())
    except TooManyKeys:
        return problem(409, "too_many_keys", "The shop has as many keys as it may have: revoke one first.")
    return made


@blueprint.delete("/keys/<int:key_id>")
@blueprint.response(204)
@blueprint.alt_response(403, description="This key may revoke itself only.")
@blueprint.alt_response(404, description="The shop has no such key.")
def revoke(key_id: int) -> Any:
    """Revoke a key: it opens nothing from now on"""
    who, ctx = caller(), context()
    if not who.makes_keys and key_id != who.key_id:
        return _refused()
    actor = f"API key {who.name}"[:120]
    with ctx.database.transaction() as session:
        name = revoke_key(session, who.shop_id, key_id)
        record_change(session, who.shop_id, actor, "api_key.revoke", {"name": name}, None, ctx.clock.now())
    return None


def _refused() -> Any:
    return problem(403, "may_not_make_keys", "The merchant did not give this key the right to make and revoke keys.")
