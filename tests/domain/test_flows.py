"""The flow's table, the states of a message, and what follows when one did not simply leave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.flows import (
    LEFT,
    POST_PURCHASE,
    STEPS,
    TRANSITIONS,
    IllegalTransition,
    MessageClass,
    State,
    check_transition,
)
from plugin.domain.outcomes import after_unknown_outcome, backoff
from schemas import settings

S = State


def test_the_six_steps_of_the_flow_and_their_classes() -> None:
    flow = {name: step for name, step in STEPS.items() if step.flow == POST_PURCHASE}
    assert {name: str(step.message_class) for name, step in flow.items()} == {
        "thank_you": "transactional", "shipped": "transactional", "delivered": "transactional",
        "survey": "service", "cross_sell": "marketing", "cross_sell_follow_up": "marketing",
    }  # fmt: skip
    assert tuple(flow) == settings.STEPS == tuple(settings.DEFAULT_DELAYS)


def test_what_was_mended_is_told_as_service_in_a_flow_of_its_own() -> None:
    step = STEPS["you_told_us"]
    assert (step.flow, step.message_class, step.stale_after) == ("feedback", "service", timedelta(days=14))
    assert step.priority < STEPS["cross_sell"].priority


def test_a_reward_comes_of_a_promise_and_has_no_settings() -> None:
    step = STEPS["survey_reward"]
    assert (step.flow, step.message_class, step.stale_after) == ("feedback", "service", timedelta(hours=72))
    assert "survey_reward" not in settings.STEPS


def test_survey_goes_before_cross_sell_before_follow_up() -> None:
    order = sorted(settings.STEPS, key=lambda name: STEPS[name].priority)
    assert order[-3:] == ["survey", "cross_sell", "cross_sell_follow_up"]


@pytest.mark.parametrize(("old", "new"), [
    (S.WAITING, S.PLANNED), (S.PLANNED, S.QUEUED), (S.QUEUED, S.SENDING), (S.SENDING, S.SENT), (S.SENDING, S.FAILED),
    (S.SENDING, S.PLANNED),  # tried again
    (S.QUEUED, S.PLANNED), (S.QUEUED, S.CANCELLED), (S.QUEUED, S.WITHHELD),  # moved or stopped after it was claimed
    (S.CANCELLED, S.PLANNED),  # a cross-sell returns
    (S.WITHHELD, S.PLANNED), (S.HELD, S.PLANNED), (S.PLANNED, S.HELD),
    (S.FAILED, S.PLANNED),
])  # fmt: skip
def test_legal(old: State, new: State) -> None:
    check_transition(old, new)


@pytest.mark.parametrize(("old", "new"), [
    (S.PLANNED, S.SENDING), (S.PLANNED, S.SENT),  # nothing is sent that was not claimed
    (S.WAITING, S.QUEUED), (S.HELD, S.QUEUED), (S.CANCELLED, S.QUEUED), (S.WITHHELD, S.QUEUED),  # nor claimed
    (S.SENDING, S.CANCELLED), (S.SENDING, S.WITHHELD), (S.SENDING, S.QUEUED),  # what may be out cannot be called back
    (S.SENT, S.PLANNED), (S.SENT, S.SENDING), (S.SENT, S.CANCELLED), (S.FAILED, S.CANCELLED),
])  # fmt: skip
def test_illegal(old: State, new: State) -> None:
    with pytest.raises(IllegalTransition):
        check_transition(old, new)


def test_the_table_knows_every_state_and_only_a_claim_leads_to_sending() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {old for old, news in TRANSITIONS.items() if S.SENDING in news} <= {S.QUEUED, S.SENDING}
    assert {old for old, news in TRANSITIONS.items() if S.SENT in news} == {S.SENDING}
    assert {S.SENDING, S.SENT, S.FAILED} == LEFT


@pytest.mark.parametrize(("message_class", "state"), [
    (MessageClass.TRANSACTIONAL, S.PLANNED), (MessageClass.SERVICE, S.PLANNED), (MessageClass.MARKETING, S.FAILED),
])  # fmt: skip
def test_an_unknown_outcome(message_class: MessageClass, state: State) -> None:
    assert after_unknown_outcome(message_class) is state


def test_the_waits_grow_from_a_minute_to_six_hours() -> None:
    waits = [backoff(n) for n in range(30)]
    assert waits[1] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)
