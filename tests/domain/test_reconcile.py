"""From the calendar and a plan to what changes: rows of the calendar, the plan, and the difference, readable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.domain.flows import State
from plugin.domain.reconcile import Changes, Stored, reconcile
from plugin.domain.timeline import Planned
from tests.domain.support import at, maybe

NOW = at("10 Nov 09:00")
DUE = "12 Nov 09:00"


def row(state: State, due: str | None = None, reason: str = "", step: str = "survey", **given: object) -> Stored:
    values = {"id": 1, "subject": "order", "copy": 0, "parcels": (), "estimated": False, **given}
    return Stored(step=step, state=state, due_at=maybe(due), reason=reason, **values)  # type: ignore[arg-type]


def message(state: State, due: str | None = None, reason: str = "", step: str = "survey", **given: object) -> Planned:
    values = {"subject": "order", **given}
    return Planned(step=step, state=state, due_at=maybe(due), reason=reason, **values)  # type: ignore[arg-type]


S = State
PLANNED = message(S.PLANNED, DUE, "due after the last delivery")


def becomes(stored: list[Stored], planned: list[Planned]) -> tuple[list[str], list[str], list[str]]:
    changes = reconcile(stored, planned, NOW)
    return (
        [f"{m.step} {m.state}" for m in changes.add],
        [f"{old.state} -> {new.state}" for old, new in changes.change],
        [f"{old.step} {old.state}" for old in changes.remove],
    )


def test_what_is_not_there_is_added() -> None:
    assert becomes([], [PLANNED]) == (["survey planned"], [], [])


@pytest.mark.parametrize(("stored", "planned", "change"), [
    # nothing to do
    (row(S.PLANNED, DUE, "due after the last delivery"), PLANNED, []),
    (row(S.WAITING, reason="waits for delivery"), message(S.WAITING, reason="waits for delivery"), []),
    # the anchor moved, ended, or came to be known
    (row(S.PLANNED, "11 Nov 09:00"), PLANNED, ["planned -> planned"]),
    (row(S.WAITING, reason="waits for delivery"), PLANNED, ["waiting -> planned"]),
    (row(S.PLANNED, DUE), message(S.CANCELLED, reason="the order was cancelled"), ["planned -> cancelled"]),
    (row(S.CANCELLED, reason="the customer bought again: #2"), PLANNED, ["cancelled -> planned"]),
    (row(S.PLANNED, DUE, estimated=True), PLANNED, ["planned -> planned"]),
    # another reason is told, but not to a row that says why it is deferred
    (row(S.WAITING, reason="waits for shipping"), message(S.WAITING, reason="waits for delivery"),
     ["waiting -> waiting"]),
    (row(S.PLANNED, DUE, "due when the carrier delivers"), PLANNED, ["planned -> planned"]),
    (row(S.PLANNED, DUE, "deferred to 09:00 in Seoul", deferred=True), PLANNED, []),
    # a claimed row stays claimed unless the plan moves it
    (row(S.QUEUED, DUE), PLANNED, []),
    (row(S.QUEUED, "11 Nov 09:00"), PLANNED, ["queued -> planned"]),
    (row(S.QUEUED, DUE), message(S.CANCELLED, reason="the order was cancelled"), ["queued -> cancelled"]),
    # what left is never touched
    (row(S.SENDING, "1 Nov 09:00"), PLANNED, []),
    (row(S.SENT, "1 Nov 09:00"), message(S.CANCELLED, reason="the order was cancelled"), []),
    (row(S.FAILED, "1 Nov 09:00"), PLANNED, []),
    # parcels: the same ones in another order are the same
    (row(S.PLANNED, DUE, PLANNED.reason, parcels=("P1", "P2")), replace(PLANNED, parcels=("P2", "P1")), []),
    (row(S.PLANNED, DUE, parcels=("P1",)), replace(PLANNED, parcels=("P1", "P2")), ["planned -> planned"]),
    # stale: withheld, not sent late
    (row(S.PLANNED, "26 Oct 08:59"), message(S.PLANNED, "26 Oct 08:59"), ["planned -> withheld"]),
    (row(S.PLANNED, "27 Oct 09:00"), message(S.PLANNED, "27 Oct 09:00"), []),
    (row(S.WITHHELD, "26 Oct 08:59", "too late: it was due 26 Oct 08:59 UTC"), message(S.PLANNED, "26 Oct 08:59"), []),
    (row(S.WITHHELD, "26 Oct 08:59", "too late: it was due 26 Oct 08:59 UTC"), PLANNED, ["withheld -> planned"]),
    # what is held for the shop to go live does not age before
    (row(S.HELD, "1 Oct 09:00", "waits for the shop to go live"),
     message(S.HELD, "1 Oct 09:00", "waits for the shop to go live"), []),
    (row(S.HELD, "1 Oct 09:00", "waits for the shop to go live"), message(S.PLANNED, "1 Oct 09:00"),
     ["held -> withheld"]),
    (row(S.HELD, DUE, "waits for the shop to go live"), PLANNED, ["held -> planned"]),
])  # fmt: skip
def test_rows_that_the_plan_knows(stored: Stored, planned: Planned, change: list[str]) -> None:
    assert becomes([stored], [planned]) == ([], change, [])


def test_a_row_that_the_plan_knows_no_more_goes_unless_it_left() -> None:
    waiting = row(S.WAITING, step="shipped")
    assert becomes([waiting, replace(waiting, id=2, subject="P1", state=S.SENT)], []) == ([], [], ["shipped waiting"])


def test_a_stale_message_is_added_as_withheld() -> None:
    changes = reconcile([], [message(S.PLANNED, "6 Nov 09:00", step="thank_you")], NOW)
    assert [(m.state, m.reason) for m in changes.add] == [(S.WITHHELD, "too late: it was due 6 Nov 09:00 UTC")]


def test_copies_are_rows_of_their_own() -> None:
    stored = [row(S.SENT, DUE)]
    assert becomes(stored, [PLANNED, replace(PLANNED, copy=1)]) == (["survey planned"], [], [])


def test_no_plan_and_no_rows_is_no_change() -> None:
    assert reconcile([], [], NOW) == Changes()
