"""What the merchant did: cancel, send now, send again. Facts like all others, so no replanning undoes them."""

from __future__ import annotations

import pytest

from plugin.domain.history import History
from plugin.domain.timeline import plan
from tests.domain.support import SETTINGS, act, assert_plan, bought, history, issue, left, line, parcel, words

SHIPPED = "3 Nov 12:00"
HERE = [parcel("P1", SHIPPED, "6 Nov 10:00")]
TWO_LINES = [line("A"), line("B")]


def case(name: str, told: History, expected: str) -> object:
    return pytest.param(told, expected, id=name)


@pytest.mark.parametrize(("told", "expected"), [
    case("cancelled", history(parcels=HERE, acts=[act("cancel", "survey", "5 Nov 10:00")]), """
        survey       cancelled: cancelled by the shop
        cross_sell   planned 9 Nov 09:00
    """),
    case("cancelled while it waited, and delivered since", history(
        parcels=HERE, acts=[act("cancel", "survey", "2 Nov 10:00")],
    ), """
        survey       cancelled: cancelled by the shop
    """),
    case("sent now", history(parcels=HERE, acts=[act("send_now", "survey", "7 Nov 15:30")]), """
        survey       planned 7 Nov 15:30
    """),
    case("sent now though it waited", history(acts=[act("send_now", "survey", "7 Nov 15:30")]), """
        survey       planned 7 Nov 15:30
    """),
    case("sent now though an issue is open", history(
        parcels=[parcel("P1", SHIPPED)], issues=[issue("P1", "8 Nov 10:00")],
        acts=[act("send_now", "survey", "9 Nov 15:30")],
    ), """
        survey       planned 9 Nov 15:30
    """),
    case("the newest act holds: sent after all", history(parcels=HERE, acts=[
        act("send_now", "survey", "7 Nov 15:30"), act("cancel", "survey", "5 Nov 10:00"),
    ]), """
        survey       planned 7 Nov 15:30
    """),
    case("the newest act holds: cancelled after all", history(parcels=HERE, acts=[
        act("send_now", "survey", "5 Nov 15:30"), act("cancel", "survey", "7 Nov 10:00"),
    ]), """
        survey       cancelled: cancelled by the shop
    """),
    case("both in one moment: cancelled", history(parcels=HERE, acts=[
        act("cancel", "survey", "5 Nov 15:30"), act("send_now", "survey", "5 Nov 15:30"),
    ]), """
        survey       cancelled: cancelled by the shop
    """),
    case("without the cross-sell no follow-up", history(
        parcels=HERE, acts=[act("cancel", "cross_sell", "5 Nov 10:00")],
    ), """
        cross_sell             cancelled: cancelled by the shop
        cross_sell_follow_up   cancelled: no cross-sell goes out
    """),
    case("nothing revives an ended order", history(
        parcels=HERE, ended="the order was cancelled", acts=[act("send_now", "survey", "7 Nov 15:30")],
    ), """
        survey       cancelled: the order was cancelled
    """),
    case("nor a cross-sell that a new order ended", history(
        parcels=HERE, newer=[bought("#1002", "4 Nov 09:00")], acts=[act("send_now", "cross_sell", "7 Nov 15:30")],
    ), """
        cross_sell   cancelled: the customer bought again: #1002
    """),
    case("nor what may not go", history(
        parcels=HERE, has_address=False, acts=[act("send_now", "survey", "7 Nov 15:30")],
    ), """
        survey       withheld: no address to write to
    """),
    case("news of a parcel needs a parcel", history(acts=[
        act("send_now", "shipped", "7 Nov 15:30"), act("send_now", "delivered", "7 Nov 15:30"),
    ]), """
        shipped      waiting: waits for shipping
        delivered    waiting: waits for shipping
    """),
    case("not live: even what the shop chose to send waits", history(
        parcels=HERE, live=False, acts=[act("send_now", "survey", "7 Nov 15:30")],
    ), """
        survey       held 7 Nov 15:30: waits for the shop to go live
    """),
])  # fmt: skip
def test_cancel_and_send_now(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "expected"), [
    case("the message about a parcel", history(parcels=HERE, acts=[act("cancel", "shipped", "3 Nov 12:05", "P1")]), """
        shipped P1     cancelled: cancelled by the shop
        delivered P1   planned 6 Nov 10:00
    """),
    case("with it go those that joined it; later ones have their own", history(lines=TWO_LINES, parcels=[
        parcel("P1", SHIPPED), parcel("P2", "3 Nov 12:01"), parcel("P3", "3 Nov 12:06"),
    ], acts=[act("cancel", "shipped", "3 Nov 12:05", "P1")]), """
        shipped P1     cancelled: cancelled by the shop
        shipped P2     cancelled: told with P1
        shipped P3     planned 3 Nov 12:16
    """),
    case("news of an earlier parcel does not undo it", history(lines=TWO_LINES, parcels=[
        parcel("P0", "3 Nov 11:58"), parcel("P1", SHIPPED), parcel("P2", "3 Nov 12:01"),
    ], acts=[act("cancel", "shipped", "3 Nov 12:05", "P1")]), """
        shipped P0     planned 3 Nov 12:08
        shipped P1     cancelled: cancelled by the shop
        shipped P2     cancelled: told with P1
    """),
    case("nor what it chose to send", history(lines=TWO_LINES, parcels=[
        parcel("P0", "3 Nov 11:58", number=False), parcel("P1", SHIPPED, number=False),
    ], acts=[act("send_now", "shipped", "3 Nov 12:05", "P1")]), """
        shipped P0     planned 3 Nov 13:58
        shipped P1     planned 3 Nov 12:05
    """),
    case("not waiting for a number any longer", history(
        parcels=[parcel("P1", SHIPPED, number=False)], acts=[act("send_now", "shipped", "3 Nov 12:20", "P1")],
    ), """
        shipped P1     planned 3 Nov 12:20
    """),
    case("one of two deliveries", history(lines=TWO_LINES, parcels=[
        parcel("P1", SHIPPED, "6 Nov 10:00"), parcel("P2", SHIPPED, "7 Nov 10:00"),
    ], acts=[act("cancel", "delivered", "6 Nov 09:00", "P2")]), """
        delivered P1   planned 6 Nov 10:00
        delivered P2   cancelled: cancelled by the shop
    """),
])  # fmt: skip
def test_acts_about_a_parcel(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "expected"), [
    case("once", history(
        left=[left("thank_you", "2 Nov 09:00")], acts=[act("send_again", "thank_you", "4 Nov 10:00")],
    ), """
        thank_you           left
        thank_you copy 1    planned 4 Nov 10:00
    """),
    case("twice, numbered by their time", history(acts=[
        act("send_again", "thank_you", "5 Nov 10:00"), act("send_again", "thank_you", "4 Nov 10:00"),
    ]), """
        thank_you           planned 2 Nov 09:00
        thank_you copy 1    planned 4 Nov 10:00
        thank_you copy 2    planned 5 Nov 10:00
    """),
    case("of a cancelled one", history(acts=[
        act("cancel", "thank_you", "2 Nov 08:59"), act("send_again", "thank_you", "4 Nov 10:00"),
    ]), """
        thank_you           cancelled: cancelled by the shop
        thank_you copy 1    planned 4 Nov 10:00
    """),
    case("of one parcel that was told with another", history(lines=TWO_LINES, parcels=[
        parcel("P1", SHIPPED), parcel("P2", SHIPPED),
    ], acts=[act("send_again", "shipped", "5 Nov 10:00", "P2")]), """
        shipped P1+P2       planned 3 Nov 12:10
        shipped P2          cancelled: told with P1
        shipped P2 copy 1   planned 5 Nov 10:00
    """),
    case("of what ended before the copy left", history(
        parcels=HERE, ended="the order was cancelled",
        acts=[act("send_again", "survey", "11 Nov 10:00"), act("send_again", "delivered", "11 Nov 10:00", "P1")],
    ), """
        survey              cancelled: the order was cancelled
        survey copy 1       cancelled: the order was cancelled
        delivered P1        planned 6 Nov 10:00
        delivered P1 copy 1 planned 11 Nov 10:00
    """),
    case("the gates hold for copies too", history(parcels=HERE, consent=words(), acts=[
        act("send_again", "cross_sell", "11 Nov 10:00"),
    ]), """
        cross_sell          withheld: no consent to marketing
        cross_sell copy 1   withheld: no consent to marketing
    """),
])  # fmt: skip
def test_send_again_adds_copies(told: History, expected: str) -> None:
    assert_plan(told, expected)


def test_a_copy_speaks_of_the_same_parcels() -> None:
    told = history(lines=TWO_LINES, parcels=[parcel("P1", SHIPPED), parcel("P2", SHIPPED)],
                   left=[left("shipped", "3 Nov 12:10", "P1", "P2")],
                   acts=[act("send_again", "shipped", "5 Nov 10:00", "P1")])  # fmt: skip
    assert {m.parcels for m in plan(SETTINGS, told) if (m.step, m.subject) == ("shipped", "P1")} == {("P1", "P2")}
