"""Surveys of the merchant's own: asked, tapped, answered as given, changed for a day, measured, over after a while."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from plugin.clock import FixedClock
from plugin.services.answers import kept_words
from plugin.services.survey_view import Survey, survey_duration
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from plugin.tokens import SITTING
from plugin.web import survey_form
from schemas.settings import load_settings
from schemas.survey import DEFAULT_QUESTIONS, Question
from tests.conftest import NOW
from tests.web.scenes import Scene

WHY = {
    "id": "why", "kind": "choice", "wording": {"en": "What brought you to us?", "ko": "어떻게 알게 되셨나요?"},
    "other": True, "options": [{"id": "friend", "wording": {"en": "A friend", "ko": "지인"}},
                {"id": "search", "wording": {"en": "A search", "ko": "검색"}}],
}  # fmt: skip
MANY = {
    "id": "liked", "kind": "choice", "wording": {"en": "What did you like?"}, "several": True,
    "options": [{"id": one, "wording": {"en": one.title()}} for one in ("taste", "price", "parcel")],
}  # fmt: skip
SATISFACTION = {"id": "satisfaction", "kind": "satisfaction"}
WORDS = {"id": "words", "kind": "text", "wording": {"en": "Your words, please"}}


def ask(scene: Scene, *questions: dict[str, Any]) -> None:
    with scene.ctx.database.transaction() as session:
        shop = session.get_one(Shop, scene.shop_id)
        shop.settings = {**shop.settings, "questions": list(questions)}


def answer(scene: Scene) -> SurveyAnswer:
    [row] = scene.rows(SurveyAnswer)
    return row


def sitting(page: str) -> str:
    found = re.search(r'name="sitting" value="([^"]+)"', page)
    assert found
    return found.group(1)


def test_a_set_of_ones_own_is_asked_in_its_order(tea: Scene, client):
    ask(tea, WHY, SATISFACTION, MANY, WORDS)
    page = client.get(tea.url("s")).text
    places = [page.index(words) for words in ("What brought you", "How satisfied", "What did you like", "Your words")]
    assert places == sorted(places)
    assert "to a friend?" not in page  # the recommendation is not part of it
    assert page.count("<button") == 1


def test_it_is_asked_in_the_customers_language_where_the_merchant_wrote_it(korean: Scene):
    ask(korean, WHY, MANY)
    page = korean.app.test_client().get(korean.url("s")).text
    assert "어떻게 알게 되셨나요?" in page
    assert "지인" in page
    assert "What did you like?" in page


def test_the_tap_chooses_the_first_questions_answer(tea: Scene, client):
    ask(tea, WHY, SATISFACTION)
    assert 'value="search" checked' in client.get(tea.url("s") + "?score=search").text
    for odd in ("", "nothing", "5", "<script>"):
        assert " checked" not in client.get(tea.url("s") + f"?score={odd}").text
    ask(tea, {"id": "recommendation", "kind": "recommendation"})
    assert 'value="10" required checked' in client.get(tea.url("s") + "?score=10").text


def test_answers_are_kept_with_what_was_asked(both: Scene):
    client = both.app.test_client()
    ask(both, WHY, SATISFACTION, MANY, WORDS)
    form = MultiDict([("why", "friend"), ("why-other", "and a dream"), ("satisfaction", "4"), ("liked", "taste"),
                      ("liked", "parcel"), ("liked", "made-up"), ("words", "Good")])  # fmt: skip
    assert "Thank you for your answers" in client.post(both.url("s"), data=form).text
    row = answer(both)
    assert (row.satisfaction, row.recommendation, row.words, row.completed_at) == (4, None, "Good", NOW)
    assert row.given["why"] == {"kind": "choice", "asked": "What brought you to us?", "place": 0,
                                "other": "and a dream", "chosen": [{"id": "friend", "said": "A friend"}]}  # fmt: skip
    assert [one["id"] for one in row.given["liked"]["chosen"]] == ["taste", "parcel"]
    ask(both, SATISFACTION | {"wording": {"en": "Happy?"}})  # what is asked later changes nothing of it
    page = client.get(both.url("s")).text
    for said in ("What brought you to us?", "A friend", "and a dream", "Your words, please", "Good", "How satisfied"):
        assert said in page
    assert "Happy?" not in page


def test_what_must_be_answered(tea: Scene, client):
    ask(tea, WHY, SATISFACTION, WORDS | {"required": True})
    page = client.post(tea.url("s"), data={"satisfaction": "4", "why-shown": "yes", "words": "  "})
    assert page.status_code == 422
    assert page.text.count("Please answer this question.") == 4  # both, in the summary and in their place
    assert tea.rows(SurveyAnswer) == []
    full = {"satisfaction": "4", "why-other": "By chance", "why-shown": "yes", "words": "!"}
    done = client.post(tea.url("s"), data=full)
    assert done.status_code == 200
    assert answer(tea).given["why"]["other"] == "By chance"


def test_for_a_day_the_answers_may_be_changed_and_the_issue_follows(both: Scene, clock: FixedClock):
    client = both.app.test_client()
    client.post(both.url("s"), data={"satisfaction": "5", "recommendation": "9", "words": "Fine"})
    assert answer(both).edited_at is None
    clock.move(timedelta(hours=23, minutes=59))
    assert "?change=1" in client.get(both.url("s")).text
    page = client.get(both.url("s") + "?change=1").text
    assert 'value="5" required checked' in page
    assert ">\nFine</textarea>" in page
    changed = {"satisfaction": "1", "recommendation": "2", "words": "It broke"}
    client.post(both.url("s"), data=changed)
    row = answer(both)
    assert (row.satisfaction, row.recommendation, row.words) == (1, 2, "It broke")
    assert (row.completed_at, row.edited_at) == (NOW, clock.now())
    [issue] = both.rows(Issue)
    assert (issue.kind, issue.words, issue.closed_at) == ("low_rating", "It broke", None)
    client.post(both.url("s"), data={"satisfaction": "4"})
    assert both.rows(Issue)[0].outcome == "withdrawn"
    assert answer(both).words == "It broke"  # what was not sent stays
    clock.move(timedelta(minutes=1))
    late = client.post(both.url("s"), data=changed)
    assert "can no longer be changed" in late.text
    assert "?change=1" not in late.text
    assert answer(both).satisfaction == 4


def test_the_same_answers_again_are_no_change(tea: Scene, client, clock: FixedClock):
    form = {"satisfaction": "5", "recommendation": "9", "words": "Fine"}
    client.post(tea.url("s"), data=form)
    clock.move(timedelta(minutes=1))
    client.post(tea.url("s"), data=form)
    assert answer(tea).edited_at is None


def test_the_time_is_measured_from_the_page_to_the_button(tea: Scene, client, monkeypatch: pytest.MonkeyPatch):
    now = time.time()
    monkeypatch.setattr("plugin.web.survey.time.time", lambda: now)
    form = {"satisfaction": "4", "sitting": sitting(client.get(tea.url("s")).text)}
    now += 20
    wrong = client.post(tea.url("s"), data=form | {"recommendation": "11"})
    now += 5
    first = client.post(tea.url("s"), data=form | {"sitting": sitting(wrong.text)})  # a mistake begins no new sitting
    assert answer(tea).seconds == 25
    now += 3_000
    last = {"satisfaction": "4", "recommendation": "9", "sitting": sitting(client.get(tea.url("s")).text)}
    assert sitting(first.text) != last["sitting"]
    now += 10
    client.post(tea.url("s"), data=last)
    assert answer(tea).seconds == 35  # what lies between two sittings is none of it
    now += 100
    client.post(tea.url("s"), data=last | {"satisfaction": "3"})
    assert answer(tea).seconds == 35


@pytest.mark.parametrize("odd", ["", "x", "altered", "other", "old"])
def test_a_start_that_nobody_can_vouch_for_measures_nothing(tea: Scene, client, odd):
    signed = sitting(client.get(tea.url("s")).text)
    make, digest = tea.ctx.tokens.make, survey_form.digest(DEFAULT_QUESTIONS)
    given = {"altered": signed[:-1] + ("A" if signed[-1] != "A" else "B"),
             "other": make(SITTING, tea.message_id + 1, round(time.time()), digest),
             "old": make(SITTING, tea.message_id, round(time.time()) - 3_700, digest)}.get(odd, odd)  # fmt: skip
    done = client.post(tea.url("s"), data={"satisfaction": "4", "recommendation": "9", "sitting": given})
    assert done.status_code == 200
    assert answer(tea).seconds is None


def test_the_median_stands_beside_what_is_stated(tea: Scene):
    now = NOW
    with tea.ctx.database.transaction() as session:
        for place, seconds in enumerate([30, 100, 110, 115, 119, 121, 125, 130, 140, 900, None]):
            order = _copy_of_the_order(session, tea, f"20{place}")
            session.add(SurveyAnswer(shop_id=tea.shop_id, order_id=order, satisfaction=4, started_at=now,
                                     completed_at=now, seconds=seconds))  # fmt: skip
        session.flush()
        told = survey_duration(session, tea.shop_id, 1, now)
        assert (told.seconds, told.answers, told.better) == (120, 10, 2)
        assert survey_duration(session, tea.shop_id, 2, now).better is None
        assert survey_duration(session, tea.shop_id, 1, now + timedelta(days=91)).seconds is None


def _copy_of_the_order(session: Any, tea: Scene, number: str) -> int:
    from tests.web.scenes import add_order

    return add_order(session, tea.ctx, session.get_one(Shop, tea.shop_id), None, number).order_id


def test_questions_that_change_under_the_customers_hands_are_shown_anew(tea: Scene, client):
    ask(tea, SATISFACTION, WORDS)
    form = {"satisfaction": "4", "words": "Good", "sitting": sitting(client.get(tea.url("s")).text)}
    ask(tea, SATISFACTION, WORDS | {"wording": {"en": "What was bad?"}})
    page = client.post(tea.url("s"), data=form)
    assert page.status_code == 422
    assert "The questions have changed" in page.text
    assert ">\nGood</textarea>" in page.text
    assert tea.rows(SurveyAnswer) == []
    assert client.post(tea.url("s"), data=form | {"sitting": sitting(page.text)}).status_code == 200
    assert answer(tea).given["words"]["asked"] == "What was bad?"


def test_sixty_days_after_the_mail_the_survey_is_over(tea: Scene, client, clock: FixedClock):
    with tea.ctx.database.transaction() as session:
        session.get_one(Message, tea.message_id).sent_at = clock.now()
    clock.move(timedelta(days=60) - timedelta(seconds=1))
    assert client.get(tea.url("s")).status_code == 200
    clock.move(timedelta(seconds=1))
    for page in (client.get(tea.url("s") + "?score=5"), client.post(tea.url("s"), data={"satisfaction": "5"})):
        assert page.status_code == 410
        assert "This survey has ended" in page.text
        assert "help@haneul.example" in page.text
    assert tea.rows(SurveyAnswer) == []
    assert client.get(tea.url("u")).status_code == 200  # the way out never ends


def test_who_answered_in_time_can_read_it_ever_after(tea: Scene, client, clock: FixedClock):
    with tea.ctx.database.transaction() as session:
        session.get_one(Message, tea.message_id).sent_at = clock.now()
    client.post(tea.url("s"), data={"satisfaction": "5", "recommendation": "9", "words": "Fine"})
    clock.move(timedelta(days=400))
    assert "Fine" in client.get(tea.url("s")).text


def test_an_altered_token_opens_nothing(tea: Scene, client):
    url = tea.url("s")
    for altered in (url[:-1] + ("A" if url[-1] != "A" else "B"), url + "x", url.replace("/s/", "/u/"), "/s/x.y"):
        assert client.get(altered).status_code == 404
        assert client.post(altered, data={"satisfaction": "5"}).status_code == 404
    assert tea.rows(SurveyAnswer) == []


def test_a_megabyte_of_words_is_refused_kindly(tea: Scene, client):
    answered = client.post(tea.url("s"), data={"satisfaction": "5", "words": "x" * 1_000_000})
    assert answered.status_code == 413
    assert "too long" in answered.text
    assert tea.rows(SurveyAnswer) == []


def test_scripts_and_links_stay_words(tea: Scene, client):
    ask(tea, WHY, WORDS)
    evil = '<script>alert(1)</script> <a href="https://x.example">x</a> https://spam.example javascript:alert(1)'
    done = client.post(tea.url("s"), data={"why": "friend", "why-other": evil, "words": evil, "sitting": ""})
    for page in (done, client.get(tea.url("s")), client.get(tea.url("s") + "?change=1")):
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert 'href="https://x.example' not in page.text
        assert 'href="https://spam.example' not in page.text
    assert answer(tea).words == evil


def test_an_answer_of_an_earlier_version_is_shown_and_can_be_completed(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        session.add(SurveyAnswer(shop_id=tea.shop_id, order_id=tea.order_id, satisfaction=3, words="Hm",
                                 started_at=NOW))  # fmt: skip
    page = client.get(tea.url("s")).text
    assert 'value="3" required checked' in page
    assert ">\nHm</textarea>" in page
    done = client.post(tea.url("s"), data={"satisfaction": "3", "recommendation": "5"})
    assert "Hm" in done.text
    assert answer(tea).completed_at == NOW


SET = load_settings({"questions": [SATISFACTION, {"id": "recommendation", "kind": "recommendation"}, WHY, MANY,
                                   WORDS, {"id": "q1", "kind": "text"}]}).survey()  # fmt: skip
TEXTS = st.text(max_size=200)


@st.composite
def forms(draw: st.DrawFn) -> MultiDict[str, str]:
    form: MultiDict[str, str] = MultiDict()
    form["satisfaction"] = str(draw(st.integers(1, 5)))
    if draw(st.booleans()):
        form["recommendation"] = str(draw(st.integers(0, 10)))
    if draw(st.booleans()):
        form["why"] = draw(st.sampled_from(["friend", "search"]))
    form["why-other"], form["why-shown"], form["liked-shown"] = draw(TEXTS), "yes", "yes"
    for one in draw(st.lists(st.sampled_from(["taste", "price", "parcel"]), unique=True)):
        form.add("liked", one)
    form["words"], form["q1"] = draw(TEXTS), draw(TEXTS)
    return form


@given(forms(), st.sampled_from(["en", "ko"]))
def test_what_is_answered_is_what_is_shown_again(form: MultiDict[str, str], language: str):
    filled = survey_form.read(SET, form, None, language, "Haneul Tea")
    assert filled.wrong == []
    stored = Survey(given=json.loads(json.dumps({id_: one for id_, one in filled.given.items() if one is not None})))
    page = survey_form.shown(SET, survey_form.said_of(stored), language, "Haneul Tea")
    again = {one.question.id: one for one in page}
    assert str(again["satisfaction"].value) == form["satisfaction"]
    assert again["recommendation"].value == (int(form["recommendation"]) if "recommendation" in form else None)
    for id_ in ("why", "liked"):
        assert [option for option, _, chosen in again[id_].options if chosen] == [
            option.id for option in _question(id_).options if option.id in form.getlist(id_)
        ]
    assert again["why"].words == (kept_words(form["why-other"]) or "")
    assert (again["words"].words, again["q1"].words) == tuple(kept_words(form[id_]) or "" for id_ in ("words", "q1"))
    resent = MultiDict([(id_, value) for id_, value in form.items(multi=True)])
    resent["words"], resent["q1"] = again["words"].words, again["q1"].words
    assert survey_form.read(SET, resent, stored, language, "Haneul Tea").given == filled.given


def _question(id_: str) -> Question:
    return next(one for one in SET if one.id == id_)
