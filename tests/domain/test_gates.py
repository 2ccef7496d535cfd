"""May it leave? By class: who is written to, and when it is too late."""

from __future__ import annotations

import pytest

from plugin.domain.consent import ConsentWords
from plugin.domain.flows import STEPS
from plugin.domain.gates import GateFacts, is_stale, may_not_market, refusal, stale_reason
from schemas.settings import ShopSettings
from tests.domain.support import CONSENTED, SETTINGS, at, switched_off, words

TRANSACTIONAL = ("thank_you", "shipped", "delivered")
SERVICE = ("survey", "you_told_us", "survey_reward")
MARKETING = ("cross_sell", "cross_sell_follow_up")
OUT = words(opted_out="1 Nov 00:00")


def facts(settings: ShopSettings = SETTINGS, consent: ConsentWords = CONSENTED, **given: object) -> GateFacts:
    return GateFacts(settings=settings, consent=consent, **given)  # type: ignore[arg-type]


def refused(given: GateFacts) -> set[str]:
    return {step for step in STEPS if refusal(step, given)}


@pytest.mark.parametrize(("given", "steps"), [
    (facts(), set()),
    (facts(consent=words()), {*MARKETING}),
    (facts(consent=OUT), {*SERVICE, *MARKETING}),
    (facts(consent=words(neutral="1 Nov 00:00")), {*MARKETING}),
    (facts(ShopSettings(marketing="soft_opt_in"), words(), country_code="GB"), set()),
    (facts(ShopSettings(marketing="soft_opt_in"), words(), country_code="JP"), {*MARKETING}),
    (facts(ShopSettings(marketing="soft_opt_in"), OUT, country_code="GB"), {*SERVICE, *MARKETING}),
    (facts(switched_off("survey", "shipped")), {"survey", "shipped"}),
    (facts(suppressed="dead"), set(STEPS)),
    (facts(suppressed="complained"), set(STEPS)),
    (facts(has_address=False), set(STEPS)),
    (facts(erased=True), set(STEPS)),
    (facts(test=True), set(STEPS)),
])  # fmt: skip
def test_who_may_be_written_to(given: GateFacts, steps: set[str]) -> None:
    assert refused(given) == steps


def test_promotion_inside_other_messages_needs_the_same_right() -> None:
    assert may_not_market(facts()) is None
    assert may_not_market(facts(consent=words())) == "no consent to marketing"
    assert may_not_market(facts(consent=OUT)) == "the customer unsubscribed"


@pytest.mark.parametrize(("step", "due", "last", "too_late"), [
    ("thank_you", "2 Nov 09:00", "3 Nov 09:00", "3 Nov 09:01"),
    ("shipped", "2 Nov 09:00", "5 Nov 09:00", "5 Nov 09:01"),
    ("delivered", "2 Nov 09:00", "5 Nov 09:00", "5 Nov 09:01"),
    ("survey", "2 Nov 09:00", "16 Nov 09:00", "16 Nov 09:01"),
    ("cross_sell", "2 Nov 09:00", "16 Nov 09:00", "16 Nov 09:01"),
    ("cross_sell_follow_up", "2 Nov 09:00", "16 Nov 09:00", "16 Nov 09:01"),
])  # fmt: skip
def test_staleness(step: str, due: str, last: str, too_late: str) -> None:
    assert not is_stale(step, at(due), at("1 Nov 00:00"))
    assert not is_stale(step, at(due), at(last))
    assert is_stale(step, at(due), at(too_late))


def test_a_stale_message_says_when_it_was_due() -> None:
    assert stale_reason(at("2 Nov 09:05")) == "too late: it was due 2 Nov 09:05 UTC"
