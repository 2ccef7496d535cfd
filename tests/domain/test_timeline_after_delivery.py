"""`survey` and `cross_sell`: what counts as the last delivery, and what holds them."""

from __future__ import annotations

import pytest

from plugin.domain.history import History
from tests.domain.support import assert_plan, history, issue, left, line, parcel, yes

EXPECTED = "10 Nov 12:00"  # of every parcel below: a week after it was shipped
SHIPPED = "3 Nov 12:00"


def case(name: str, told: History, expected: str) -> object:
    return pytest.param(told, expected, id=name)


@pytest.mark.parametrize(("told", "expected"), [
    case("fast delivery: a week after the order", history(parcels=[parcel("P1", SHIPPED, "4 Nov 10:00")]), """
        survey       planned 8 Nov 10:00
        cross_sell   planned 9 Nov 09:00
    """),
    case("slow delivery: a day after it", history(parcels=[parcel("P1", SHIPPED, "20 Nov 10:00")]), """
        survey       planned 24 Nov 10:00
        cross_sell   planned 21 Nov 10:00
    """),
    case("both on the minute", history(parcels=[parcel("P1", SHIPPED, "8 Nov 09:00")]), """
        cross_sell   planned 9 Nov 09:00
    """),
])  # fmt: skip
def test_anchors(told: History, expected: str) -> None:
    assert_plan(told, expected)


def words(**said: str) -> History:
    """A parcel expected on 10 Nov 12:00; `said`: "attempted_delivery"="9 Nov 12:00", the carrier's words."""
    return history(parcels=[parcel("P1", SHIPPED, words={moment: status for status, moment in said.items()})])


@pytest.mark.parametrize(("told", "expected"), [
    case("no word at all: the estimate counts", words(), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~11 Nov 12:00
    """),
    case("an old in_transit: it counts", words(in_transit="4 Nov 12:00"), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~11 Nov 12:00
    """),
    case("an in_transit that is five days old when the step is due", words(in_transit="6 Nov 12:00"), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~11 Nov 12:00
    """),
    case("a fresher one: the cross-sell waits until it is five days old, the survey need not",
         words(in_transit="8 Nov 15:00"), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~13 Nov 15:00
    """),
    case("one after the estimate: both wait", words(in_transit="12 Nov 08:00"), """
        survey       planned ~17 Nov 08:00
        cross_sell   planned ~17 Nov 08:00
    """),
    case("delayed", words(in_transit="5 Nov 12:00", delayed="6 Nov 12:00"), """
        survey       waiting: the carrier's newest word is delayed
        cross_sell   waiting: the carrier's newest word is delayed
    """),
    case("delayed, however old", words(delayed="4 Nov 12:00"), """
        survey       waiting: the carrier's newest word is delayed
    """),
    case("attempted", words(attempted_delivery="9 Nov 12:00"), """
        survey       waiting: the carrier's newest word is attempted delivery
    """),
    case("failure", words(failure="9 Nov 12:00"), """
        survey       waiting: the carrier's newest word is failure
    """),
    case("trouble, then on its way again, long ago", words(delayed="4 Nov 12:00", in_transit="5 Nov 12:00"), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~11 Nov 12:00
    """),
    case("trouble, then out for delivery", words(attempted_delivery="9 Nov 12:00", out_for_delivery="10 Nov 07:00"), """
        survey       planned ~14 Nov 12:00
        cross_sell   planned ~11 Nov 12:00
    """),
    case("out for delivery, then trouble", words(out_for_delivery="9 Nov 07:00", attempted_delivery="9 Nov 12:00"), """
        survey       waiting: the carrier's newest word is attempted delivery
    """),
    case("two words of one moment: the cautious one", history(
        parcels=[parcel("P1", SHIPPED, words={"9 Nov 12:00": "delayed", "9 Nov 2026 12:00": "out_for_delivery"})],
    ), """
        survey       waiting: the carrier's newest word is delayed
    """),
    case("delivered in the end", history(
        parcels=[parcel("P1", SHIPPED, "13 Nov 16:00", words={"9 Nov 12:00": "failure", "13 Nov 16:00": "delivered"})],
    ), """
        survey       planned 17 Nov 16:00
        cross_sell   planned 14 Nov 16:00
    """),
    case("trouble, and the customer has it all the same", history(
        parcels=[parcel("P1", SHIPPED, words={"9 Nov 12:00": "failure"})], answers=[yes("P1", "9 Nov 20:00")],
    ), """
        survey       planned 13 Nov 20:00
        cross_sell   planned 10 Nov 20:00
    """),
    case("delivered earlier than expected moves what is not sent", history(
        parcels=[parcel("P1", SHIPPED, "5 Nov 16:00")], left=[left("shipped", "3 Nov 12:10", "P1")],
    ), """
        survey       planned 9 Nov 16:00
        cross_sell   planned 9 Nov 09:00
    """),
])  # fmt: skip
def test_an_estimate_counts_unless_the_carriers_newest_word_contradicts(told: History, expected: str) -> None:
    assert_plan(told, expected)


A, B = line("A"), line("B")
P1 = parcel("P1", SHIPPED, "5 Nov 10:00", holds={"A": 1})


@pytest.mark.parametrize(("told", "expected"), [
    case("a backorder holds the survey", history(lines=[A, B], parcels=[P1]), """
        delivered P1  planned 5 Nov 10:00
        survey        waiting: waits for everything to be shipped
        cross_sell    waiting: waits for everything to be shipped
    """),
    case("the last of two parcels counts", history(
        lines=[A, B], parcels=[P1, parcel("P2", "9 Nov 12:00", "12 Nov 10:00", holds={"B": 1})],
    ), """
        survey        planned 16 Nov 10:00
        cross_sell    planned 13 Nov 10:00
    """),
    case("shipped later, delivered sooner", history(
        lines=[A, B], parcels=[parcel("P1", SHIPPED, "14 Nov 10:00", holds={"A": 1}),
                               parcel("P2", "5 Nov 12:00", "6 Nov 10:00", holds={"B": 1})],
    ), """
        survey        planned 18 Nov 10:00
    """),
    case("one delivered, one only expected", history(
        lines=[A, B], parcels=[P1, parcel("P2", "9 Nov 12:00", holds={"B": 1})],
    ), """
        survey        planned ~20 Nov 12:00
    """),
    case("the delivered one is later than the expected one: still not certain", history(
        lines=[A, B], parcels=[parcel("P1", SHIPPED, holds={"A": 1}),
                               parcel("P2", "9 Nov 12:00", "12 Nov 10:00", holds={"B": 1})],
    ), """
        survey        planned ~16 Nov 10:00
    """),
    case("one delivered, one expected before that but still on its way: the later date of both kinds", history(
        lines=[A, B], parcels=[parcel("P1", SHIPPED, "12 Nov 12:00", holds={"A": 1}),
                               parcel("P2", SHIPPED, holds={"B": 1}, words={"9 Nov 13:00": "in_transit"})],
    ), """
        survey        planned ~16 Nov 12:00
        cross_sell    planned ~14 Nov 13:00
    """),
    case("half of a quantity", history(lines=[line("A", 3)], parcels=[
        parcel("P1", SHIPPED, "5 Nov 10:00", holds={"A": 2}),
    ]), """
        survey        waiting: waits for everything to be shipped
    """),
    case("a quantity in two parcels", history(lines=[line("A", 3)], parcels=[
        parcel("P1", SHIPPED, "5 Nov 10:00", holds={"A": 2}),
        parcel("P2", "4 Nov 12:00", "8 Nov 10:00", holds={"A": 1}),
    ]), """
        survey        planned 12 Nov 10:00
    """),
    case("the backordered line was refunded", history(lines=[A, line("B", 0)], parcels=[P1]), """
        survey        planned 9 Nov 10:00
    """),
    case("a quantity partly refunded", history(lines=[line("A", 1), B], parcels=[
        parcel("P1", SHIPPED, "5 Nov 10:00", holds={"A": 1, "B": 1}), parcel("P2", "8 Nov 12:00", holds={"A": 1}),
    ]), """
        survey        planned 9 Nov 10:00
        delivered P1  planned 5 Nov 10:00
        delivered P2  planned ~15 Nov 12:00
    """),
    case("a parcel of refunded lines only holds nothing up and has its news", history(lines=[A, line("B", 0)], parcels=[
        P1, parcel("P2", "8 Nov 12:00", holds={"B": 1}, words={"9 Nov 12:00": "delayed"}),
    ]), """
        survey        planned 9 Nov 10:00
        shipped P1    planned 3 Nov 12:10
        shipped P2    planned 8 Nov 12:10
        delivered P1  planned 5 Nov 10:00
        delivered P2  planned ~15 Nov 12:00
    """),
    case("nor does what is only expected of it make the rest uncertain", history(lines=[A, line("B", 0)], parcels=[
        parcel("P1", SHIPPED, "12 Nov 10:00", holds={"A": 1}), parcel("P2", SHIPPED, holds={"B": 1}),
    ]), """
        survey        planned 16 Nov 10:00
    """),
    case("an edit added a line that is not shipped yet", history(lines=[A, line("new")], parcels=[P1]), """
        survey        waiting: waits for everything to be shipped
    """),
    case("a replacement parcel: what came first counts, what comes twice does not", history(lines=[A], parcels=[
        P1, parcel("P2", "8 Nov 12:00", holds={"A": 1}),
    ]), """
        survey        planned 9 Nov 10:00
    """),
    case("a parcel that tells no lines holds them all", history(lines=[A, B], parcels=[
        parcel("P1", SHIPPED, "5 Nov 10:00"),
    ]), """
        survey        planned 9 Nov 10:00
    """),
    case("a parcel called off delivers nothing", history(lines=[A], parcels=[
        parcel("P1", SHIPPED, "5 Nov 10:00", called_off=True),
    ]), """
        survey        waiting: waits for everything to be shipped
    """),
])  # fmt: skip
def test_the_last_delivery_is_of_every_line_that_is_left(told: History, expected: str) -> None:
    assert_plan(told, expected)


ASKED = [parcel("P1", SHIPPED)]
MISSED = "the customer says that it has not arrived"


@pytest.mark.parametrize(("told", "expected"), [
    case("open: both pause", history(parcels=ASKED, issues=[issue("P1", "10 Nov 13:00")]), f"""
        survey       held: {MISSED}
        cross_sell   held: {MISSED}
    """),
    case("about the whole order", history(parcels=ASKED, issues=[issue(None, "10 Nov 13:00")]), f"""
        survey       held: {MISSED}
    """),
    case("about one of two parcels", history(
        lines=[A, B], parcels=[P1, parcel("P2", SHIPPED, "6 Nov 10:00", holds={"B": 1})],
        issues=[issue("P2", "10 Nov 13:00")],
    ), f"""
        survey       held: {MISSED}
    """),
    case("the carrier's event does not close it", history(
        parcels=[parcel("P1", SHIPPED, "10 Nov 14:00")], issues=[issue("P1", "10 Nov 13:00")],
    ), f"""
        survey       held: {MISSED}
        cross_sell   held: {MISSED}
    """),
    case("the customer's later yes closes it as arrived", history(
        parcels=ASKED, issues=[issue("P1", "10 Nov 13:00", arrived="12 Nov 20:00")],
        answers=[yes("P1", "12 Nov 20:00")],
    ), """
        survey       planned 16 Nov 20:00
        cross_sell   planned 13 Nov 20:00
    """),
    case("closed as arrived counts as delivery then, whatever the carrier said before", history(
        parcels=[parcel("P1", SHIPPED, "8 Nov 14:00")], issues=[issue("P1", "10 Nov 13:00", arrived="12 Nov 20:00")],
    ), """
        survey       planned 16 Nov 20:00
        cross_sell   planned 13 Nov 20:00
    """),
    case("missed twice, arrived twice: the later time counts", history(
        parcels=ASKED, issues=[issue("P1", "14 Nov 13:00", arrived="15 Nov 20:00"),
                               issue("P1", "10 Nov 13:00", arrived="12 Nov 20:00")],
    ), """
        survey       planned 19 Nov 20:00
    """),
    case("closed as lost", history(parcels=ASKED, issues=[issue("P1", "10 Nov 13:00", lost="15 Nov 13:00")]), """
        survey       withheld: the parcel was lost
        cross_sell   withheld: the parcel was lost
    """),
    case("lost, though the carrier says delivered", history(
        parcels=[parcel("P1", SHIPPED, "8 Nov 14:00")], issues=[issue("P1", "10 Nov 13:00", lost="15 Nov 13:00")],
    ), """
        survey       withheld: the parcel was lost
    """),
    case("one lost, one open: nothing can mend it any more", history(
        lines=[A, B], parcels=[parcel("P1", SHIPPED, holds={"A": 1}), parcel("P2", SHIPPED, holds={"B": 1})],
        issues=[issue("P1", "10 Nov 13:00"), issue("P2", "10 Nov 13:00", lost="15 Nov 13:00")],
    ), """
        survey       withheld: the parcel was lost
    """),
    case("missed again after it was closed", history(
        parcels=ASKED, issues=[issue("P1", "10 Nov 13:00", arrived="12 Nov 20:00"), issue("P1", "13 Nov 09:00")],
    ), f"""
        survey       held: {MISSED}
    """),
    case("an issue over a refunded parcel holds nothing up", history(
        lines=[A, line("B", 0)], parcels=[P1, parcel("P2", SHIPPED, holds={"B": 1})],
        issues=[issue("P2", "10 Nov 13:00")],
    ), """
        survey       planned 9 Nov 10:00
    """),
    case("the cross-sell left before: its follow-up pauses too", history(
        parcels=ASKED, left=[left("cross_sell", "11 Nov 12:00")], issues=[issue("P1", "12 Nov 13:00")],
    ), f"""
        cross_sell_follow_up   held: {MISSED}
    """),
])  # fmt: skip
def test_issues(told: History, expected: str) -> None:
    assert_plan(told, expected)
