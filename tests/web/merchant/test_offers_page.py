"""The offers' page: rules read, switched and edited; what was made, refused and redeemed; the same through the API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.services.offer_view import list_offers
from plugin.store.models.merchants import Change
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.orders import Order
from plugin.store.models.platform import ShopToken
from plugin.store.models.shops import Shop
from schemas.offers import Give, OfferRules
from schemas.settings import load_settings
from tests.services.test_queries import plans, scans
from tests.web.scenes import Scene


def post(client: FlaskClient, path: str, **form: str) -> Any:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/app").text)
    assert found
    return client.post(path, data={"csrf": found.group(1), **{name.replace("__", "."): v for name, v in form.items()}})


def rules_of(tea: Scene) -> OfferRules:
    return load_settings(tea.rows(Shop)[0].settings).offers


@pytest.fixture
def shop(tea: Scene) -> Scene:
    with tea.ctx.database.transaction() as session:
        session.query(Shop).filter_by(id=tea.shop_id).update({"currency": "EUR", "scopes": ["read_orders"]})
    return tea


def offered(tea: Scene, number: int = 1, **changes: Any) -> int:
    now = tea.ctx.clock.now()
    with tea.ctx.database.transaction() as session:
        order = session.query(Order).filter_by(shop_id=tea.shop_id).first()
        assert order
        given: dict[str, Any] = {
            "shop_id": tea.shop_id, "order_id": order.id, "purpose": f"cross_sell:{number}", "tier": "first_below",
            "kind": "amount", "minor": 500, "currency": "EUR", "minimum_minor": 2500, "days": 30, "state": "made",
            "code": f"DS-7QK3M-XW4R{number}", "asked_at": now, "made_at": now, "expires_at": now + timedelta(days=30),
        }  # fmt: skip
        offer = Offer(**(given | changes))
        session.add(offer)
        session.flush()
        return offer.id


def test_off_by_default_and_says_so(shop: Scene, signed_in: FlaskClient):
    text = signed_in.get("/app/offers").text
    assert "Nobody is offered anything" in text
    assert rules_of(shop) == OfferRules()


def test_switching_on_begins_with_a_good_default(shop: Scene, signed_in: FlaskClient):
    assert post(signed_in, "/app/offers/switch", enabled="yes").location == "/app/offers?said=on"
    rules = rules_of(shop)
    assert rules.enabled
    assert rules.first_below == Give(kind="amount", minor=500, minimum_minor=2500)
    assert rules.repeat == Give(kind="free_shipping")
    text = signed_in.get("/app/offers").text
    assert "€5.00 off the next order. From €25.00." in text
    assert "Free shipping of the next order." in text
    changes = [row for row in shop.rows(Change) if row.what == "offers"]
    assert len(changes) == 1


def test_switching_off_and_on_again_keeps_the_rules(shop: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/offers/switch", enabled="yes")
    post(signed_in, "/app/offers/rules", first_below__kind="percentage", first_below__worth="15")
    post(signed_in, "/app/offers/switch", enabled="no")
    assert not rules_of(shop).enabled
    post(signed_in, "/app/offers/switch", enabled="yes")
    assert rules_of(shop).first_below == Give(kind="percentage", percent=15)
    assert rules_of(shop).repeat is None


def test_the_rules_are_edited_in_the_shops_currency(shop: Scene, signed_in: FlaskClient):
    form = {
        "first_below__kind": "amount", "first_below__worth": "7.50", "first_below__minimum": "30", "affordable": "yes",
        "first_below__days": "14", "well_above": "3", "signed_by": "Hana Kim", "check_in__en": "Hello!\r\nHow is it?",
        "exclusive": "71, 72 71", "gift_above": "200", "gift__kind": "gift_card", "gift__worth": "20",
        "repeat__kind": "free_shipping", "repeat__worth": "", "early_url": "https://tea.example/early",
        "early_words__ko": "먼저 보세요", "margin_percent": "60", "floor_percent": "40", "reward__kind": "percentage",
        "reward__worth": "10%", "reward__minimum": "",
    }  # fmt: skip
    answer = post(signed_in, "/app/offers/rules", **form)
    assert answer.location == "/app/offers/rules?said=saved"
    assert rules_of(shop) == OfferRules(
        first_below=Give(minor=750, minimum_minor=3000, days=14), well_above=3.0, signed_by="Hana Kim",
        check_in={"en": "Hello!\nHow is it?"}, exclusive=("71", "72"), gift_above_minor=20000,
        gift=Give(kind="gift_card", minor=2000), repeat=Give(kind="free_shipping"),
        early_url="https://tea.example/early", early_words={"ko": "먼저 보세요"}, margin_percent=60, floor_percent=40,
        reward=Give(kind="percentage", percent=10),
    )  # fmt: skip
    shown = signed_in.get("/app/offers/rules").text
    for value in ('value="7.50"', 'value="30.00"', 'value="71, 72"', 'value="200.00"', ">Hello!\nHow is it?<"):
        assert value in shown


@pytest.mark.parametrize(("form", "field"), [
    ({"first_below__kind": "amount", "first_below__worth": ""}, "first-below-worth"),
    ({"first_below__kind": "amount", "first_below__worth": "five"}, "first-below-worth"),
    ({"first_below__kind": "amount", "first_below__worth": "-5"}, "first-below-worth"),
    ({"first_below__kind": "percentage", "first_below__worth": "95"}, "first-below-worth"),
    ({"repeat__kind": "free_shipping", "repeat__days": "999"}, "repeat-days"),
    ({"early_url": "javascript:alert(1)"}, "early-url"),
    ({"well_above": "much"}, "well-above"),
    ({"gift_above": "1e99"}, "gift-above"),
    ({"margin_percent": "120"}, "margin-percent"),
])  # fmt: skip
def test_what_is_no_rule_is_refused_and_kept_in_the_form(
    shop: Scene, signed_in: FlaskClient, form: dict[str, str], field: str
):
    answer = post(signed_in, "/app/offers/rules", **form)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert rules_of(shop) == OfferRules()


@pytest.mark.parametrize("form", [{"reward__kind": "gift_card", "reward__worth": "5"},
                                  {"gift__kind": "amount", "gift__worth": "5"}])  # fmt: skip
def test_a_kind_that_the_rule_does_not_give_is_refused(shop: Scene, signed_in: FlaskClient, form: dict[str, str]):
    assert post(signed_in, "/app/offers/rules", **form).status_code == 422


def test_an_offer_below_the_floor_is_said_to_be_not_made(shop: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/offers/switch", enabled="yes")
    form = {"first_below__kind": "amount", "first_below__worth": "5", "first_below__minimum": "10"}
    post(signed_in, "/app/offers/rules", **form, margin_percent="60", floor_percent="50")
    assert "it could take an order below your margin floor" in signed_in.get("/app/offers/rules").text


def test_a_permission_that_the_shop_has_not_given_is_named(shop: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/offers/switch", enabled="yes")
    post(signed_in, "/app/offers/rules", gift__kind="gift_card", gift__worth="20", gift_above="100")
    text = signed_in.get("/app/offers").text
    assert "need the permission write_gift_cards" in text
    assert "write_discounts" not in text  # no rule needs it now


def test_a_shop_that_we_cannot_reach_is_told_so(shop: Scene, signed_in: FlaskClient):
    with shop.ctx.database.transaction() as session:
        session.query(ShopToken).delete()
    post(signed_in, "/app/offers/switch", enabled="yes")
    assert "no access to your shop" in signed_in.get("/app/offers").text


def test_what_was_made_refused_and_redeemed(shop: Scene, signed_in: FlaskClient):
    order = shop.rows(Order)[0]
    offered(shop, 1, redeemed_order_id=order.platform_id, redeemed_at=shop.ctx.clock.now())
    offered(shop, 2, state="refused", code=None, reason="the shop has not given Dasi the permission write_discounts")
    text = signed_in.get("/app/offers").text
    assert "DS-7QK3M-XW4R1" in text  # a code is shown once it was made
    assert "The shop has not given Dasi the permission write_discounts" in text
    assert f'<a href="/app/orders/{order.id}">{order.name}</a>' in text
    home = signed_in.get("/app").text
    assert "message went without its offer in the last 7 days" in home


def test_korean(shop: Scene, signed_in: FlaskClient):
    offered(shop, 2, state="refused", code=None, reason="Shopify did not answer in time, for too long")
    text = signed_in.get("/app/offers", headers={"Accept-Language": "ko"}).text
    assert "누구에게 무엇을" in text
    assert "Shopify did not" not in text


def test_every_offer_once_over_the_pages(shop: Scene, signed_in: FlaskClient):
    for number in range(1, 121):
        offered(shop, number)
    seen, path = [], "/app/offers"
    while path:
        text = signed_in.get(path).text
        seen += re.findall(r"<code>(DS-\S+)</code>", text)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        path = found.group(1) if found else ""
    assert len(seen) == len(set(seen)) == 120


def test_another_shops_offers_are_not_shown(shop: Scene, signed_in: FlaskClient):
    with shop.ctx.database.transaction() as session:
        mine = session.query(Shop).filter_by(id=shop.shop_id).one()
        other = Shop(platform="shopify", domain="other.myshopify.com", code="otherone", installed_at=mine.installed_at)
        session.add(other)
        session.flush()
        number = other.id
    offered(shop, 7, shop_id=number)
    assert "DS-7QK3M-XW4R7" not in signed_in.get("/app/offers").text


def test_the_lists_stand_on_indexes(shop: Scene, signed_in: FlaskClient):
    offered(shop)
    with plans(shop.ctx.database) as found:
        signed_in.get("/app/offers")
    assert any("FROM offers" in statement for statement, _ in found)
    assert [scan for scan in scans(found) if "offers" in scan or "order" in scan] == []


def test_the_median_is_told(shop: Scene, signed_in: FlaskClient):
    with shop.ctx.database.transaction() as session:
        row = {"median_minor": 4200, "orders": 30, "counted_at": shop.ctx.clock.now()}
        session.add(OrderMedian(shop_id=shop.shop_id, currency="EUR", **row))
    assert "the median) is €42.00" in signed_in.get("/app/offers/rules").text


def test_a_list_of_a_shop_without_offers(shop: Scene):
    with shop.ctx.database.reading() as session:
        assert list_offers(session, shop.shop_id) == []
