"""Offers against the twin, which checks every document and knows what is taken: codes, gift cards and store credit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import requests

from plugin.platforms.shopify.errors import Throttled
from plugin.platforms.shopify.offers import Ask, NotOurs, make
from plugin.services.admin_api import admin
from tests.twin.shop import TwinShop
from tests.twin.test_tokens import Lossy

pytestmark = pytest.mark.shared
CODE = "DS-7QK2M-XW4RT"


@pytest.fixture
def open_shop(shop: TwinShop) -> TwinShop:
    shop.open_app()
    return shop


def ask(shop: TwinShop, kind: str = "amount", **changes: Any) -> Ask:
    now = shop.ctx.clock.now()
    given: dict[str, Any] = {
        "kind": kind, "code": CODE, "minor": 500, "percent": None, "minimum_minor": 2500, "currency": "EUR",
        "customer_ref": None, "starts_at": now, "ends_at": now + timedelta(days=30),
    }  # fmt: skip
    return Ask(**(given | changes))


def made(shop: TwinShop) -> list[dict[str, Any]]:
    found = requests.get(f"{shop.twin.url}/_twin/discounts", {"shop": shop.twin.shops[0]}, timeout=20).json()
    return list(found["discounts"])


def test_a_code_is_made_once_however_often_it_is_asked_for(open_shop: TwinShop) -> None:
    client = admin(open_shop.ctx, open_shop.shop_id)
    first = make(client, ask(open_shop))
    again = make(client, ask(open_shop))
    assert first.platform_id == again.platform_id
    assert abs(first.ends_at - again.ends_at) < timedelta(seconds=1)
    (discount,) = made(open_shop)
    assert (discount["codes"], discount["input"]["usageLimit"]) == ([CODE], 1)


def test_a_lost_reply_is_made_up_for(open_shop: TwinShop) -> None:
    client = admin(open_shop.ctx, open_shop.shop_id)
    client.call("ShopFacts")  # with a token in hand
    lossy = httpx.Client(transport=Lossy(open_shop.ctx.shopify._transport_for_url(httpx.URL("https://x"))))
    inner, client._http = client._http, lossy
    with pytest.raises(Exception, match="did not answer"):
        make(client, ask(open_shop))
    client._http = inner
    assert make(client, ask(open_shop)).platform_id == made(open_shop)[0]["id"]
    assert len(made(open_shop)) == 1


def test_a_code_of_the_shops_own_is_not_taken_for_ours(open_shop: TwinShop) -> None:
    client = admin(open_shop.ctx, open_shop.shop_id)
    make(client, ask(open_shop, minor=900))
    with pytest.raises(NotOurs):
        make(client, ask(open_shop, minor=500))


def test_a_gift_card_of_a_chosen_code_is_made_once(open_shop: TwinShop) -> None:
    client = admin(open_shop.ctx, open_shop.shop_id)
    wanted = ask(open_shop, "gift_card", code="DS7QK2MXW4RT34K7", minimum_minor=None)
    assert make(client, wanted).platform_id
    assert make(client, wanted).platform_id is None  # taken: it is the one from before


def test_throttling_is_told_apart(open_shop: TwinShop) -> None:
    client = admin(open_shop.ctx, open_shop.shop_id, patience=0)
    open_shop.twin.faults(throttle=1)
    with pytest.raises(Throttled):
        make(client, ask(open_shop))
    open_shop.twin.faults()
    assert made(open_shop) == []
