"""An offer is made just before its message leaves, once, by the rules; and what happens when the platform will not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from plugin.domain.holdout import kept_out
from plugin.services import offer_making
from plugin.services.context import Context
from plugin.services.deliver import Courier, send_due
from plugin.services.offer_rules import count_medians, refresh_medians
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import data
from tests.services.offer_scene import FIVE, MADE, RULES, OfferScene
from tests.services.test_queries import plans, scans
from tests.services.world import World, consent, customer, iso, money, order, parcel, product, tracked


@pytest.fixture
def scene(context: Context) -> OfferScene:
    """On both databases."""
    return OfferScene(context)


@pytest.fixture
def quick(sqlite_context: Context) -> OfferScene:
    return OfferScene(sqlite_context)


# -- who gets which ---------------------------------------------------------------------------------------------------
def test_a_small_first_order_brings_a_personal_code(scene: OfferScene) -> None:
    scene.until_the_cross_sell()
    assert scene.world.rows(Offer) == []  # made when the message leaves, not before
    scene.world.walk(days=1)
    offer = scene.offer()
    assert (offer.state, offer.tier, offer.kind, offer.minor) == ("made", "first_below", "amount", 500)
    assert offer.attempts == 1
    assert offer.platform_id == "gid://shopify/DiscountCodeNode/1"
    (asked,) = scene.shopify.asked("DiscountCreate")
    assert asked["discount"]["code"] == offer.code
    assert asked["discount"]["endsAt"] == offer.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert asked["discount"]["context"] == {"customers": {"add": ["gid://shopify/Customer/501"]}}
    assert scene.subjects()["cross_sell"] == "€5.00 off your next order at Haneul Tea"
    text = scene.text("cross_sell")
    assert f"Your code: {offer.code}" in text
    assert "For an order of €25.00 or more. Valid until Wed 9 December 2026." in text
    assert scene.code in scene.text("cross_sell", "html")
    assert offer.expires_at == datetime(2026, 12, 9, 22, 59, 59, tzinfo=UTC)  # the end of that day in Berlin


def test_the_follow_up_repeats_the_same_code(scene: OfferScene) -> None:
    scene.until_the_cross_sell()
    scene.world.walk(days=5)
    assert len(scene.shopify.asked("DiscountCreate")) == 1
    assert len(scene.world.rows(Offer)) == 1
    assert scene.subjects()["cross_sell_follow_up"] == "Still yours: €5.00 off your next order"
    assert scene.code in scene.text("cross_sell_follow_up")


@pytest.mark.parametrize(
    ("spoilt", "value"), [("expires_at", "past"), ("redeemed_order_id", "1002"), ("state", "refused")]
)
def test_the_follow_up_repeats_only_what_still_holds(quick: OfferScene, spoilt: str, value: str) -> None:
    quick.until_the_cross_sell()
    quick.world.walk(days=1)
    with quick.ctx.database.transaction() as session:
        given = quick.world.now if value == "past" else value
        session.query(Offer).update({spoilt: given})
    quick.world.walk(days=4)
    assert quick.world.message("cross_sell_follow_up").state == "sent"
    assert "DS-" not in quick.text("cross_sell_follow_up")
    assert len(quick.shopify.asked("DiscountCreate")) == 1


def test_nothing_is_asked_for_while_the_rules_are_off(sqlite_context: Context) -> None:
    scene = OfferScene(sqlite_context, rules={})
    scene.until_the_cross_sell()
    scene.world.walk(days=5)
    assert scene.world.message("cross_sell_follow_up").state == "sent"
    assert (scene.shopify.asked("DiscountCreate"), scene.world.rows(Offer)) == ([], [])


def test_nobody_who_may_not_get_marketing_is_made_an_offer(quick: OfferScene) -> None:
    quick.until_the_cross_sell(agreed=False)
    quick.world.walk(days=5)
    assert quick.world.message("cross_sell").state == "withheld"
    assert (quick.shopify.asked("DiscountCreate"), quick.world.rows(Offer)) == ([], [])


@pytest.mark.parametrize("out", [True, False])
def test_nobody_whom_a_holdout_keeps_out_is_made_an_offer(quick: OfferScene, out: bool) -> None:
    quick.world.configure(offers=RULES, steps={"cross_sell": {"holdout_percent": 50}})
    quick.until_the_cross_sell()
    customer_id = quick.world.row(Customer).id
    drawn = next(code for code in "abcdefghijkl" if kept_out(code, customer_id, "cross_sell", 50) is out)
    with quick.ctx.database.transaction() as session:
        session.execute(update(Shop).values(code=drawn))
    quick.world.walk(days=1)
    assert quick.world.message("cross_sell").state == ("withheld" if out else "sent")
    assert len(quick.shopify.asked("DiscountCreate")) == len(quick.world.rows(Offer)) == (0 if out else 1)


def test_an_order_well_above_the_median_gets_attention_and_no_discount(sqlite_context: Context) -> None:
    rules = RULES | {"signed_by": "Hana Kim", "check_in": {"en": "I packed your tea myself.\nHow is it?"},
                     "exclusive": ["7009", "7001", "7008"]}  # fmt: skip
    scene = OfferScene(sqlite_context, median=2000, rules=rules)
    for number in (8, 9):
        scene.world.hook("products/create", product(scene.world.now, number))
    scene.until_the_cross_sell()
    scene.world.walk(days=1)
    assert scene.world.rows(Offer) == []
    text = scene.text("cross_sell")
    assert "I packed your tea myself. How is it? Hana Kim Haneul Tea" in text
    assert text.index("Product 9") < text.index("Product 8")  # in the merchant's order
    assert "DS-" not in text


@pytest.mark.parametrize(("above", "given"), [(4000, True), (6000, False)])
def test_above_an_amount_of_the_merchants_there_is_a_gift(sqlite_context: Context, above: int, given: bool) -> None:
    rules = {"enabled": True, "gift": {"kind": "gift_card", "minor": 1000}, "gift_above_minor": above}
    scene = OfferScene(sqlite_context, median=2000, rules=rules)
    card = {"giftCard": {"id": "gid://shopify/GiftCard/1"}, "userErrors": []}
    scene.shopify.answers["GiftCardCreate"] = [data(giftCardCreate=card)]
    scene.until_the_cross_sell()
    scene.world.walk(days=1)
    assert [offer.state for offer in scene.world.rows(Offer)] == (["made"] if given else [])
    told = "A gift card of €10.00 for you from Haneul Tea"
    assert (scene.subjects()["cross_sell"] == told) is given


def test_repeat_customers_come_first_and_pay_no_shipping(sqlite_context: Context) -> None:
    early = {"early_url": "https://haneul.example/spring", "early_words": {"en": "Spring teas, a day before others."}}
    rules = {"enabled": True, "first_below": FIVE, "repeat": {"kind": "free_shipping"}, **early}
    scene = OfferScene(sqlite_context, rules=rules)
    scene.world.hook("orders/create", order(scene.world.now - timedelta(days=60), 900, customer=customer()))
    scene.until_the_cross_sell()
    scene.world.walk(days=1)
    assert (scene.offer().tier, scene.offer().kind) == ("repeat", "free_shipping")
    assert scene.subjects()["cross_sell"] == "Free shipping on your next order at Haneul Tea"
    assert "Spring teas, a day before others." in scene.text("cross_sell")


def test_a_cancelled_earlier_order_makes_nobody_a_repeat_customer(quick: OfferScene) -> None:
    at = quick.world.now - timedelta(days=60)
    quick.world.hook("orders/create", order(at, 900, customer=customer(), cancelled_at=iso(at)))
    quick.until_the_cross_sell()
    quick.world.walk(days=1)
    assert quick.offer().tier == "first_below"


def test_what_costs_more_than_they_spent_is_suggested_last(quick: OfferScene) -> None:
    for number, price in ((20, "80.00"), (21, "30.00"), (22, "90.00"), (23, "20.00")):
        told = product(quick.world.now, number)
        told["variants"][0]["price"] = price
        quick.world.hook("products/create", told)
    quick.until_the_cross_sell()
    quick.world.walk(days=1)
    text = quick.text("cross_sell")
    places = [text.index(f"Product {number}") for number in (21, 23, 20, 22)]
    assert max(places[:2]) < min(places[2:])


def test_korean_offers_are_marked_as_advertising(quick: OfferScene) -> None:
    quick.until_the_cross_sell(customer_locale="ko-KR")
    quick.world.walk(days=1)
    assert quick.subjects()["cross_sell"] == "(광고) Haneul Tea 다음 주문 €5.00 할인"
    assert "사용 기한: 2026년 12월 9일(수)까지" in quick.text("cross_sell")


# -- nobody else waits ------------------------------------------------------------------------------------------------
@pytest.mark.alone
def test_a_slow_platform_holds_a_batch_up_once(quick: OfferScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_making, "LIMIT", 0.3)
    told = quick.world.hook
    for number in range(1, 5):
        mail, at = f"c{number}@example.com", quick.world.now
        who = customer(number, email=mail)
        told("customers_email_marketing_consent/update", consent(at, number=number, mail=mail))
        told("orders/create", order(at, 2000 + number, customer=who, email=mail, contact_email=mail))
        told("fulfillments/create", parcel(at, order_id=2000 + number))
        told("fulfillment_events/create", tracked(at, order_id=2000 + number))
    quick.world.walk(days=6.9)
    quick.world.later(days=1)
    quick.shopify.answers["DiscountCreate"] = [lambda _: time.sleep(1.5) or MADE]
    quick.world.hook("orders/create", order(quick.world.now, 3001, customer=customer(99, email="x@example.com")))
    begun = time.monotonic()
    send_due(quick.ctx, quick.world.courier)
    assert time.monotonic() - begun < 1.4
    assert "thank_you" in quick.world.sink.steps()[-5:]
    states = {message.state for message in quick.world.rows(Message, step="cross_sell") if message.subject < "3"}
    assert states == {"planned"}
    assert len(quick.shopify.asked("DiscountCreate")) == 1
    time.sleep(1.5)  # the call that nobody waits for ends


def test_messages_without_offers_cost_one_query_more_for_each_batch(quick: OfferScene) -> None:
    quick.world.hook("orders/create", order(quick.world.now, 1001))
    with plans(quick.ctx.database) as found:
        send_due(quick.ctx, quick.world.courier)
    told = {statement for statement, _ in found if "shops.settings" in statement and "messages.step IN" in statement}
    assert len(told) == 1
    assert not any("offers" in statement for statement, _ in found)


def test_every_query_of_an_offer_stands_on_an_index(quick: OfferScene) -> None:
    quick.until_the_cross_sell()
    quick.world.later(days=1)
    with plans(quick.ctx.database) as found:
        send_due(quick.ctx, quick.world.courier)
    assert any("offers" in statement for statement, _ in found)
    assert scans(found) == []


# -- the median -------------------------------------------------------------------------------------------------------
def test_the_median_is_counted_by_currency_from_what_counts(both: World) -> None:
    for number, amount in enumerate(["10.00", "20.00", "90.00", "1000.00"]):
        both.hook("orders/create", order(both.now, number + 1, total_price_set=money(amount), test=number == 3))
    shop_id = both.row(Shop).id
    with both.ctx.database.transaction() as session:
        count_medians(session, shop_id, both.now)
    with both.ctx.database.reading() as session:
        (found,) = session.query(OrderMedian).all()
    assert (found.currency, found.median_minor, found.orders) == ("EUR", 2000, 3)
    both.later(days=200)  # all of it is long ago
    with both.ctx.database.transaction() as session:
        count_medians(session, shop_id, both.now)
        assert session.query(OrderMedian).all() == []


def test_medians_are_counted_once_a_day_for_shops_with_rules(quick: OfferScene) -> None:
    assert refresh_medians(quick.ctx) == 0
    quick.world.later(hours=21)
    assert refresh_medians(quick.ctx) == 1
    quick.world.configure(offers={})
    quick.world.later(hours=21)
    assert refresh_medians(quick.ctx) == 0


def test_a_shop_of_few_orders_has_no_median(sqlite_context: Context) -> None:
    scene = OfferScene(sqlite_context)
    with scene.ctx.database.transaction() as session:
        session.query(OrderMedian).update({"orders": 19})
    scene.until_the_cross_sell()
    scene.world.walk(days=1)
    assert scene.world.message("cross_sell").state == "sent"
    assert scene.world.rows(Offer) == []


def test_a_courier_begins_each_batch_with_patience(quick: OfferScene) -> None:
    quick.world.courier = Courier(quick.world.sink)
    quick.world.courier.offering.left = 0.0
    quick.until_the_cross_sell()
    quick.world.walk(days=1)
    assert quick.offer().state == "made"
