"""`thank_you`, `shipped` and `delivered`: what is due when the order is placed, when parcels go and when they come."""

from __future__ import annotations

import pytest

from plugin.domain.flows import State
from plugin.domain.history import History
from schemas.settings import StepSettings
from tests.domain.support import assert_plan, history, left, line, not_yet, parcel, steps, yes

TWO_LINES = [line("A"), line("B")]


def case(name: str, told: History, expected: str) -> object:
    return pytest.param(told, expected, id=name)


@pytest.mark.parametrize(("told", "expected"), [
    case("nothing shipped yet", history(placed="2 Nov 09:00"), """
        thank_you              planned 2 Nov 09:00
        shipped                waiting: waits for shipping
        delivered              waiting: waits for shipping
        survey                 waiting: waits for everything to be shipped
        cross_sell             waiting: waits for everything to be shipped
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("shipped and delivered", history(parcels=[parcel("P1", "3 Nov 12:00", "6 Nov 10:00")]), """
        thank_you              planned 2 Nov 09:00
        shipped P1             planned 3 Nov 12:10
        delivered P1           planned 6 Nov 10:00
        survey                 planned 10 Nov 10:00
        cross_sell             planned 9 Nov 09:00
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("shipped, not delivered", history(parcels=[parcel("P1", "3 Nov 12:00")]), """
        thank_you              planned 2 Nov 09:00
        shipped P1             planned 3 Nov 12:10
        delivered P1           planned ~10 Nov 12:00
        survey                 planned ~14 Nov 12:00
        cross_sell             planned ~11 Nov 12:00
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
    case("over the end of a month and of summer time", history(
        placed="24 Oct 22:30", parcels=[parcel("P1", "25 Oct 00:30", "31 Oct 23:59")],
    ), """
        thank_you              planned 24 Oct 22:30
        shipped P1             planned 25 Oct 00:40
        delivered P1           planned 31 Oct 23:59
        survey                 planned 4 Nov 23:59
        cross_sell             planned 1 Nov 23:59
        cross_sell_follow_up   waiting: waits for the cross-sell
    """),
])  # fmt: skip
def test_a_simple_order(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "expected"), [
    case("two at once", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00", holds={"A": 1}), parcel("P2", "3 Nov 12:05", holds={"B": 1}),
    ]), """
        shipped P1+P2  planned 3 Nov 12:10
        shipped P2     cancelled: told with P1
        delivered P1   planned ~10 Nov 12:00
        delivered P2   planned ~10 Nov 12:05
    """),
    case("one second: the id decides, not the telling", history(lines=TWO_LINES, parcels=[
        parcel("P2", "3 Nov 12:00"), parcel("P1", "3 Nov 12:00"),
    ]), """
        shipped P1+P2  planned 3 Nov 12:10
        shipped P2     cancelled: told with P1
    """),
    case("after the message left, the next has its own", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "4 Nov 12:00"),
    ], left=[left("shipped", "3 Nov 12:10", "P1")]), """
        shipped P1     left
        shipped P2     planned 4 Nov 12:10
    """),
    case("told of late, though shipped before the message left", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "3 Nov 12:05"),
    ], left=[left("shipped", "3 Nov 12:10", "P1")]), """
        shipped P1     left
        shipped P2     planned 3 Nov 12:15
    """),
    case("what one message told stays told", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "3 Nov 12:05"),
        parcel("P3", "5 Nov 12:00"), parcel("P4", "5 Nov 12:01"),
    ], left=[left("shipped", "3 Nov 12:10", "P1", "P2")]), """
        shipped P1+P2  left
        shipped P2     cancelled: told with P1
        shipped P3+P4  planned 5 Nov 12:10
        shipped P4     cancelled: told with P3
    """),
    case("a message that is on its way out counts as left", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "3 Nov 12:05"),
    ], left=[left("shipped", "3 Nov 12:10", "P1", state=State.SENDING)]), """
        shipped P1     left
        shipped P2     planned 3 Nov 12:15
    """),
    case("an earlier parcel is told of after the later one's message left", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "3 Nov 13:00"),
    ], left=[left("shipped", "3 Nov 13:10", "P2")]), """
        shipped P1     planned 3 Nov 12:10
        shipped P2     left
    """),
    case("a message that cannot leave is joined until it is stale", history(lines=TWO_LINES, live=False, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "6 Nov 12:10"), parcel("P3", "6 Nov 12:11"),
    ]), """
        shipped P1+P2  held 3 Nov 12:10: waits for the shop to go live
        shipped P2     cancelled: told with P1
        shipped P3     held 6 Nov 12:21: waits for the shop to go live
    """),
    case("the first is called off: the next takes over", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00", called_off=True), parcel("P2", "3 Nov 12:05"), parcel("P3", "3 Nov 12:06"),
    ]), """
        shipped P1     cancelled: this shipment was called off
        shipped P2+P3  planned 3 Nov 12:15
        shipped P3     cancelled: told with P2
        delivered P1   cancelled: this shipment was called off
        delivered P2   planned ~10 Nov 12:05
        delivered P3   planned ~10 Nov 12:06
    """),
    case("the only one is called off: the order waits again", history(parcels=[
        parcel("P1", "3 Nov 12:00", called_off=True),
    ]), """
        shipped P1     cancelled: this shipment was called off
        shipped        waiting: waits for shipping
        delivered P1   cancelled: this shipment was called off
        delivered      waiting: waits for shipping
        survey         waiting: waits for everything to be shipped
    """),
])  # fmt: skip
def test_parcels_of_one_order_share_a_message(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("told", "expected"), [
    case("without a number", history(parcels=[parcel("P1", "3 Nov 12:00", number=False)]), """
        shipped P1     planned 3 Nov 14:00
    """),
    case("the number came in time", history(parcels=[parcel("P1", "3 Nov 12:00", number=True)]), """
        shipped P1     planned 3 Nov 12:10
    """),
    case("one of two has none: two hours after the earliest", history(lines=TWO_LINES, parcels=[
        parcel("P1", "3 Nov 12:00"), parcel("P2", "3 Nov 12:08", number=False),
    ]), """
        shipped P1+P2  planned 3 Nov 14:00
        shipped P2     cancelled: told with P1
    """),
    case("a number that comes after the message left sends nothing", history(
        parcels=[parcel("P1", "3 Nov 12:00", number=True)], left=[left("shipped", "3 Nov 14:00", "P1")],
    ), """
        shipped P1     left
    """),
])  # fmt: skip
def test_missing_numbers_are_awaited_for_two_hours(told: History, expected: str) -> None:
    assert_plan(told, expected)


def test_a_delay_longer_than_the_wait_is_not_shortened_by_it() -> None:
    slow = steps(shipped=StepSettings(delay_minutes=180))
    assert_plan(history(parcels=[parcel("P1", "3 Nov 12:00", number=False)]), "shipped P1 planned 3 Nov 15:00", slow)


@pytest.mark.parametrize(("told", "expected"), [
    case("by the carrier", history(parcels=[parcel("P1", "3 Nov 12:00", "6 Nov 10:00")]), """
        delivered P1   planned 6 Nov 10:00
    """),
    case("by the customer", history(parcels=[parcel("P1", "3 Nov 12:00")], answers=[yes("P1", "7 Nov 18:30")]), """
        delivered P1   planned 7 Nov 18:30
        survey         planned 11 Nov 18:30
    """),
    case("the first of several yeses", history(
        parcels=[parcel("P1", "3 Nov 12:00")], answers=[yes("P1", "8 Nov 18:30"), yes("P1", "7 Nov 18:30")],
    ), """
        delivered P1   planned 7 Nov 18:30
    """),
    case("the carrier's word goes before the customer's", history(
        parcels=[parcel("P1", "3 Nov 12:00", "6 Nov 10:00")], answers=[yes("P1", "7 Nov 18:30")],
    ), """
        delivered P1   planned 6 Nov 10:00
        survey         planned 10 Nov 10:00
    """),
    case("a yes about another parcel says nothing", history(
        parcels=[parcel("P1", "3 Nov 12:00")], answers=[yes("P2", "5 Nov 18:30")],
    ), """
        delivered P1   planned ~10 Nov 12:00
    """),
    case("a not-yet is no delivery", history(
        parcels=[parcel("P1", "3 Nov 12:00")], answers=[not_yet("P1", "10 Nov 18:30")],
    ), """
        delivered P1   planned ~10 Nov 12:00
    """),
    case("expected", history(parcels=[parcel("P1", "3 Nov 12:00", expected="8 Nov 06:30")]), """
        delivered P1   planned ~8 Nov 06:30
    """),
    case("nothing expected", history(parcels=[parcel("P1", "3 Nov 12:00", expected=None)]), """
        delivered P1   waiting: waits for delivery
        survey         waiting: waits for delivery
    """),
    case("the question goes even when the carrier has trouble", history(
        parcels=[parcel("P1", "3 Nov 12:00", words={"9 Nov 12:00": "delayed"})],
    ), """
        delivered P1   planned ~10 Nov 12:00
        survey         waiting: the carrier's newest word is delayed
    """),
])  # fmt: skip
def test_delivered_by_event_answer_or_estimate(told: History, expected: str) -> None:
    assert_plan(told, expected)
