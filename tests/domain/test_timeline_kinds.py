"""Kinds of orders, and how an order ends: digital, mixed, picked up, bought in the shop, no address, test; exits."""

from __future__ import annotations

import pytest

from plugin.domain.flows import State
from plugin.domain.history import History
from plugin.domain.timeline import plan
from tests.domain.support import (
    CONSENTED,
    ORDER,
    SETTINGS,
    assert_plan,
    history,
    left,
    line,
    parcel,
    switched_off,
    words,
)

SHIPPED = "3 Nov 12:00"


def case(name: str, told: History, expected: str) -> object:
    return pytest.param(told, expected, id=name)


DIGITAL = [line("song", digital=True)]
MIXED = [line("song", digital=True), line("A")]


@pytest.mark.parametrize(("told", "expected"), [
    case("digital, not fulfilled", history(lines=DIGITAL), """
        thank_you     planned 2 Nov 09:00
        shipped       withheld: a digital order: nothing is shipped
        delivered     waiting: waits for shipping
        survey        waiting: waits for everything to be shipped
    """),
    case("digital lines deliver on fulfilment", history(lines=DIGITAL, parcels=[parcel("P1", "2 Nov 09:05")]), """
        shipped       withheld: a digital order: nothing is shipped
        delivered P1  planned 2 Nov 09:05
        survey        planned 6 Nov 09:05
        cross_sell    planned 9 Nov 09:00
    """),
    case("two downloads, the second later", history(
        lines=[line("song", digital=True), line("film", digital=True)],
        parcels=[parcel("P1", "2 Nov 09:05", holds={"song": 1}), parcel("P2", "5 Nov 09:00", holds={"film": 1})],
    ), """
        delivered P1  planned 2 Nov 09:05
        delivered P2  planned 5 Nov 09:00
        survey        planned 9 Nov 09:00
    """),
    case("a mixed order follows its physical lines", history(lines=MIXED, parcels=[
        parcel("P1", "2 Nov 09:05", holds={"song": 1}), parcel("P2", SHIPPED, "6 Nov 10:00", holds={"A": 1}),
    ]), """
        shipped P2    planned 3 Nov 12:10
        delivered P2  planned 6 Nov 10:00
        survey        planned 10 Nov 10:00
    """),
    case("mixed, only the download is there", history(lines=MIXED, parcels=[
        parcel("P1", "2 Nov 09:05", holds={"song": 1}),
    ]), """
        shipped       waiting: waits for shipping
        delivered     waiting: waits for shipping
        survey        waiting: waits for everything to be shipped
    """),
    case("mixed, in one parcel", history(lines=MIXED, parcels=[
        parcel("P1", SHIPPED, "6 Nov 10:00", holds={"song": 1, "A": 1}),
    ]), """
        shipped P1    planned 3 Nov 12:10
        survey        planned 10 Nov 10:00
    """),
    case("mixed, the physical line was refunded: what is left was delivered on fulfilment", history(
        lines=[line("song", digital=True), line("A", 0)], parcels=[parcel("P1", "2 Nov 09:05", holds={"song": 1})],
    ), """
        survey        planned 6 Nov 09:05
    """),
    case("picked up", history(pickup=True, parcels=[parcel("P1", "4 Nov 15:00")]), """
        shipped       withheld: picked up by the customer: nothing is shipped
        delivered P1  planned 4 Nov 15:00
        survey        planned 8 Nov 15:00
        cross_sell    planned 9 Nov 09:00
    """),
    case("not picked up yet", history(pickup=True), """
        shipped       withheld: picked up by the customer: nothing is shipped
        survey        waiting: waits for everything to be shipped
    """),
    case("bought in the shop", history(pos=True, parcels=[parcel("P1", "2 Nov 09:00")]), """
        thank_you     planned 2 Nov 09:00
        shipped       withheld: bought in the shop: nothing is shipped
        delivered     withheld: handed over in the shop
        survey        planned 6 Nov 09:00
        cross_sell    planned 9 Nov 09:00
    """),
    case("bought in the shop, not fulfilled", history(pos=True), """
        survey        waiting: waits for everything to be shipped
    """),
])  # fmt: skip
def test_kinds_of_orders(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "reason"), [
    (history(has_address=False, parcels=[parcel("P1", SHIPPED)]), "no address to write to"),
    (history(test=True, parcels=[parcel("P1", SHIPPED)]), "a test order"),
    (history(erased=True, parcels=[parcel("P1", SHIPPED)]), "the customer's data was erased"),
    (history(suppressed="dead", parcels=[parcel("P1", SHIPPED)]), "the address is dead"),
    (history(suppressed="complained", parcels=[parcel("P1", SHIPPED)]), "the customer complained about mail"),
])  # fmt: skip
def test_orders_that_are_never_mailed(told: History, reason: str) -> None:
    assert {(m.state, m.reason) for m in plan(SETTINGS, told)} == {(State.WITHHELD, reason)}


CANCELLED = "the order was cancelled"


@pytest.mark.parametrize(("told", "expected"), [
    case("before it was shipped", history(ended=CANCELLED), f"""
        thank_you              cancelled: {CANCELLED}
        shipped                cancelled: {CANCELLED}
        delivered              cancelled: {CANCELLED}
        survey                 cancelled: {CANCELLED}
        cross_sell             cancelled: {CANCELLED}
        cross_sell_follow_up   cancelled: {CANCELLED}
    """),
    case("news of a parcel already on its way still goes", history(ended=CANCELLED, parcels=[
        parcel("P1", SHIPPED, "6 Nov 10:00"), parcel("P2", SHIPPED),
    ]), f"""
        thank_you              cancelled: {CANCELLED}
        shipped P1+P2          planned 3 Nov 12:10
        shipped P2             cancelled: told with P1
        delivered P1           planned 6 Nov 10:00
        delivered P2           planned ~10 Nov 12:00
        survey                 cancelled: {CANCELLED}
        cross_sell             cancelled: {CANCELLED}
        cross_sell_follow_up   cancelled: {CANCELLED}
    """),
    case("the parcel was called off too", history(ended=CANCELLED, parcels=[
        parcel("P1", SHIPPED, called_off=True),
    ]), f"""
        shipped P1             cancelled: this shipment was called off
        shipped                cancelled: {CANCELLED}
        delivered P1           cancelled: this shipment was called off
        delivered              cancelled: {CANCELLED}
    """),
    case("after the cross-sell left", history(
        ended="the order was fully refunded", parcels=[parcel("P1", SHIPPED, "6 Nov 10:00")],
        left=[left("cross_sell", "9 Nov 09:00")],
    ), """
        cross_sell_follow_up   cancelled: the order was fully refunded
    """),
    case("the money was refunded, every quantity remains: still ended", history(
        ended="the order was fully refunded", parcels=[parcel("P1", SHIPPED, "6 Nov 10:00")],
    ), """
        survey                 cancelled: the order was fully refunded
        delivered P1           planned 6 Nov 10:00
    """),
])  # fmt: skip
def test_exits(told: History, expected: str) -> None:
    assert_plan(told, expected)


def test_orders_placed_before_the_installation_get_no_plan() -> None:
    assert plan(SETTINGS, history(placed="2 Nov 08:59", installed="2 Nov 09:00", parcels=[parcel("P1", SHIPPED)])) == ()
    assert_plan(history(placed="2 Nov 09:00", installed="2 Nov 09:00"), "thank_you planned 2 Nov 09:00")


def test_a_shop_that_is_not_live_plans_everything_and_sends_nothing() -> None:
    assert_plan(history(live=False, parcels=[parcel("P1", SHIPPED, "6 Nov 10:00")]), """
        thank_you              held 2 Nov 09:00: waits for the shop to go live
        shipped P1             held 3 Nov 12:10: waits for the shop to go live
        delivered P1           held 6 Nov 10:00: waits for the shop to go live
        survey                 held 10 Nov 10:00: waits for the shop to go live
        cross_sell             held 9 Nov 09:00: waits for the shop to go live
        cross_sell_follow_up   waiting: waits for the cross-sell
    """)  # fmt: skip


def test_steps_that_are_switched_off_are_withheld_and_the_others_go_on() -> None:
    assert_plan(history(parcels=[parcel("P1", SHIPPED, "6 Nov 10:00")]), """
        thank_you              withheld: this step is switched off
        shipped P1             withheld: this step is switched off
        delivered P1           planned 6 Nov 10:00
        survey                 withheld: this step is switched off
        cross_sell             planned 9 Nov 09:00
        cross_sell_follow_up   withheld: this step is switched off
    """, switched_off("thank_you", "shipped", "survey", "cross_sell_follow_up"))  # fmt: skip


@pytest.mark.parametrize(("consent", "expected"), [
    (CONSENTED, "survey planned 10 Nov 10:00 \n cross_sell planned 9 Nov 09:00"),
    (words(), "survey planned 10 Nov 10:00 \n cross_sell withheld: no consent to marketing"),
    (words(opted_out="1 Nov 00:00"),
     "survey withheld: the customer unsubscribed \n cross_sell withheld: the customer unsubscribed"),
])  # fmt: skip
def test_classes_in_the_plan(consent: object, expected: str) -> None:
    told = history(parcels=[parcel("P1", SHIPPED, "6 Nov 10:00")], consent=consent)  # type: ignore[arg-type]
    assert_plan(told, f"thank_you planned 2 Nov 09:00 \n shipped P1 planned 3 Nov 12:10 \n {expected}")


def test_messages_of_the_order_are_about_the_order() -> None:
    subjects = {m.step: m.subject for m in plan(SETTINGS, history())}
    assert set(subjects.values()) == {ORDER}


def test_when_all_that_ships_was_refunded_first_the_rest_of_a_mixed_order_goes_on() -> None:
    lines = [line("book", 0), line("file", digital=True)]
    assert_plan(history(lines=lines, parcels=[parcel("F1", "2 Nov 10:00", holds={"file": 1})]), """
        shipped      withheld: nothing is left to be shipped
        delivered F1 planned 2 Nov 10:00
        survey       planned 6 Nov 10:00
    """)
