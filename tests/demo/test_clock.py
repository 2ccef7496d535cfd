"""The demo clock's step: a table of what stands ahead and where the clock comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugin.services.demo_clock import LONGEST_STEP, PATIENCE, Blocker, Patience, step

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR_A_SECOND = 3600.0


def at(clock: str) -> datetime:
    return NINE.replace(hour=int(clock[:2]), minute=int(clock[3:]))


def blocker(key: str, moment: datetime) -> Blocker:
    return Blocker(key, moment, f"{key} to leave")


@pytest.mark.parametrize(
    ("speed", "elapsed", "ahead", "arrives", "held_by"),
    [
        (HOUR_A_SECOND, 0.5, [], "09:30", None),
        (HOUR_A_SECOND, 0.5, ["09:45"], "09:30", None),
        (HOUR_A_SECOND, 0.5, ["09:10"], "09:10", None),  # as far as the message, then it holds
        (HOUR_A_SECOND, 0.5, ["09:00"], "09:00", "m0 to leave"),
        (HOUR_A_SECOND, 0.5, ["08:00", "09:10"], "09:00", "m0 to leave"),  # overdue: not a minute further
        (HOUR_A_SECOND, 0.5, ["09:20", "09:10"], "09:10", None),
        (0.0, 0.5, [], "09:00", "paused"),
        (0.0, 0.5, ["09:00"], "09:00", "paused"),
        (HOUR_A_SECOND, 3600.0, [], "10:00", None),  # the machine slept: no leap
    ],
)
def test_step(speed: float, elapsed: float, ahead: list[str], arrives: str, held_by: str | None) -> None:
    blockers = [blocker(f"m{index}", at(moment)) for index, moment in enumerate(ahead)]
    tick = step(NINE, speed, elapsed, blockers, {})
    assert (tick.now, tick.held_by) == (at(arrives), held_by)


def test_real_time_runs_at_real_time() -> None:
    assert step(NINE, 1.0, 0.2, [], {}).now == NINE + timedelta(seconds=0.2)
    assert LONGEST_STEP >= 0.2


def test_what_cannot_leave_holds_the_clock_for_its_patience_and_no_longer() -> None:
    stuck, later = blocker("stuck", NINE), blocker("later", at("09:10"))
    patience, now, waited = Patience(), NINE, 0.0
    while now == NINE and waited < 60:
        tick = step(now, HOUR_A_SECOND, 0.05, [stuck, later], patience.waited)
        patience.spend(tick.holding, 0.05, ["stuck", "later"])
        now, waited = tick.now, waited + 0.05
    assert PATIENCE <= waited < PATIENCE + 0.2
    assert step(at("09:10"), HOUR_A_SECOND, 0.05, [stuck, later], patience.waited).held_by == "later to leave"


def test_only_what_holds_the_clock_spends_patience_and_what_left_is_forgotten() -> None:
    now, soon = blocker("now", NINE), blocker("soon", at("09:30"))
    tick = step(NINE, HOUR_A_SECOND, 0.05, [now, soon], {})
    assert tick.holding == ("now",)
    patience = Patience({"now": 4.0, "gone": 4.0})
    patience.spend(tick.holding, 0.5, ["now", "soon"])
    assert patience.waited == {"now": 4.5}
