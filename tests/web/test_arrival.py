from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.clock import FixedClock
from plugin.queues import SEND
from plugin.store.models.customers import ArrivalAnswer, Issue
from plugin.store.models.messages import Message
from tests.support.fakes import RecordingQueues
from tests.web.scenes import Scene


def answers(scene: Scene) -> list[str]:
    return [row.answer for row in scene.rows(ArrivalAnswer)]


def issues(scene: Scene) -> list[tuple]:
    return [(row.parcel_id, row.closed_at is None, row.outcome, row.words) for row in scene.rows(Issue)]


def say(scene: Scene, answer: str, words: str = "") -> str:
    got = scene.app.test_client().post(scene.url("d"), data={"answer": answer, "words": words})
    assert got.status_code == 200
    return got.text


@pytest.mark.parametrize("answer", ["yes", "not_yet"])
def test_the_tap_opens_the_page_with_the_answer_chosen(tea: Scene, client, answer):
    page = client.get(tea.url("d") + f"?answer={answer}").text
    assert f'value="{answer}" required checked' in page
    assert page.count(" checked") == 1
    assert " checked" not in client.get(tea.url("d") + "?answer=maybe").text


@pytest.mark.parametrize(
    ("said", "answers_then", "issues_then"),
    [
        (["yes"], ["yes"], []),
        (["yes", "yes"], ["yes"], []),
        (["not_yet"], ["not_yet"], [("9001", True, None, None)]),
        (["not_yet", "not_yet"], ["not_yet"], [("9001", True, None, None)]),
        (["not_yet", "yes"], ["not_yet", "yes"], [("9001", False, "arrived", None)]),
        (["not_yet", "yes", "yes"], ["not_yet", "yes"], [("9001", False, "arrived", None)]),
        (["yes", "not_yet"], ["yes", "not_yet"], [("9001", True, None, None)]),
        (["not_yet", "yes", "not_yet"], ["not_yet", "yes", "not_yet"],
         [("9001", False, "arrived", None), ("9001", True, None, None)]),
    ],
)  # fmt: skip
def test_what_is_said_is_kept(both: Scene, said, answers_then, issues_then):
    for answer in said:
        say(both, answer)
    assert answers(both) == answers_then
    assert issues(both) == issues_then


@pytest.mark.parametrize(
    ("outcome", "answers_then", "count"),
    [("arrived", ["not_yet", "not_yet"], 2), ("lost", ["not_yet"], 1)],
)
def test_a_customer_who_contradicts_the_merchant_is_heard(tea: Scene, clock: FixedClock, outcome, answers_then, count):
    say(tea, "not_yet")
    with tea.ctx.database.transaction() as session:
        issue = session.get_one(Issue, tea.rows(Issue)[0].id)
        issue.closed_at, issue.outcome = clock.now(), outcome
    clock.move(timedelta(days=1))
    say(tea, "not_yet")
    assert answers(tea) == answers_then
    assert len(issues(tea)) == count


def test_words_go_with_the_issue_and_may_come_later(tea: Scene):
    say(tea, "not_yet", "")
    say(tea, "not_yet", "  I asked\r\nthe neighbours  ")
    assert issues(tea) == [("9001", True, None, "I asked\nthe neighbours")]
    say(tea, "not_yet", "")
    assert issues(tea)[0][3] == "I asked\nthe neighbours"


def test_not_yet_pauses_the_survey_and_yes_frees_it(both: Scene, queues: RecordingQueues):
    page = say(both, "not_yet")
    assert {m.state for m in both.rows(Message, step="survey")} == {"held"}
    assert "will look into it" in page
    assert "https://track.example/00340" in page
    assert "help@haneul.example" in page
    page = say(both, "yes")
    assert {m.state for m in both.rows(Message, step="survey")} == {"planned"}
    assert "Good to hear" in page
    assert queues.nudges.count(SEND) == 2


def test_an_order_without_parcels_is_answered_as_a_whole(tea: Scene, client):
    url = tea.url("d", parcel="")
    client.post(url, data={"answer": "not_yet"})
    assert [(row.parcel_id, row.answer) for row in tea.rows(ArrivalAnswer)] == [("1001", "not_yet")]
    assert issues(tea) == [(None, True, None, None)]
    client.post(url, data={"answer": "yes"})
    assert issues(tea) == [(None, False, "arrived", None)]


LONG = "x" * 20_001


@pytest.mark.parametrize("form", [{}, {"answer": "maybe"}, {"answer": ""}, {"answer": "not_yet", "words": LONG}])
def test_garbage_is_said_in_plain_words(tea: Scene, client, form):
    answer = client.post(tea.url("d"), data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert answers(tea) == []
    assert issues(tea) == []


def test_what_was_said_before_is_shown(korean: Scene):
    client = korean.app.test_client()
    client.post(korean.url("d"), data={"answer": "not_yet"})
    assert "아직 받지 못하셨다고" in client.get(korean.url("d")).text
