from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.clock import FixedClock
from plugin.store.models.customers import SurveyAnswer
from tests.conftest import NOW
from tests.web.scenes import Scene


def stored(scene: Scene) -> tuple | None:
    rows = scene.rows(SurveyAnswer)
    assert len(rows) <= 1
    return (rows[0].satisfaction, rows[0].recommendation, rows[0].words, rows[0].completed_at) if rows else None


@pytest.mark.parametrize("score", range(1, 6))
def test_the_tap_opens_the_page_with_the_answer_chosen(tea: Scene, client, score):
    page = client.get(tea.url("s") + f"?score={score}").text
    assert f'value="{score}" required checked' in page
    assert page.count(" checked") == 1


@pytest.mark.parametrize("score", ["", "0", "6", "-1", "5.0", "٣", "11111111", "<script>", "5&score=4&x="])
def test_a_tap_that_makes_no_sense_chooses_nothing_or_the_first(tea: Scene, client, score):
    answer = client.get(tea.url("s") + f"?score={score}")
    assert answer.status_code == 200
    assert answer.text.count(" checked") == (1 if score.startswith("5&") else 0)


def test_one_button_saves_everything_once(both: Scene, clock: FixedClock):
    client = both.app.test_client()
    form = {"satisfaction": "5", "recommendation": "0", "words": " Lovely\r\ntea \x00 "}
    answer = client.post(both.url("s"), data=form)
    assert answer.status_code == 200
    assert "Thank you for your answers" in answer.text
    assert stored(both) == (5, 0, "Lovely\ntea", NOW)
    clock.move(timedelta(days=1))
    again = client.post(both.url("s"), data={"satisfaction": "1", "recommendation": "1", "words": "no"})
    assert again.status_code == 200
    assert "answered this survey already" in again.text
    assert stored(both) == (5, 0, "Lovely\ntea", NOW)
    assert 'name="satisfaction"' not in client.get(both.url("s") + "?change=1").text


def test_a_tap_alone_is_saved_and_completed_later(both: Scene, clock: FixedClock):
    client = both.app.test_client()
    first = client.post(both.url("s"), data={"satisfaction": "4", "words": ""})
    assert "that is saved" in first.text
    assert stored(both) == (4, None, None, None)
    clock.move(timedelta(hours=5))
    page = client.get(both.url("s")).text
    assert 'value="4" required checked' in page
    assert "so far is saved" in page
    last = client.post(both.url("s"), data={"satisfaction": "4", "recommendation": "9", "words": "Fast"})
    assert "Thank you for your answers" in last.text
    assert stored(both) == (4, 9, "Fast", NOW + timedelta(hours=5))


def test_until_it_is_complete_it_may_change_and_what_is_not_sent_stays(tea: Scene, client):
    client.post(tea.url("s"), data={"satisfaction": "4", "words": "Fast"})
    client.post(tea.url("s"), data={"satisfaction": "2"})
    assert stored(tea) == (2, None, "Fast", None)
    client.post(tea.url("s"), data={"satisfaction": "2", "words": ""})
    assert stored(tea) == (2, None, None, None)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "choose how satisfied"),
        ({"satisfaction": "6"}, "choose how satisfied"),
        ({"satisfaction": "0", "recommendation": "5"}, "choose how satisfied"),
        ({"satisfaction": "yes"}, "choose how satisfied"),
        ({"satisfaction": "５"}, "choose how satisfied"),
        ({"satisfaction": "5", "recommendation": "11"}, "a number from 0 to 10"),
        ({"satisfaction": "5", "recommendation": "-1"}, "a number from 0 to 10"),
        ({"satisfaction": "5", "recommendation": "7", "words": "x" * 20_001}, "longer than 20,000"),
    ],
)
def test_garbage_is_said_in_plain_words_and_nothing_is_saved(tea: Scene, client, form, says):
    answer = client.post(tea.url("s"), data=form)
    assert answer.status_code == 422
    assert says in answer.text
    assert 'role="alert"' in answer.text
    assert stored(tea) is None


def test_too_long_a_text_loses_none_of_the_other_answers(tea: Scene, client):
    form = {"satisfaction": "5", "recommendation": "7", "words": "x" * 20_001}
    page = client.post(tea.url("s"), data=form).text
    assert 'name="satisfaction" value="5" required checked' in page
    assert 'name="recommendation" value="7" checked' in page
    assert "x" * 20_001 in page


def test_4000_characters_are_kept_and_it_is_said(tea: Scene, client):
    page = client.post(tea.url("s"), data={"satisfaction": "5", "recommendation": "7", "words": "가" * 5_000}).text
    assert "We kept the first 4,000" in page
    assert stored(tea)[2] == "가" * 4_000


def test_a_long_korean_text_is_not_refused_for_its_encoding(korean: Scene):
    form = {"satisfaction": "5", "recommendation": "7", "words": "가" * 20_000}
    answer = korean.app.test_client().post(korean.url("s"), data=form, content_type="multipart/form-data")
    assert answer.status_code == 200


def test_a_body_over_64_kb_is_refused_in_the_customers_language(korean: Scene):
    answer = korean.app.test_client().post(korean.url("s"), data={"satisfaction": "5", "words": "x" * 70_000})
    assert answer.status_code == 413
    assert "글이 너무 깁니다" in answer.text
    assert "Haneul Tea" in answer.text
    assert stored(korean) is None


def test_words_come_back_as_text(tea: Scene, client):
    words = "</textarea><script>alert(1)</script>"
    page = client.post(tea.url("s"), data={"satisfaction": "4", "words": words}).text
    assert "<script" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;" in page


def test_who_is_disappointed_is_told_where_to_turn(tea: Scene, client):
    page = client.post(tea.url("s"), data={"satisfaction": "1", "recommendation": "2"}).text
    assert "We are sorry" in page
    assert "help@haneul.example" in page
