"""Tokens as the twin hands them out, by Shopify's rules: they expire, rotate, and survive a lost reply."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from plugin.config import Settings
from plugin.platforms.shopify.errors import Unavailable
from plugin.services.admin_api import admin
from plugin.services.shop_tokens import TokenRefused, access_token, exchange
from plugin.store.models.platform import ShopToken
from tests.replay.servers import ROOT
from tests.twin.shop import SHOP, TwinShop

pytestmark = pytest.mark.shared
PROCESS = """
import sys
from pathlib import Path
from plugin.config import Settings
from plugin.services.context import build
from plugin.services.shop_tokens import access_token
url, key, admin, shop_id = sys.argv[1:]
ctx = build(Settings(database_url=url, redis_url="unix:///nowhere", data_dir=Path("."), secret_key="x" * 40,
                     public_url="http://127.0.0.1:8000", encryption_keys=(key,), shopify_api_key="test-key",
                     shopify_api_secret="a-shopify-secret-of-the-tests-000", shopify_admin_url=admin))
print(access_token(ctx, int(shop_id)))
"""


def grants(shop: TwinShop) -> list[str]:
    calls = shop.twin.calls("access_token")
    return [call["grant_type"].rpartition(":")[2] for call in calls if call["outcome"] == "ok"]


def expire(shop: TwinShop) -> None:
    with shop.ctx.database.transaction() as session:
        session.execute(update(ShopToken).values(access_expires_at=ShopToken.renewed_at))


def test_a_good_session_token_opens_the_api_and_bad_ones_do_not(shop: TwinShop) -> None:
    for bad in ("expired", "wrong_aud", "wrong_secret"):
        with pytest.raises(TokenRefused):
            exchange(shop.ctx, shop.shop_id, shop.twin.session_token(**{bad: 1}))
    shop.open_app()
    assert admin(shop.ctx, shop.shop_id).call("ShopFacts")["shop"]["name"] == "Demo"
    assert grants(shop) == ["token-exchange"]


@pytest.mark.parametrize("options", [["--token-lifetime", 1]])
def test_a_token_that_lapsed_is_renewed_each_time(shop: TwinShop) -> None:
    shop.open_app()
    for _ in range(3):
        admin(shop.ctx, shop.shop_id).call("ShopFacts")
    assert grants(shop) == ["token-exchange"] + ["refresh_token"] * 3


class Lossy(httpx.BaseTransport):
    """Carries one request out and loses the reply."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner, self.lost = inner, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if self.lost == 0:
            self.lost += 1
            response.close()
            raise httpx.ReadTimeout("lost on its way", request=request)
        return response

    def close(self) -> None:
        self.inner.close()


def test_a_lost_reply_is_recovered_with_the_old_refresh_token(shop: TwinShop) -> None:
    shop.open_app()
    expire(shop)
    shop.ctx.shopify._transport = Lossy(shop.ctx.shopify._transport)
    with pytest.raises(Unavailable):
        access_token(shop.ctx, shop.shop_id)
    admin(shop.ctx, shop.shop_id).call("ShopFacts")
    assert grants(shop) == ["token-exchange", "refresh_token", "refresh_token"]
    expire(shop)
    admin(shop.ctx, shop.shop_id).call("ShopFacts")
    assert len(grants(shop)) == 4


def test_processes_that_need_it_at_once_renew_it_once(shop: TwinShop, twin_settings: Settings) -> None:
    shop.open_app()
    expire(shop)
    shop.twin.faults(slow_ms=300)
    (key,) = twin_settings.encryption_keys
    assert Fernet(key)
    command = [sys.executable, "-c", PROCESS, twin_settings.database_url, key, shop.twin.url, str(shop.shop_id)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(printed) == 1
    assert printed.pop().startswith("shpat_")
    assert grants(shop) == ["token-exchange", "refresh_token"]


def test_the_shop_is_named_by_the_host(shop: TwinShop) -> None:
    shop.open_app()
    assert {call["shop"] for call in shop.twin.calls()} == {SHOP}
