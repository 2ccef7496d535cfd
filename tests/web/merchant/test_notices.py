"""Notices that could not be read: the shop's own are listed and tried again, on a page and by the API."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from plugin.services.api_keys import make_key
from plugin.services.receipts import SHOWN
from plugin.store.models.merchants import Change
from plugin.store.models.shops import Receipt, Shop
from tests.services.world import DOMAIN, World, order
from tests.support.apps import app_over
from tests.web.scenes import Scene

OTHER = "birch.myshopify.com"


@pytest.fixture
def world(tea: Scene) -> World:
    """The signed-in shop, whose platform sends what no schema takes; and another shop with the same trouble."""
    world = World.__new__(World)
    world.ctx, world.domain, world.count = tea.ctx, DOMAIN, 0
    world.add_shop(OTHER)
    world.receive("orders/create", b'{"id": "<b>"}')
    world.receive("orders/create", b"[]", domain=OTHER)
    world.ingest()
    return world


def states(world: World) -> list[str]:
    return [row.state for row in world.rows(Receipt)]


def csrf(client: FlaskClient) -> str:
    found = re.search('name="csrf" value="([^"]+)"', client.get("/app/settings").text)
    assert found
    return found.group(1)


def test_the_shop_sees_its_own_and_tries_them_again(world: World, signed_in: FlaskClient) -> None:
    assert states(world) == ["rejected", "rejected"]
    assert 'href="/app/notices"' in signed_in.get("/app").text
    page = signed_in.get("/app/notices").text
    assert page.count("New order") == 1
    assert "Not understood" in page
    answer = signed_in.post("/app/notices/again", data={"csrf": csrf(signed_in)})
    assert answer.headers["Location"] == "/app/notices?said=again"
    assert states(world) == ["received", "rejected"]
    assert "Every notice was read." in signed_in.get(answer.headers["Location"]).text
    assert [row.what for row in world.rows(Change, what="notices.again")] == ["notices.again"]
    world.ingest()
    assert states(world) == ["rejected", "rejected"]  # still not understood
    assert "Not understood" in signed_in.get("/app/notices").text


def test_nothing_to_try_is_said(tea: Scene, signed_in: FlaskClient) -> None:
    assert "Every notice was read." in signed_in.get("/app/notices").text
    answer = signed_in.post("/app/notices/again", data={"csrf": csrf(signed_in)})
    assert "nothing left to try" in signed_in.get(answer.headers["Location"]).text
    assert tea.rows(Change) == []


def test_the_list_has_pages(world: World, signed_in: FlaskClient) -> None:
    for _ in range(SHOWN + 1):
        world.receive("orders/create", b"[]")
    world.ingest()
    older = re.search(r'href="(/app/notices\?before=\d+)"', signed_in.get("/app/notices").text)
    assert older
    assert signed_in.get(older[1]).text.count("Not understood") == 2
    assert signed_in.get("/app/notices?before=x").status_code == 200


def test_the_api_does_the_same(world: World) -> None:
    with world.ctx.database.transaction() as session:
        key = make_key(session, world.row(Shop, domain=DOMAIN).id, "books", "the owner").secret
    client, headers = app_over(world.ctx).test_client(), {"Authorization": f"Bearer {key}"}
    [notice] = client.get("/api/v1/notices", headers=headers).json["items"]
    assert (notice["topic"], notice["state"], notice["body_left"]) == ("orders/create", "rejected", True)
    assert client.post("/api/v1/notices/again", headers=headers).json == {"count": 1}
    assert client.get("/api/v1/notices", headers=headers).json == {"items": [], "next": None}


def test_what_can_be_read_after_all_is_read(world: World, signed_in: FlaskClient) -> None:
    """As after an update of the program: the same bytes, and they fit."""
    world.hook("orders/create", order(world.now, 1009))
    with world.ctx.database.transaction() as session:
        receipt = session.get_one(Receipt, world.rows(Receipt)[-1].id)
        receipt.state, receipt.reason = "failed", "KeyError"
    assert "Not processed" in signed_in.get("/app/notices").text
    signed_in.post("/app/notices/again", data={"csrf": csrf(signed_in)})
    world.ingest()
    assert states(world) == ["rejected", "rejected", "done"]
