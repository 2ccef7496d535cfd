"""The wiring: who may use which route, what errors look like, what is logged."""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import types

import pytest
from flask import Blueprint, abort
from sqlalchemy import exc

from plugin.app import create_app_from
from plugin.config import Settings
from plugin.logs import JsonFormatter
from plugin.services.context import Context
from plugin.web import auth
from plugin.web.auth import Auth
from tests.web.scenes import ADDRESS, Scene

OTHERS_OWN = {"/webhooks/shopify": Auth.HMAC, "/webhooks/email/<provider>": Auth.HMAC}
FOR_ANYONE = {
    "assets.static", "assets.colour", "health.alive", "health.ready", "health.measures", "home.home",
    "api-docs.openapi_json", "merchant_sign_in.ask", "merchant_sign_in.ask_for_link", "merchant_sign_in.bounce",
}  # fmt: skip


@pytest.mark.parametrize("demo", [False, True])
def test_every_route_belongs_to_a_blueprint_with_a_declared_auth(sqlite_context: Context, demo):
    settings = dataclasses.replace(sqlite_context.settings, demo=demo)
    app = create_app_from(dataclasses.replace(sqlite_context, settings=settings))
    declared = auth.declared(app)
    assert set(declared) == set(app.blueprints)
    assert ("demo" in declared) is demo
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[0]
        assert name in declared, f"{rule} belongs to no blueprint"
        if declared[name] is Auth.TOKEN:
            assert "token" in rule.arguments, f"{rule} takes no token"
        elif declared[name] is Auth.PUBLIC:
            assert rule.endpoint in FOR_ANYONE or rule.rule.startswith("/demo"), f"{rule} is open: is it meant?"
        elif declared[name] is Auth.API_KEY:
            assert rule.rule.startswith("/api/v1/")
        elif declared[name] is not Auth.MERCHANT:
            assert OTHERS_OWN[rule.rule] is declared[name]


def test_every_declared_auth_holds(tea: Scene, client):
    """A request without the right gets nowhere, whatever the method."""
    declared = auth.declared(tea.app)
    for rule in tea.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS"}:
            match declared[rule.endpoint.partition(".")[0]]:
                case Auth.TOKEN:
                    assert client.open(rule.rule.replace("<token>", "e30.x"), method=method).status_code == 404
                case Auth.API_KEY:
                    assert client.open(rule.rule.replace("<int:", "1<"), method=method).status_code in (401, 404)
                case Auth.HMAC:
                    answer = client.open(rule.rule, method=method, data=b"{}")
                    assert answer.status_code in (400, 404)  # a mail provider without a secret is not there


@pytest.mark.parametrize("missing", ["AUTH", "blueprint"])
def test_an_area_that_declares_nothing_stops_the_start(tea: Scene, missing):
    area = types.SimpleNamespace(blueprint=Blueprint("later", __name__), AUTH=Auth.PUBLIC)
    delattr(area, missing)
    with pytest.raises(TypeError, match="declare"):
        auth.register(tea.app, area)


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (exc.OperationalError("SELECT secret", {}, Exception("disk full")), 503),
        (exc.InterfaceError("SELECT secret", {}, Exception("gone")), 503),
        (exc.TimeoutError("pool"), 503),
        (exc.DBAPIError("SELECT secret", {}, Exception(), connection_invalidated=True), 503),
        (OSError(errno.ENOSPC, "secret path"), 503),
        (exc.IntegrityError("SELECT secret", {}, Exception()), 500),
        (RuntimeError("secret"), 500),
        (OSError(errno.ENOENT, "secret path"), 500),
    ],
)
@pytest.mark.parametrize("page", [False, True])
def test_errors_say_no_more_than_they_must(tea: Scene, raised, status, page):
    def fail() -> None:
        raise raised

    tea.app.view_functions["home.home" if page else "health.alive"] = fail
    answer = tea.app.test_client().get("/" if page else "/healthz")
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert "secret" not in answer.text
    if page:
        assert answer.mimetype == "text/html"
    else:
        assert answer.get_json()["status_code"] == status


def test_unknown_addresses(client):
    assert client.get("/nothing").get_json()["errors"][0]["error"] == "not_found"
    assert client.get("/api/v1/none").get_json()["status_code"] == 404
    assert client.get("/u/").mimetype == "text/html"


def test_an_error_on_purpose_keeps_its_words(tea: Scene):
    tea.app.view_functions["health.alive"] = lambda: abort(422, "The speed must be a number.")
    answer = tea.app.test_client().get("/healthz")
    assert answer.get_json() == {
        "status_code": 422,
        "errors": [{"error": "unprocessable_entity", "field": None, "message": "The speed must be a number."}],
    }


def test_logs_show_routes_and_never_what_is_in_a_path(tea: Scene, client, caplog):
    caplog.set_level(logging.DEBUG)
    urls = [tea.url(page) for page in "usdc"]
    for url in urls:
        client.get(url, headers={"User-Agent": "Safari"})
        client.post(url, data={"satisfaction": "9", "words": "my words"})
        client.get(url + "x/nothing")
    ours = [record for record in caplog.records if record.name.startswith("plugin")]
    lines = [json.loads(JsonFormatter().format(record)) for record in ours]
    assert {(line["route"], line["method"], line["status"]) for line in lines if line["event"] == "request"} >= {
        ("/u/<token>", "GET", 200), ("/s/<token>", "POST", 422), ("/c/<token>", "GET", 302), ("unmatched", "GET", 404),
    }  # fmt: skip
    assert all(line["ms"] >= 0 for line in lines if line["event"] == "request")
    written = json.dumps(lines)
    for secret in (*(url[3:] for url in urls), ADDRESS, "my words"):
        assert secret not in written


def test_the_front_door(tea: Scene, settings: Settings, client):
    assert "Dasi" in client.get("/").text
    demo = dataclasses.replace(tea.ctx, settings=dataclasses.replace(settings, demo=True))
    answer = create_app_from(demo).test_client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/demo")


def test_static_files_and_colours(client):
    css = client.get("/static/customer.css")
    assert (css.status_code, css.mimetype) == (200, "text/css")
    css.close()
    colour = client.get("/colour/FFD400.css")
    assert "--brand:#ffd400;--on-brand:#000000" in colour.text
    for wrong in ("red", "12345", "1234567", "}body{x", "%0a12345"):
        assert client.get(f"/colour/{wrong}.css").status_code == 404
