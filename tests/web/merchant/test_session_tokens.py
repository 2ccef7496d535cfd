"""Inside Shopify's admin: only a session token that is right in every part opens a page, and it names the shop."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from sqlalchemy import func, select

from plugin.services.shops import register
from plugin.store.models.shops import Shop
from tests.support.apps import app_over
from tests.web.merchant.conftest import DOMAIN, access, session_token
from tests.web.scenes import Scene

OLD = "the-secret-before-the-rotation-00"
NOW = int(time.time())
FORGED: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 3600, "nbf": NOW - 3700, "iat": NOW - 3700},
    "not yet valid": {"nbf": NOW + 3600},
    "without an end": {"exp": None},
    "without a beginning": {"nbf": None},
    "of another app": {"aud": "another-app"},
    "of no app": {"aud": None},
    "signed by another": {"secret": "not-the-secret-not-the-secret-000"},
    "not signed": {"algorithm": "none"},
    "signed in another way": {"algorithm": "HS512"},
    "issued by another shop": {"iss": "https://other.myshopify.com/admin"},
    "issued by nobody": {"iss": None},
    "for another shop than its issuer": {"dest": "https://other.myshopify.com"},
    "for a host that is no shop": {"dest": "https://evil.example", "iss": "https://evil.example/admin"},
    "for a host that looks like a shop": {
        "dest": "https://a.myshopify.com.evil.example", "iss": "https://a.myshopify.com.evil.example/admin",
    },
    "for a shop with a user in its address": {
        "dest": "https://x@haneul.myshopify.com", "iss": "https://x@haneul.myshopify.com/admin",
    },
    "over plain http": {"dest": "http://haneul.myshopify.com", "iss": "http://haneul.myshopify.com/admin"},
}  # fmt: skip


def test_a_good_token_opens_the_page(tea: Scene):
    client = tea.app.test_client()
    token = session_token(tea.ctx)
    for answer in (
        client.get(f"/?id_token={token}&shop={DOMAIN}&embedded=1"),
        client.get(f"/app?id_token={token}"),
        client.get("/app", headers={"Authorization": f"Bearer {token}"}),
    ):
        assert answer.status_code == 200
        assert "Haneul Tea" in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors https://{DOMAIN} https://admin.shopify.com")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("fault", FORGED)
def test_no_other_token_does(tea: Scene, fault: str):
    client = tea.app.test_client()
    token = session_token(tea.ctx, **FORGED[fault])
    fetched = client.get("/app", headers={"Authorization": f"Bearer {token}"})
    assert fetched.status_code == 401
    assert fetched.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    posted = client.post("/app/steps/survey/switch", headers={"Authorization": f"Bearer {token}"})
    assert posted.status_code == 401
    for path in ("/", "/app"):
        loaded = client.get(f"{path}?id_token={token}")
        assert loaded.status_code in (302, 401)
        assert "Haneul" not in loaded.text
        if loaded.status_code == 302:
            assert loaded.headers["Location"].startswith("/app/token?shopify-reload=")
            assert token not in loaded.headers["Location"]
    with tea.ctx.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Shop)) == 1


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Bearer e30.e30.x", "Bearerx"])
def test_no_other_bearer_does(tea: Scene, header: str):
    assert tea.app.test_client().get("/app", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic YTpi", "bearer e30.e30.x"])
def test_other_headers_are_none_of_ours(tea: Scene, header: str):
    answer = tea.app.test_client().get("/app", headers={"Authorization": header})
    assert answer.headers["Location"] == "/login"
    assert tea.app.test_client().post(
        f"/app/steps/survey/switch?id_token={session_token(tea.ctx)}", headers={"Authorization": header}
    ).status_code == 401  # fmt: skip


def test_both_secrets_hold_during_a_rotation(tea: Scene):
    settings = dataclasses.replace(tea.ctx.settings, shopify_api_secret_old=OLD)
    client = app_over(dataclasses.replace(tea.ctx, settings=settings)).test_client()
    for secret in (OLD, None):
        assert client.get(f"/app?id_token={session_token(tea.ctx, secret=secret)}").status_code == 200
    assert tea.app.test_client().get(
        "/app", headers={"Authorization": f"Bearer {session_token(tea.ctx, secret=OLD)}"}
    ).status_code == 401  # fmt: skip


def test_without_shopify_no_token_opens_anything(tea: Scene):
    settings = dataclasses.replace(tea.ctx.settings, shopify_api_key=None, shopify_api_secret=None)
    client = app_over(dataclasses.replace(tea.ctx, settings=settings)).test_client()
    assert client.get("/app", headers={"Authorization": f"Bearer {session_token(tea.ctx)}"}).status_code == 401


def test_the_shop_is_the_tokens_whatever_else_is_said(tea: Scene):
    """A shop in the address, in a form or in a header is not looked at."""
    with tea.ctx.database.transaction() as session:
        access(session, register(session, "other.myshopify.com", tea.ctx.clock.now()).id)
    token = session_token(tea.ctx, "other.myshopify.com")
    answer = tea.app.test_client().get(f"/app?id_token={token}&shop={DOMAIN}", headers={"X-Shop": DOMAIN})
    assert answer.status_code == 200
    assert "Haneul" not in answer.text
    assert "other" in answer.text


def test_a_token_in_the_address_changes_nothing(tea: Scene):
    """An address can be made anywhere; a header cannot be set by a foreign page."""
    address = f"/app/steps/survey/switch?id_token={session_token(tea.ctx)}"
    assert tea.app.test_client().post(address, data={"enabled": "no"}).status_code == 401
    assert tea.rows(Shop)[0].settings.get("steps", {}) == {}


def test_a_new_shop_is_registered_once_and_told_that_access_is_missing(tea: Scene):
    """Shopify cannot be reached here: the page says so and still comes, and the next one does not wait for it."""
    settings = dataclasses.replace(tea.ctx.settings, shopify_admin_url="http://127.0.0.1:9")
    client = app_over(dataclasses.replace(tea.ctx, settings=settings)).test_client()
    for _ in range(2):
        answer = client.get(f"/?id_token={session_token(tea.ctx, 'fresh.myshopify.com')}")
        assert answer.status_code == 200
        assert "Shopify did not give us access" in answer.text
    shops = tea.rows(Shop, domain="fresh.myshopify.com")
    assert [shop.live for shop in shops] == [False]


def test_a_document_without_a_token_goes_to_the_bounce_page_and_back(tea: Scene):
    client = tea.app.test_client()
    answer = client.get(f"/?embedded=1&shop={DOMAIN}&host=x")
    assert answer.status_code == 302
    bounce = client.get(answer.headers["Location"])
    assert bounce.status_code == 200
    assert "app-bridge.js" in bounce.text
    assert 'content="test-key"' in bounce.text
    assert f"frame-ancestors https://{DOMAIN} " in bounce.headers["Content-Security-Policy"] + " "
    framed = client.get("/app/settings", headers={"Sec-Fetch-Dest": "iframe"})
    assert framed.headers["Location"].startswith("/app/token?")


@pytest.mark.parametrize(
    "where",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "", "javascript:alert(1)", "/\t/evil"],
)
def test_the_bounce_page_leads_nowhere_else(tea: Scene, where: str):
    answer = tea.app.test_client().get("/app/token", query_string={"shopify-reload": where, "shop": DOMAIN})
    assert answer.status_code == 422
    assert "app-bridge" not in answer.text


def test_the_bounce_page_names_no_foreign_ancestor(tea: Scene):
    answer = tea.app.test_client().get("/app/token?shopify-reload=/app&shop=evil.example;%20script-src%20*")
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_the_admins_language_is_the_pages(tea: Scene):
    client = tea.app.test_client()
    token = session_token(tea.ctx)
    assert '<html lang="ko">' in client.get(f"/?id_token={token}&locale=ko-KR").text
    fetched = client.get("/app", headers={"Authorization": f"Bearer {token}", "X-Dasi-Language": "ko"})
    assert '<html lang="ko">' in fetched.text
