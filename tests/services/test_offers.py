"""An offer is made just before its message leaves, once, by the rules; and what happens when the platform will not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from plugin.domain.holdout import kept_out
from plugin.services import offer_making
from plugin.services.context import Context
from plugin.services.deliver import Courier, claim, send_due
from plugin.services.offer_rules import count_medians, refresh_medians
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import data, failure
from tests.services.offer_scene import FIVE, MADE, RULES, OfferScene, complaint
from tests.services.test_deliver import expire
from tests.services.test_queries import plans, scans
from tests.services.world import World, consent, customer, iso, money, order, parcel, product, tracked, whole_life

LATE = timedelta(hours=2)


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


# -- a platform that throttles, refuses or does not answer ------------------------------------------------------------
@pytest.mark.parametrize("trouble", [failure("THROTTLED"), httpx.Response(503), httpx.ConnectError("no route")])
def test_a_platform_that_is_busy_is_waited_for(scene: OfferScene, trouble: Any) -> None:
    scene.shopify.answers["DiscountCreate"] = [trouble, MADE]
    scene.until_the_cross_sell()
    scene.world.courier.offering.resting.clear()
    scene.world.later(days=1)
    scene.world.send()
    message = scene.world.message("cross_sell")
    assert (message.state, message.attempts) == ("planned", 1)
    assert message.reason.startswith("will be tried again: the offer in it is not made yet: Shopify")
    assert scene.offer().state == "waiting"
    scene.world.courier.offering.resting.clear()  # the pause of machine time is over
    scene.world.later(minutes=1)
    scene.world.send()
    assert scene.world.message("cross_sell").state == "sent"
    assert scene.code in scene.text("cross_sell")


def test_a_platform_that_stays_busy_costs_two_hours_and_the_offer(quick: OfferScene) -> None:
    quick.shopify.answers["DiscountCreate"] = [failure("THROTTLED")]
    quick.until_the_cross_sell()
    quick.world.later(days=1)
    begun = quick.world.now
    while quick.world.message("cross_sell").state != "sent":
        quick.world.send()
        quick.world.courier.offering.resting.clear()
        quick.world.later(minutes=1)
        assert quick.world.now - begun <= LATE
    offer = quick.offer()
    assert (offer.state, offer.reason) == ("refused", "Shopify asks for a pause between two calls, for too long")
    assert "DS-" not in quick.text("cross_sell")
    assert quick.subjects()["cross_sell"] == "How do you like “Green tea 1”?"


REFUSALS = [
    (failure("ACCESS_DENIED"), "the shop has not given Dasi the permission write_discounts"),
    (complaint("discountCodeBasicCreate", "MAX_APP_DISCOUNTS"), "Shopify refused it: x.code: MAX_APP_DISCOUNTS"),
    ({"errors": "nonsense"}, "Shopify did not make it: DiscountCreate: Shopify refused the whole call"),
    (httpx.Response(423), "the shop has not given Dasi the permission write_discounts"),
]


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_a_refusal_sends_the_message_without_its_offer_at_once(quick: OfferScene, answer: Any, reason: str) -> None:
    quick.shopify.answers["DiscountCreate"] = [answer]
    quick.until_the_cross_sell()
    quick.world.walk(days=1)
    assert quick.world.message("cross_sell").state == "sent"
    assert (quick.offer().state, quick.offer().reason) == ("refused", reason)
    assert "DS-" not in quick.text("cross_sell")
    quick.world.walk(days=4)  # nor does the follow-up ask again
    assert len(quick.shopify.asked("DiscountCreate")) == 1


def test_a_shop_without_a_token_sends_without_offers(sqlite_context: Context) -> None:
    world = World(sqlite_context)
    world.configure(offers=RULES)
    with world.ctx.database.transaction() as session:
        session.query(Shop).update({"currency": "EUR"})
        shop_id = session.query(Shop).one().id
        session.add(OrderMedian(shop_id=shop_id, currency="EUR", median_minor=10_000, orders=50, counted_at=world.now))
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    for _ in whole_life(world):
        pass
    world.walk(days=5)
    assert world.message("cross_sell").state == "sent"
    assert world.row(Offer).reason == "Dasi has no access to the shop: open the app once in Shopify"


def test_a_lost_reply_makes_no_second_code(scene: OfferScene) -> None:
    found = {"id": "gid://shopify/DiscountCodeNode/7", "codeDiscount": {"title": "", "endsAt": "2026-12-01T00:00:00Z"}}

    def taken(variables: Any) -> Any:
        found["codeDiscount"]["title"] = variables["discount"]["title"]  # type: ignore[index]
        return complaint("discountCodeBasicCreate", "TAKEN")

    scene.shopify.answers["DiscountCreate"] = [httpx.ReadTimeout("lost on its way"), taken]
    scene.shopify.answers["DiscountByCode"] = [data(codeDiscountNodeByCode=found)]
    scene.until_the_cross_sell()
    scene.world.later(days=1)
    scene.world.send()
    assert scene.offer().state == "waiting"
    scene.world.courier.offering.resting.clear()
    scene.world.later(minutes=1)
    scene.world.send()
    first, second = scene.shopify.asked("DiscountCreate")
    assert first["discount"]["code"] == second["discount"]["code"] == scene.code
    offer = scene.offer()
    assert (offer.state, offer.platform_id) == ("made", "gid://shopify/DiscountCodeNode/7")
    assert offer.expires_at == datetime(2026, 12, 1, tzinfo=UTC)  # as it was made, not as it would be made now
    assert "Tue 1 December 2026" in scene.text("cross_sell")


def test_a_worker_that_dies_while_asking_leaves_the_code_to_the_next(
    quick: OfferScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(seconds: float, call: Any) -> None:
        raise KeyboardInterrupt

    quick.until_the_cross_sell()
    quick.world.later(days=1)
    claim(quick.ctx, "dead", 10)
    id_ = quick.world.message("cross_sell").id
    with monkeypatch.context() as patched:
        patched.setattr(offer_making, "within", killed)
        with pytest.raises(KeyboardInterrupt):
            offer_making.before_leaving(quick.ctx, id_, "dead", offer_making.Offering())
    assert quick.offer().state == "making"
    expire(quick.world)
    quick.world.send()
    assert (quick.offer().state, quick.offer().attempts) == ("made", 2)
    assert quick.world.message("cross_sell").state == "sent"


# -- store credit: never twice ----------------------------------------------------------------------------------------
CREDIT: dict[str, Any] = {"enabled": True, "gift": {"kind": "store_credit", "minor": 1000}, "gift_above_minor": 1}
GIVEN = data(storeCreditAccountCredit={"storeCreditAccountTransaction": {"id": "gid://shopify/T/1"}, "userErrors": []})


def credit(context: Context, *answers: Any, **changes: Any) -> OfferScene:
    scene = OfferScene(context, median=2000, rules=CREDIT)
    scene.shopify.answers["StoreCreditGive"] = list(answers)
    scene.until_the_cross_sell(**changes)
    scene.world.later(days=1)
    scene.world.send()
    return scene


def test_store_credit_is_told_of_without_a_code(sqlite_context: Context) -> None:
    scene = credit(sqlite_context, GIVEN)
    assert (scene.offer().state, scene.offer().code) == ("made", None)
    assert scene.subjects()["cross_sell"] == "€10.00 of store credit for you at Haneul Tea"


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("lost on its way"), httpx.Response(502)])
def test_store_credit_whose_answer_was_lost_is_not_given_again(context: Context, lost: Any) -> None:
    scene = credit(context, lost, GIVEN)
    assert len(scene.shopify.asked("StoreCreditGive")) == 1
    assert scene.offer().state == "unknown"
    assert scene.world.message("cross_sell").state == "sent"
    assert "store credit" not in scene.subjects()["cross_sell"]


def test_store_credit_that_was_certainly_not_given_is_asked_for_again(sqlite_context: Context) -> None:
    scene = credit(sqlite_context, failure("THROTTLED"), GIVEN)
    scene.world.courier.offering.resting.clear()
    scene.world.later(minutes=1)
    scene.world.send()
    assert len(scene.shopify.asked("StoreCreditGive")) == 2
    assert scene.offer().state == "made"


def test_store_credit_needs_somebody_to_have_it(sqlite_context: Context) -> None:
    scene = OfferScene(sqlite_context, median=2000, rules=CREDIT)
    scene.until_the_cross_sell(customer=None)
    scene.world.walk(days=1)
    assert (scene.offer().state, scene.offer().reason) == ("refused", "there is no customer to give it to")


# -- nobody else waits ------------------------------------------------------------------------------------------------
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
