"""From the demo's page to the merchant's pages of its shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask.testing import FlaskClient

from jobs.demo import prepare
from plugin.services import logins
from plugin.services.context import Context
from plugin.store.models.merchants import LoginLink
from tests.support.apps import app_over

OURS = {"Sec-Fetch-Site": "same-origin"}


def demo_client(ctx: Context) -> FlaskClient:
    ctx.settings = replace(ctx.settings, demo=True)
    prepare(ctx)
    return app_over(ctx).test_client()


def test_one_button_opens_them(sqlite_context: Context) -> None:
    client = demo_client(sqlite_context)
    assert "The merchant's pages" in client.get("/demo", base_url="http://127.0.0.1:8000").text
    answer = client.post("/demo/merchant", base_url="http://127.0.0.1:8000", headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/app")
    page = client.get("/app", base_url="http://127.0.0.1:8000")
    assert "Ondo Tea" in page.text
    with sqlite_context.database.reading() as session:
        link = session.query(LoginLink).one()
        assert link.used_at is not None
        assert link.expires_at <= logins.machine_now() + timedelta(minutes=15)


def test_no_foreign_page_presses_it(sqlite_context: Context) -> None:
    client = demo_client(sqlite_context)
    answer = client.post("/demo/merchant", base_url="http://127.0.0.1:8000", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_outside_the_demo_there_is_no_such_button(sqlite_context: Context) -> None:
    client = app_over(sqlite_context).test_client()
    assert client.post("/demo/merchant", headers=OURS).status_code == 404
