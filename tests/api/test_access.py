"""Who may call the API, how often, and what a refusal says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from plugin.app import create_app_from
from plugin.services.api_keys import MOST, NoSuchKey, TooManyKeys, list_keys, make_key, revoke_key
from plugin.services.context import Context
from plugin.store.models.api_keys import ApiKey
from plugin.store.models.shops import Shop
from plugin.web.api import access
from tests.api.conftest import Api, api_over


def test_a_key_opens_its_shop(api: Api):
    answer = api.get("/shop")
    assert answer.status_code == 200
    assert answer.json["domain"] == "haneul.myshopify.com"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer dasi_wrong", "Basic {key}", "Bearer {key}x", "{key}"])
def test_anything_else_opens_nothing(api: Api, sent):
    headers = {} if sent is None else {"Authorization": sent.format(key=api.key)}
    answer = api.client.get("/api/v1/shop", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["errors"][0]["error"] == "unauthorized"


def test_a_revoked_key_and_a_shop_that_left_open_nothing(api: Api):
    database = api.scene.ctx.database
    with database.transaction() as session:
        other = make_key(session, api.shop_id, "till", "the owner")
        (key,) = [one for one in list_keys(session, api.shop_id) if one.name == "books"]
        assert revoke_key(session, api.shop_id, key.id) == "books"
        with pytest.raises(NoSuchKey):
            revoke_key(session, api.shop_id, key.id)
        with pytest.raises(NoSuchKey):
            revoke_key(session, api.shop_id + 1, other.id)
    assert api.get("/shop").status_code == 401
    api.key = other.secret
    assert api.get("/shop").status_code == 200
    with database.transaction() as session:
        session.execute(update(Shop).values(uninstalled_at=datetime.now(UTC)))
    assert api.get("/shop").status_code == 401


def test_the_key_itself_is_not_kept(api: Api):
    with api.scene.ctx.database.reading() as session:
        row = session.execute(select(ApiKey.__table__)).one()
    assert api.key not in str(tuple(row))
    assert api.key.endswith(row.hint)
    assert row.used_at is None
    api.get("/shop")
    with api.scene.ctx.database.reading() as session:
        assert session.scalar(select(ApiKey.used_at)) is not None


def test_a_shop_has_so_many_keys_and_no_more(api: Api):
    with api.scene.ctx.database.transaction() as session:
        for number in range(MOST - 1):
            make_key(session, api.shop_id, f"key {number}", "the owner")
        with pytest.raises(TooManyKeys):
            make_key(session, api.shop_id, "one more", "the owner")


@pytest.mark.valkey
def test_who_calls_too_often_is_told_when_to_come_back(sqlite_context: Context, valkey, monkeypatch):
    monkeypatch.setattr(access, "RATE", access.RateLimitItemPerMinute(2, namespace="dasi"))
    settings = dataclasses.replace(sqlite_context.settings, redis_url=valkey)
    api = api_over(dataclasses.replace(sqlite_context, settings=settings))
    assert [api.get("/shop").status_code for _ in range(2)] == [200, 200]
    refused = api.get("/shop")
    assert refused.status_code == 429
    assert refused.json["errors"][0]["error"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Remaining"] == "0"


def test_without_valkey_nobody_is_kept_out(sqlite_context: Context):
    settings = dataclasses.replace(sqlite_context.settings, redis_url="redis://127.0.0.1:1/0")
    api = api_over(dataclasses.replace(sqlite_context, settings=settings))
    assert api.get("/shop").status_code == 200


def test_the_document_describes_every_resource(api: Api):
    answer = create_app_from(api.scene.ctx).test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert "/api/v1/shop" in answer.json["paths"]
    assert answer.json["security"] == [{"key": []}]


def test_an_unknown_path_is_answered_in_the_same_form(api: Api):
    answer = api.get("/nothing")
    assert answer.status_code == 404
    assert answer.json == {"status_code": 404, "errors": [answer.json["errors"][0]]}
