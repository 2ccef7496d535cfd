"""Low ratings in the plan, acts on copies, and which acts are offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.domain.acts_offered import acts_offered
from plugin.domain.flows import State
from plugin.domain.history import Act, History, LowRating
from plugin.domain.reconcile import Stored
from plugin.domain.timeline import plan
from tests.domain.support import (
    SETTINGS,
    act,
    assert_plan,
    at,
    bought,
    history,
    issue,
    left,
    maybe,
    parcel,
    switched_off,
    words,
)

SHIPPED = "3 Nov 12:00"
HERE = [parcel("P1", SHIPPED, "6 Nov 10:00")]


def low(opened: str, closed: str | None = None) -> LowRating:
    return LowRating(at(opened), maybe(closed))


def rated(told: History, *ratings: LowRating) -> History:
    return replace(told, low_ratings=ratings)


@pytest.mark.parametrize(("told", "expected"), [
    pytest.param(rated(history(parcels=HERE), low("7 Nov 10:00")), """
        survey                 planned 10 Nov 10:00
        cross_sell             held: the customer was not satisfied, and nobody has settled it yet
        cross_sell_follow_up   held: the customer was not satisfied, and nobody has settled it yet
    """, id="open: nothing is sold, but the survey goes"),
    pytest.param(rated(history(parcels=HERE), low("7 Nov 10:00", "20 Nov 09:00")), """
        cross_sell             planned 21 Nov 09:00
    """, id="settled: a day later, however long it took"),
    pytest.param(rated(history(parcels=HERE), low("7 Nov 10:00", "7 Nov 11:00")), """
        cross_sell             planned 9 Nov 09:00
    """, id="settled long before it was due"),
    pytest.param(rated(history(parcels=HERE), low("1 Nov 10:00", "2 Nov 11:00"), low("8 Nov 10:00")), """
        cross_sell             held: the customer was not satisfied, and nobody has settled it yet
    """, id="one settled, another one open"),
    pytest.param(rated(history(parcels=HERE, left=[left("cross_sell", "9 Nov 09:00")]), low("10 Nov 10:00")), """
        cross_sell             left
        cross_sell_follow_up   held: the customer was not satisfied, and nobody has settled it yet
    """, id="the follow-up too"),
    pytest.param(rated(history(parcels=HERE, left=[left("cross_sell", "9 Nov 09:00")]),
                       low("10 Nov 10:00", "13 Nov 10:00")), """
        cross_sell             left
        cross_sell_follow_up   planned 14 Nov 10:00
    """, id="and resumes"),
    pytest.param(rated(history(parcels=[parcel("P1", SHIPPED)], issues=[issue("P1", "8 Nov 10:00")]),
                       low("8 Nov 10:00")), """
        cross_sell             held: the customer says that it has not arrived
    """, id="what has not arrived comes first"),
    pytest.param(rated(history(parcels=HERE, newer=[bought("#1002", "8 Nov 09:00")]), low("7 Nov 10:00")), """
        cross_sell             cancelled: the customer bought again: #1002
    """, id="who bought again needs none"),
    pytest.param(rated(history(parcels=HERE, acts=[act("send_now", "cross_sell", "8 Nov 10:00")]), low("7 Nov 10:00")),
                 """
        cross_sell             planned 8 Nov 10:00
    """, id="the shop may send it all the same"),
    pytest.param(rated(history(parcels=HERE, ended="the order was cancelled"), low("7 Nov 10:00")), """
        cross_sell             cancelled: the order was cancelled
    """, id="nothing is held of what ended"),
])  # fmt: skip
def test_a_low_rating_pauses_selling(told: History, expected: str) -> None:
    assert_plan(told, expected)


@pytest.mark.parametrize(("acts", "expected"), [
    ([act("send_again", "thank_you", "4 Nov 10:00"), Act("cancel", "thank_you", "order", at("4 Nov 10:01"), 1)], """
        thank_you           planned 2 Nov 09:00
        thank_you copy 1    cancelled: cancelled by the shop
    """),
    ([act("send_again", "thank_you", "4 Nov 10:00"), act("cancel", "thank_you", "4 Nov 10:01")], """
        thank_you           cancelled: cancelled by the shop
        thank_you copy 1    planned 4 Nov 10:00
    """),
    ([act("send_again", "thank_you", "4 Nov 10:00"), act("send_again", "thank_you", "5 Nov 10:00"),
      Act("cancel", "thank_you", "order", at("4 Nov 10:01"), 1),
      Act("send_now", "thank_you", "order", at("4 Nov 10:02"), 1)], """
        thank_you           planned 2 Nov 09:00
        thank_you copy 1    planned 4 Nov 10:02
        thank_you copy 2    planned 5 Nov 10:00
    """),
])  # fmt: skip
def test_acts_on_copies(acts: list[Act], expected: str) -> None:
    assert_plan(history(acts=acts), expected)


def test_cancelling_a_copy_joins_no_parcels_otherwise() -> None:
    """A copy's act is no choice about which parcels share the message itself."""
    two = [parcel("P1", SHIPPED), parcel("P2", "3 Nov 12:01")]
    acts = [act("send_again", "shipped", "5 Nov 10:00", "P2"), Act("cancel", "shipped", "P2", at("5 Nov 10:01"), 1)]
    assert_plan(history(parcels=two, acts=acts), """
        shipped P1+P2       planned 3 Nov 12:10
        shipped P2          cancelled: told with P1
        shipped P2 copy 1   cancelled: cancelled by the shop
    """)


def stored(told: History, **changes: dict[str, object]) -> list[Stored]:
    """The calendar as this plan left it; `changes`: step -> what differs."""
    rows = []
    for number, m in enumerate(plan(SETTINGS, told), start=1):
        row = Stored(id=number, step=m.step, subject=m.subject, copy=m.copy, state=m.state, reason=m.reason,
                     due_at=m.due_at, parcels=m.parcels, estimated=m.estimated)  # fmt: skip
        rows.append(replace(row, **changes.get(m.step, {})))  # type: ignore[arg-type]
    return rows


def offered(told: History, now: str, **changes: dict[str, object]) -> dict[str, set[str]]:
    rows = stored(told, **changes)
    found = acts_offered(SETTINGS, told, rows, at(now))
    return {row.step: found[row.id] for row in rows if not row.copy}


SENT = {"state": State.SENT}


def test_offers_while_all_goes_well() -> None:
    found = offered(history(parcels=HERE), "7 Nov 12:00", thank_you=SENT, shipped=SENT, delivered=SENT)
    assert found == {
        "thank_you": {"send_again"}, "shipped": {"send_again"}, "delivered": {"send_again"},
        "survey": {"cancel", "send_now"}, "cross_sell": {"cancel", "send_now"},
        "cross_sell_follow_up": {"cancel", "send_now"},
    }  # fmt: skip


def test_nothing_is_offered_that_would_not_go() -> None:
    no_consent = offered(history(parcels=HERE, consent=words()), "7 Nov 12:00", cross_sell=SENT)
    assert no_consent["cross_sell"] == no_consent["cross_sell_follow_up"] == set()
    ended = offered(history(parcels=HERE, ended="the order was cancelled"), "7 Nov 12:00", survey=SENT)
    assert ended["survey"] == ended["cross_sell"] == set()
    not_live = offered(history(parcels=HERE, live=False), "7 Nov 12:00")
    assert not_live["survey"] == {"cancel"}
    off = switched_off("survey")
    rows = stored(history(parcels=HERE), survey={"state": State.WITHHELD})
    found = acts_offered(off, history(parcels=HERE), rows, at("7 Nov 12:00"))
    assert next(found[row.id] for row in rows if row.step == "survey") == set()


def test_what_is_about_to_leave_can_be_stopped_and_needs_no_push() -> None:
    told = history(parcels=HERE)
    due = {"state": State.PLANNED, "due_at": at("10 Nov 10:00")}
    assert offered(told, "10 Nov 10:01", survey=due)["survey"] == {"cancel"}
    assert offered(told, "10 Nov 10:01", survey={**due, "deferred": True})["survey"] == {"cancel", "send_now"}
    assert offered(told, "10 Nov 10:01", survey={"state": State.QUEUED})["survey"] == {"cancel"}
    assert offered(told, "10 Nov 10:01", survey={"state": State.SENDING})["survey"] == set()


def test_what_came_too_late_or_failed_may_go_after_all() -> None:
    told = history(parcels=HERE)
    late = {"state": State.WITHHELD, "reason": "too late"}
    assert offered(told, "9 Dec 10:00", survey=late)["survey"] == {"send_now"}
    assert offered(told, "9 Dec 10:00", survey={"state": State.FAILED})["survey"] == {"send_again"}
