"""Every page of the merchant's, whoever wrote it: nothing without a session, and nothing of another shop's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from plugin.services import logins
from plugin.services.shops import register
from plugin.web import auth
from plugin.web.auth import Auth
from tests.web.merchant.conftest import session_token
from tests.web.scenes import Scene, snapshot

WORDS = {"step": "survey", "language": "en"}


def routes(tea: Scene) -> Iterator[tuple[Rule, str]]:
    """(rule, method) of every route that asks for a merchant."""
    declared = auth.declared(tea.app)
    for rule in tea.app.url_map.iter_rules():
        if declared[rule.endpoint.partition(".")[0]] is Auth.MERCHANT:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield rule, method


def address(rule: Rule, number: int) -> str:
    """The rule with this number in place of ids, and words that exist in place of words."""
    return re.sub(
        r"<(?:(int):)?(\w+)>", lambda found: str(number) if found[1] else WORDS.get(found[2], "x"), rule.rule
    )


def test_there_are_routes(tea: Scene):
    assert {rule.rule for rule, _ in routes(tea)} >= {"/app", "/app/settings", "/app/steps/<step>", "/app/live"}


def test_every_route_is_below_app(tea: Scene):
    for rule, _ in routes(tea):
        assert rule.rule == "/app" or rule.rule.startswith("/app/"), f"{rule} hides elsewhere"


def test_no_route_answers_without_a_session(tea: Scene):
    client, before = tea.app.test_client(), snapshot(tea.ctx.database)
    client.set_cookie("dasi_session", "x" * 43)
    for rule, method in routes(tea):
        answer = client.open(address(rule, tea.order_id), method=method)
        if method == "GET":
            assert (answer.status_code, answer.headers.get("Location")) == (302, "/login"), rule
            fetched = client.open(address(rule, tea.order_id), method=method, headers={"HX-Request": "true"})
            assert fetched.status_code == 401, rule
        else:
            assert answer.status_code == 401, rule
        assert answer.headers["Cache-Control"] == "no-store"
    assert snapshot(tea.ctx.database) == before


def test_no_route_changes_anything_without_a_proof_of_intent(tea: Scene, signed_in: FlaskClient):
    before = snapshot(tea.ctx.database)
    for rule, method in routes(tea):
        if method != "GET":
            assert signed_in.open(address(rule, tea.order_id), method=method).status_code == 403, rule
    assert snapshot(tea.ctx.database) == before


def test_no_get_changes_anything(tea: Scene, signed_in: FlaskClient):
    before = snapshot(tea.ctx.database)
    for rule, method in routes(tea):
        if method == "GET":
            assert signed_in.get(address(rule, tea.order_id)).status_code < 500, rule
    after = snapshot(tea.ctx.database)
    assert {name: rows for name, rows in after.items() if name != "merchant_sessions"} == {
        name: rows for name, rows in before.items() if name != "merchant_sessions"
    }


@pytest.fixture
def stranger(tea: Scene) -> FlaskClient:
    """Signed in to another shop."""
    with tea.ctx.database.transaction() as session:
        other = register(session, "other.myshopify.com", tea.ctx.clock.now())
        token = logins.make_link(session, other.id, "command")
    client = tea.app.test_client()
    assert client.post(f"/login/{token}").status_code == 303
    return client


def test_another_shops_ids_are_not_found(tea: Scene, stranger: FlaskClient):
    """Both kinds of ids: what is no order here is perhaps a message, an issue or a key."""
    found = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/app").text)
    assert found
    before = snapshot(tea.ctx.database)
    for rule, method in routes(tea):
        if "<int:" not in rule.rule:
            continue
        for number in {tea.order_id, tea.message_id, 1, 987654}:
            answer = stranger.open(address(rule, number), method=method, data={"csrf": found.group(1)})
            assert answer.status_code in (400, 404, 422), f"{method} {rule}: {answer.status_code}"
            assert "jane@example.com" not in answer.text
    changed = {"merchant_sessions"}
    after = snapshot(tea.ctx.database)
    assert {n: r for n, r in after.items() if n not in changed} == {n: r for n, r in before.items() if n not in changed}


def test_no_page_shows_another_shops_data(tea: Scene, stranger: FlaskClient):
    for rule, method in routes(tea):
        if method == "GET" and "<int:" not in rule.rule:
            text = stranger.get(address(rule, 1)).text
            for theirs in ("Haneul", "jane@example.com"):
                assert theirs not in text, f"{rule} shows {theirs}"


def test_a_ticket_opens_its_own_address_and_no_other(tea: Scene, signed_in: FlaskClient):
    from plugin.web.merchant import access

    with tea.app.test_request_context("/app", headers={"Authorization": f"Bearer {session_token(tea.ctx)}"}):
        assert access.admit() is None
        good = access.ticket("/app/changes", page=2)
    client = tea.app.test_client()
    assert client.get(good).status_code == 200
    assert client.get(good.replace("/app/changes", "/app/settings")).status_code == 401
    assert client.get(good[:-1]).status_code == 401
    assert client.post(good.replace("/app/changes", "/app/live")).status_code == 401
