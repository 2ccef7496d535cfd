"""Offers in the API: the list in pages, the sums, what stands in the way, and the rules as a part of the settings."""

from __future__ import annotations

from tests.api.conftest import Api
from tests.api.test_resources import other_shop
from tests.web.merchant.test_offers_page import offered


def test_the_list_the_newest_first_in_pages(api: Api):
    for number in range(1, 61):
        offered(api.scene, number)
    first = api.get("/offers").json
    second = api.get(f"/offers?after={first['next']}").json
    told = [item["code"] for item in first["items"] + second["items"]]
    assert told == [f"DS-7QK3M-XW4R{number}" for number in range(60, 0, -1)]
    assert second["next"] is None
    newest = first["items"][0]
    assert (newest["kind"], newest["minor"], newest["state"]) == ("amount", 500, "made")
    assert other_shop(api).get("/offers").json == {"items": [], "next": None}


def test_the_sums_and_what_stands_in_the_way(api: Api):
    offered(api.scene, 1)
    offered(api.scene, 2, state="refused", code=None, reason="Shopify refused it")
    told = api.get("/offers/sums").json
    assert (told["sums"]["made"], told["sums"]["refused"], told["sums"]["redeemed"]) == (1, 1, 0)
    assert told["hindrances"]["too_dear"] == []


def test_the_rules_are_a_part_of_the_settings(api: Api):
    settings = api.get("/settings").json
    assert settings.get("offers", {}).get("enabled", False) is False
