"""A merchant who is signed in, and one who stands in Shopify's admin."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from plugin.services import logins
from plugin.services.context import Context
from plugin.store.models.platform import ShopToken
from tests.web.scenes import Scene, scene

DOMAIN = "haneul.myshopify.com"


def session_token(
    ctx: Context, domain: str = DOMAIN, secret: str | None = None, algorithm: str = "HS256", **claims: Any
) -> str:
    """As App Bridge gives it. A claim that is None is left out."""
    now = int(time.time())
    body: dict[str, Any] = {
        "iss": f"https://{domain}/admin", "dest": f"https://{domain}", "aud": ctx.settings.shopify_api_key, "sub": "42",
        "exp": now + 60, "nbf": now, "iat": now, "jti": str(uuid.uuid4()), "sid": "s", **claims,
    }  # fmt: skip
    body = {name: value for name, value in body.items() if value is not None}
    key = "" if algorithm == "none" else secret or ctx.settings.shopify_api_secret
    return jwt.encode(body, key, algorithm=algorithm)


def access(session: Session, shop_id: int) -> None:
    """A token of the shop's that needs no renewal, so that nobody asks Shopify for one."""
    now = datetime.now(UTC)
    session.add(ShopToken(
        shop_id=shop_id, access_token="x", access_expires_at=now + timedelta(hours=1), refresh_token="y",
        refresh_expires_at=now + timedelta(days=90), scopes=[], renewed_at=now,
    ))  # fmt: skip


@pytest.fixture
def tea(sqlite_context: Context) -> Scene:
    """A live shop with an order under way, known to Shopify's side too."""
    made = scene(sqlite_context)
    with sqlite_context.database.transaction() as session:
        access(session, made.shop_id)
    return made


@pytest.fixture
def link(tea: Scene) -> str:
    """The path of a fresh login link."""
    with tea.ctx.database.transaction() as session:
        return f"/login/{logins.make_link(session, tea.shop_id, 'command')}"


@pytest.fixture
def signed_in(tea: Scene, link: str) -> FlaskClient:
    """A browser with a session of the shop."""
    client = tea.app.test_client()
    assert client.post(link).status_code == 303
    return client
