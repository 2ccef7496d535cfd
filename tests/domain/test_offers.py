"""Who is offered what: each rule as a table, and the code that is always the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from plugin.domain.offers import (
    ALPHABET,
    Buyer,
    Choice,
    Tier,
    below_floor,
    choose,
    code_for,
    good_default,
    purpose,
    round_figure,
    tier_of,
)
from schemas.events import Money
from schemas.offers import Give, OfferRules

FIVE = Give(kind="amount", minor=500, minimum_minor=2500)
SHIPPING = Give(kind="free_shipping")
CARD = Give(kind="gift_card", minor=2000)
RULES = OfferRules(
    enabled=True, first_below=FIVE, repeat=SHIPPING, gift=CARD, gift_above_minor=30000, signed_by="Hana",
    exclusive=("71", "72"), early_url="https://shop.example/early",
)  # fmt: skip


def buyer(spent: int | None, median: int | None = 5000, *, before: bool = False, own: bool = True) -> Buyer:
    money = None if spent is None else Money(spent, "EUR")
    return Buyer(bought_before=before, spent=money, median_minor=median, own_currency=own)


@pytest.mark.parametrize(
    ("who", "tier"),
    [
        (buyer(4999), Tier.FIRST_BELOW),
        (buyer(5000), Tier.FIRST),
        (buyer(10000), Tier.FIRST),  # twice the median is not more than twice
        (buyer(10001), Tier.FIRST_ABOVE),
        (buyer(100, None), Tier.FIRST),  # a shop that has no median yet
        (buyer(None), Tier.FIRST),
        (buyer(100, before=True), Tier.REPEAT),
        (buyer(90000, before=True), Tier.REPEAT),
    ],
)
def test_the_tier(who: Buyer, tier: Tier) -> None:
    assert tier_of(RULES, who) is tier


def test_the_merchant_says_what_well_above_is() -> None:
    assert tier_of(replace(RULES, well_above=3.0), buyer(14000)) is Tier.FIRST
    assert tier_of(replace(RULES, well_above=1.5), buyer(7600)) is Tier.FIRST_ABOVE


@pytest.mark.parametrize(
    ("who", "choice"),
    [
        (buyer(3000), Choice(tier=Tier.FIRST_BELOW, give=FIVE, price_at_most=Money(3000, "EUR"))),
        (buyer(6000), Choice(tier=Tier.FIRST)),
        (buyer(20000), Choice(tier=Tier.FIRST_ABOVE, check_in=True, exclusive=("71", "72"))),  # no discount
        (buyer(30000), Choice(tier=Tier.FIRST_ABOVE, check_in=True, exclusive=("71", "72"))),
        (buyer(30001), Choice(tier=Tier.FIRST_ABOVE, give=CARD, check_in=True, exclusive=("71", "72"))),
        (buyer(30001, own=False), Choice(tier=Tier.FIRST_ABOVE, check_in=True, exclusive=("71", "72"))),
        (buyer(3000, before=True), Choice(tier=Tier.REPEAT, give=SHIPPING, early_access=True)),
    ],
)
def test_the_default_rules(who: Buyer, choice: Choice) -> None:
    assert choose(RULES, who) == choice


@pytest.mark.parametrize("who", [buyer(3000), buyer(90000), buyer(3000, before=True)])
def test_nobody_gets_anything_while_it_is_off(who: Buyer) -> None:
    for rules in (OfferRules(), replace(RULES, enabled=False)):
        found = choose(rules, who)
        assert found == Choice(tier=found.tier)


def test_without_a_name_there_is_no_note() -> None:
    assert not choose(replace(RULES, signed_by=None), buyer(20000)).check_in


@pytest.mark.parametrize(
    ("give", "margin", "floor", "below"),
    [
        (FIVE, None, 30, False),
        (FIVE, 60, None, False),
        (FIVE, 60, 50, False),  # 25.00 less 5.00 with goods of 10.00 keeps exactly half
        (FIVE, 60, 51, True),
        (replace(FIVE, minimum_minor=None), 90, 0, True),  # it could take all of a small order
        (replace(FIVE, minimum_minor=500), 90, 0, True),
        (Give(kind="percentage", percent=20), 60, 50, False),
        (Give(kind="percentage", percent=25), 60, 50, True),
        (SHIPPING, 90, 1, True),  # whatever it costs
        (replace(SHIPPING, minor=500), 90, 1, True),  # on however small an order
        (replace(SHIPPING, minor=500, minimum_minor=5000), 60, 50, False),
        (replace(SHIPPING, minor=501, minimum_minor=5000), 60, 50, True),
        (CARD, 10, 9, False),
        (Give(kind="store_credit", minor=500), 10, 9, False),
    ],
)
def test_the_margin_floor(give: Give, margin: int | None, floor: int | None, below: bool) -> None:
    assert below_floor(give, margin, floor) is below


def test_an_offer_below_the_floor_is_not_made_and_says_why() -> None:
    found = choose(replace(RULES, margin_percent=60, floor_percent=55), buyer(3000))
    assert (found.give, found.why_not) == (None, "it could take an order below the margin floor")


@pytest.mark.parametrize(
    ("exponent", "median", "minor", "minimum"),
    [(2, 4000, 300, 2000), (2, None, 500, 2500), (0, None, 5000, 25000), (0, 68000, 7500, 30000), (2, 700, 500, 2500)],
)
def test_what_switching_on_begins_with(exponent: int, median: int | None, minor: int, minimum: int) -> None:
    rules = good_default("EUR", exponent, median)
    assert rules.enabled
    assert rules.first_below == Give(kind="amount", minor=minor, minimum_minor=minimum)
    assert rules.repeat == Give(kind="free_shipping")
    assert (rules.gift, rules.reward) == (None, None)


@pytest.mark.parametrize(("minor", "round_"), [(0, 1), (1234, 1000), (3900, 3000), (68000, 75000), (99, 100), (7, 7)])
def test_round_figures(minor: int, round_: int) -> None:
    assert round_figure(minor) == round_


def test_a_code_is_always_the_same_and_everybody_has_their_own() -> None:
    args = ("secret", "shop1", purpose("cross_sell", "1001"), "amount")
    code = code_for(*args)
    assert code == code_for(*args)
    assert re.fullmatch(f"DS-[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}", code)
    reward = purpose("survey_reward", "1001")
    others = [("other", *args[1:]), (args[0], "shop2", *args[2:]), (*args[:2], reward, "amount")]
    assert len({code, *(code_for(*other) for other in others)}) == 4
    many = {code_for("secret", "shop1", purpose("cross_sell", str(n)), "amount") for n in range(20_000)}
    assert len(many) == 20_000


def test_the_code_of_a_gift_card_is_one_the_platform_takes() -> None:
    assert re.fullmatch(f"DS[{ALPHABET}]{{14}}", code_for("secret", "shop1", "gift:1", "gift_card"))


def test_nothing_in_a_code_looks_like_something_else() -> None:
    assert not set(ALPHABET) & set("0O1IL2Z5S8BU")
