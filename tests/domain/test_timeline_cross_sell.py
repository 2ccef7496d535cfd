"""What follows a cross-sell, what ends it, and a shop's own delays."""

from __future__ import annotations

import pytest

from plugin.domain.flows import State
from plugin.domain.history import History
from schemas.settings import ShopSettings, StepSettings
from tests.domain.support import assert_plan, bought, history, left, parcel, switched_off

SHIPPED = "3 Nov 12:00"


def case(name: str, told: History, expected: str) -> object:
    return pytest.param(told, expected, id=name)


HERE = [parcel("P1", SHIPPED, "5 Nov 10:00")]


@pytest.mark.parametrize(("told", "expected"), [
    case("before it left", history(parcels=HERE), """
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("three days after it was sent, not after it was due", history(
        parcels=HERE, left=[left("cross_sell", "10 Nov 07:30")],
    ), """
        cross_sell_follow_up   planned 13 Nov 07:30
    """),
    case("on its way out", history(parcels=HERE, left=[left("cross_sell", "9 Nov 09:00", state=State.SENDING)]), """
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("it failed", history(parcels=HERE, left=[left("cross_sell", "9 Nov 09:00", state=State.FAILED)]), """
        cross_sell_follow_up   withheld: the cross-sell did not go out
    """),
    case("the first sending counts, not the copy", history(
        parcels=HERE, left=[left("cross_sell", "11 Nov 09:00", copy=1), left("cross_sell", "9 Nov 09:00")],
    ), """
        cross_sell_follow_up   planned 12 Nov 09:00
    """),
    case("only a copy left", history(parcels=HERE, left=[left("cross_sell", "11 Nov 09:00", copy=1)]), """
        cross_sell_follow_up   planned 14 Nov 09:00
    """),
    case("a carrier's second thoughts do not stop it", history(
        parcels=[parcel("P1", SHIPPED, words={"11 Nov 13:00": "delayed"})], left=[left("cross_sell", "11 Nov 12:00")],
    ), """
        cross_sell_follow_up   planned 14 Nov 12:00
    """),
])  # fmt: skip
def test_the_follow_up_is_anchored_on_the_sending(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "expected"), [
    case("a newer order ends both", history(parcels=HERE, newer=[bought("#1002", "4 Nov 09:00")]), """
        survey                 planned 9 Nov 10:00
        cross_sell             cancelled: the customer bought again: #1002
        cross_sell_follow_up   cancelled: the customer bought again: #1002
    """),
    case("even before anything arrived", history(newer=[bought("#1002", "2 Nov 09:01")]), """
        survey                 waiting: waits for everything to be shipped
        cross_sell             cancelled: the customer bought again: #1002
        cross_sell_follow_up   cancelled: the customer bought again: #1002
    """),
    case("the first newer order is named", history(
        parcels=HERE, newer=[bought("#1003", "6 Nov 09:00"), bought("#1002", "4 Nov 09:00")],
    ), """
        cross_sell             cancelled: the customer bought again: #1002
    """),
    case("bought since the cross-sell", history(
        parcels=HERE, left=[left("cross_sell", "9 Nov 09:00")], newer=[bought("#1002", "10 Nov 09:00")],
    ), """
        cross_sell_follow_up   cancelled: the customer bought again: #1002
    """),
    case("cancelled or a test: they return", history(
        parcels=HERE, newer=[bought("#1002", "4 Nov 09:00", counts=False)],
    ), """
        cross_sell             planned 9 Nov 09:00
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("one that counts beside one that does not", history(
        parcels=HERE, newer=[bought("#1002", "4 Nov 09:00", counts=False), bought("#1003", "6 Nov 09:00")],
    ), """
        cross_sell             cancelled: the customer bought again: #1003
    """),
])  # fmt: skip
def test_a_new_order_ends_open_cross_sells(told: History, expected: str) -> None:
    assert_plan(told, expected)


def test_without_a_cross_sell_there_is_no_follow_up() -> None:
    assert_plan(history(parcels=HERE), """
        cross_sell             withheld: this step is switched off
        cross_sell_follow_up   withheld: no cross-sell goes out
    """, switched_off("cross_sell"))  # fmt: skip
    assert_plan(history(parcels=HERE, left=[left("cross_sell", "9 Nov 09:00")]), """
        cross_sell_follow_up   planned 12 Nov 09:00
    """, switched_off("cross_sell"))  # fmt: skip


def test_a_shops_own_delays() -> None:
    settings = ShopSettings(steps={
        "survey": StepSettings(delay_minutes=5 * 24 * 60), "cross_sell": StepSettings(delay_minutes=10 * 24 * 60),
        "cross_sell_follow_up": StepSettings(delay_minutes=60), "thank_you": StepSettings(delay_minutes=5),
        "delivered": StepSettings(delay_minutes=30),
    })  # fmt: skip
    here = [parcel("P1", SHIPPED, "6 Nov 10:00")]
    assert_plan(history(parcels=here), """
        thank_you              planned 2 Nov 09:05
        delivered P1           planned 6 Nov 10:30
        survey                 planned 11 Nov 10:00
        cross_sell             planned 12 Nov 09:00
    """, settings)  # fmt: skip
    assert_plan(history(parcels=here, left=[left("cross_sell", "12 Nov 09:01")]), """
        cross_sell_follow_up   planned 12 Nov 10:01
    """, settings)  # fmt: skip
