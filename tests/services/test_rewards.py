"""What completing the survey brings: promised in the mail, earned by completing, made once, shown and mailed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from plugin.channels.email.errors import OutcomeUnknown
from plugin.services import answers, rewards
from plugin.services.context import Context
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order
from tests.services.fake_shopify import failure
from tests.services.offer_scene import FIVE, MADE, OfferScene, complaint
from tests.services.world import consent, whole_life

REWARD = {"reward": FIVE}


@pytest.fixture
def scene(context: Context) -> OfferScene:
    """On both databases, with a survey that promised something."""
    return asked(context)


@pytest.fixture
def quick(sqlite_context: Context) -> OfferScene:
    return asked(sqlite_context)


def asked(context: Context, agreed: bool = True, rules: Any = REWARD, **changes: Any) -> OfferScene:
    scene = OfferScene(context, rules=rules)
    if agreed:
        scene.world.hook("customers_email_marketing_consent/update", consent(scene.world.now))
    for _ in whole_life(scene.world, **changes):
        pass
    scene.world.walk(days=4)
    return scene


def answer(scene: OfferScene, recommendation: int | None = 9) -> None:
    answers.save_survey(scene.ctx, scene.world.message("survey").id, 5, recommendation, None)


def wait(scene: OfferScene) -> None:
    rewards.give_now(scene.ctx, scene.world.row(Order))


def headers(scene: OfferScene, step: str) -> Any:
    return next(m for m in scene.world.sink.parsed() if str(m["Feedback-ID"]).startswith(f"{step}:"))


def test_a_survey_that_promises_something_is_marketing(scene: OfferScene) -> None:
    mail, text = headers(scene, "survey"), scene.text("survey")
    assert ":marketing:" in str(mail["Feedback-ID"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert scene.world.message("survey").message_class == "marketing"
    assert "you get €5.00 off your next order of €25.00 or more" in text
    assert "Haneul Tea Ltd" in text
    assert "12 Bukchon-ro, Seoul 03052" in text
    assert [offer.state for offer in scene.world.rows(Offer)] == ["promised"]
    assert scene.shopify.asked("DiscountCreate") == []


def test_in_korean_it_is_marked(sqlite_context: Context) -> None:
    scene = asked(sqlite_context, customer_locale="ko-KR")
    assert scene.subjects()["survey"].startswith("(광고) ")


def test_without_consent_the_survey_goes_as_ever_and_promises_nothing(sqlite_context: Context) -> None:
    scene = asked(sqlite_context, agreed=False)
    assert ":service:" in str(headers(scene, "survey")["Feedback-ID"])
    assert scene.world.message("survey").message_class == "service"
    assert "off your next order" not in scene.text("survey")
    answer(scene)
    wait(scene)
    assert (scene.world.rows(Offer), scene.world.rows(Message, step="survey_reward")) == ([], [])


def test_by_default_nothing_is_promised(sqlite_context: Context) -> None:
    scene = asked(sqlite_context, rules={})
    assert scene.world.message("survey").message_class == "service"
    assert "off your next order" not in scene.text("survey")
    assert scene.world.rows(Offer) == []


def test_a_promise_whose_outcome_is_unknown_does_not_go_again(sqlite_context: Context) -> None:
    scene = OfferScene(sqlite_context, rules=REWARD)
    scene.until_the_cross_sell()
    scene.world.sink.trouble = [OutcomeUnknown("no answer")]
    scene.world.later(hours=3)
    scene.world.send()
    assert (scene.world.message("survey").state, scene.world.message("survey").reason) == ("failed", "outcome unknown")


def test_completing_brings_the_code_at_once_and_by_mail(scene: OfferScene) -> None:
    answer(scene)
    assert scene.world.message("survey_reward").state == "planned"
    wait(scene)
    assert (scene.offer().state, scene.offer().tier) == ("made", "survey_reward")
    scene.world.send()
    mail = headers(scene, "survey_reward")
    assert mail["Subject"] == "Your thank-you: €5.00 off your next order"
    assert ":service:" in str(mail["Feedback-ID"])
    assert scene.code in scene.text("survey_reward")
    assert len(scene.shopify.asked("DiscountCreate")) == 1


@pytest.mark.parametrize("again", [False, True])
def test_only_completing_earns_it_and_only_once(quick: OfferScene, again: bool) -> None:
    answer(quick, recommendation=None)  # half an answer
    wait(quick)
    assert quick.offer().state == "promised"
    assert quick.world.rows(Message, step="survey_reward") == []
    answer(quick)
    if again:
        answer(quick, recommendation=3)
    wait(quick)
    wait(quick)
    quick.world.walk(days=10)
    assert len(quick.shopify.asked("DiscountCreate")) == 1
    assert len(quick.world.rows(Message, step="survey_reward")) == 1
    assert quick.world.sink.steps().count("survey_reward") == 1


@pytest.mark.parametrize("trouble", [failure("THROTTLED"), httpx.Response(503), httpx.ReadTimeout("late")])
def test_what_the_page_did_not_get_the_mail_brings(quick: OfferScene, trouble: Any) -> None:
    quick.shopify.answers["DiscountCreate"] = [trouble, MADE]
    answer(quick)
    wait(quick)
    with quick.ctx.database.reading() as session:
        shown = rewards.reward_of(session, quick.world.row(Order), "en")
    assert shown is not None
    assert shown.state == "later"
    quick.world.send()
    first, second = quick.shopify.asked("DiscountCreate")
    assert first["discount"]["code"] == second["discount"]["code"] == quick.code
    assert quick.code in quick.text("survey_reward")


def test_a_platform_that_stays_busy_keeps_the_mail_waiting_for_days(quick: OfferScene) -> None:
    quick.shopify.answers["DiscountCreate"] = [failure("THROTTLED")]
    answer(quick)
    for _ in range(30):
        quick.world.courier.offering.resting.clear()
        quick.world.send()
        quick.world.later(hours=1)
    assert quick.world.message("survey_reward").state == "planned"
    quick.shopify.answers["DiscountCreate"] = [MADE]
    for _ in range(8):
        quick.world.courier.offering.resting.clear()
        quick.world.later(hours=1)
        quick.world.send()
    assert quick.world.message("survey_reward").state == "sent"


def test_a_refused_reward_fails_where_the_merchant_sees_it(quick: OfferScene) -> None:
    quick.shopify.answers["DiscountCreate"] = [complaint("discountCodeBasicCreate", "MAX_APP_DISCOUNTS")]
    answer(quick)
    wait(quick)
    quick.world.send()
    message = quick.world.message("survey_reward")
    assert message.state == "failed"
    assert message.reason == "the reward could not be made: Shopify refused it: x.code: MAX_APP_DISCOUNTS"
    with quick.ctx.database.reading() as session:
        shown = rewards.reward_of(session, quick.world.row(Order), "en")
    assert shown is not None
    assert shown.state == "trouble"


def test_what_was_promised_holds_when_the_rules_have_changed(quick: OfferScene) -> None:
    quick.world.configure(offers={"reward": {"kind": "percentage", "percent": 10}})
    answer(quick)
    quick.world.configure(offers={})
    wait(quick)
    assert (quick.offer().kind, quick.offer().minor, quick.offer().state) == ("amount", 500, "made")


def test_the_reward_reaches_one_who_agrees_to_nothing_more_unless_they_opted_out(quick: OfferScene) -> None:
    quick.world.hook("customers_email_marketing_consent/update", consent(quick.world.now, "not_subscribed"))
    answer(quick)
    quick.world.send()
    assert quick.world.message("survey_reward").state == "sent"
    assert quick.code in quick.text("survey_reward")


def test_an_answer_to_a_survey_without_the_promise_earns_nothing(quick: OfferScene) -> None:
    with quick.ctx.database.transaction() as session:
        session.query(Message).filter_by(step="survey").update({"message_class": "service"})
    answer(quick)
    wait(quick)
    assert quick.offer().state == "promised"
