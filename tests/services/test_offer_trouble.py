"""An offer when the platform throttles, refuses or does not answer; and store credit, which is never given twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from plugin.services import offer_making
from plugin.services.context import Context
from plugin.services.deliver import claim
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import data, failure
from tests.services.offer_scene import MADE, RULES, OfferScene, complaint
from tests.services.test_deliver import expire
from tests.services.world import World, consent, whole_life

LATE = timedelta(hours=2)


@pytest.fixture
def scene(context: Context) -> OfferScene:
    """On both databases."""
    return OfferScene(context)


@pytest.fixture
def quick(sqlite_context: Context) -> OfferScene:
    return OfferScene(sqlite_context)


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
