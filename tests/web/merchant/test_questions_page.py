"""The survey's questions on their page: every button works without a script, and what is saved is what is asked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.merchants import Change
from plugin.store.models.shops import Shop
from plugin.web.merchant.question_form import act, check, draft_of, read
from schemas.settings import load_settings
from schemas.survey import DEFAULT_QUESTIONS, MOST_QUESTIONS
from tests.conftest import NOW
from tests.web.scenes import Scene

PATH = "/app/steps/survey/questions"


def fields(page: str) -> dict[str, str]:
    """The page's form as a browser would send it."""
    form = page.partition(f'<form method="post" action="{PATH}"')[2].partition("</form>")[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if told.get("type") != "checkbox" or (" checked" in tag and " disabled" not in tag):
            found[told["name"]] = told.get("value", "")
    return found


def asked(tea: Scene) -> list[str]:
    return [one.id for one in load_settings(tea.rows(Shop)[0].settings).survey()]


def press(client: FlaskClient, form: dict[str, str], do: str, **more: str) -> Any:
    return client.post(PATH, data={**form, "do": do, **more})


def test_todays_survey_is_shown_and_saving_it_writes_nothing(tea: Scene, signed_in: FlaskClient):
    page = signed_in.get(PATH).text
    assert "Dasi&#39;s own" in page
    form = fields(page)
    assert [form[f"q{n}.id"] for n in range(3)] == ["satisfaction", "recommendation", "words"]
    assert press(signed_in, form, "save").status_code == 303
    assert "questions" not in tea.rows(Shop)[0].settings
    assert tea.rows(Change) == []


def test_a_survey_is_put_together_by_buttons_alone(tea: Scene, signed_in: FlaskClient):
    page = press(signed_in, fields(signed_in.get(PATH).text), "add", kind="choice").text
    assert "not saved yet" in page
    assert asked(tea) == ["satisfaction", "recommendation", "words"]
    page = press(signed_in, fields(page), "option:3").text
    page = press(signed_in, fields(page), "drop_option:3:0").text
    page = press(signed_in, fields(page), "drop:1").text
    page = press(signed_in, fields(page), "up:2").text
    form = fields(page)
    assert [form[f"q{n}.kind"] for n in range(3)] == ["satisfaction", "choice", "text"]
    form |= {"q1.en": "Why us?", "q1.ko": "왜 저희인가요?", "q1.o0.en": "Taste", "q1.o0.ko": "맛", "q1.o1.en": "Price",
             "q2.en": "Tell <us>", "q2.required": "yes"}  # fmt: skip
    assert press(signed_in, form, "save").status_code == 303
    settings = load_settings(tea.rows(Shop)[0].settings)
    _, why, words = settings.survey()
    assert [option.wording for option in why.options] == [{"en": "Taste", "ko": "맛"}, {"en": "Price"}]
    assert (why.other, why.several, words.required, words.id) == (True, False, True, "words")
    [change] = tea.rows(Change)
    assert change.what == "survey.questions"
    log = signed_in.get("/app/changes").text
    assert "Questions of the survey" in log
    assert "Why us?" in log
    assert "Tell &lt;us&gt;" in tea.app.test_client().get(tea.url("s")).text
    assert press(signed_in, fields(signed_in.get(PATH).text), "default").status_code == 200
    assert asked(tea) == ["satisfaction", why.id, "words"]


def test_what_is_wrong_is_said_where_it_is(tea: Scene, signed_in: FlaskClient):
    page = press(signed_in, fields(signed_in.get(PATH).text), "add", kind="choice").text
    answer = press(signed_in, fields(page), "save")
    assert answer.status_code == 422
    assert "Write the question in one language at least." in answer.text
    words_first = press(signed_in, fields(press(signed_in, fields(signed_in.get(PATH).text), "up:2").text), "up:1").text
    answer = press(signed_in, fields(words_first), "save")
    assert answer.status_code == 422
    assert "answered by one tap" in answer.text.partition('id="q0"')[2]
    assert asked(tea) == ["satisfaction", "recommendation", "words"]


@pytest.mark.parametrize("action", ["up:0", "down:2", "drop:9", "drop:-1", "drop:x", "drop:99999999999", "up:",
                                    "option:1", "drop_option:0:0", "drop_option:1:٣", "fly", "add", ""])  # fmt: skip
def test_buttons_that_make_no_sense_change_nothing(action: str):
    draft = draft_of(DEFAULT_QUESTIONS)
    assert act(draft, action, "satisfaction") == draft


def test_a_survey_holds_eight_questions_and_each_score_once():
    draft = draft_of(DEFAULT_QUESTIONS)
    for _ in range(MOST_QUESTIONS):
        for kind in ("text", "satisfaction", "stars"):
            draft = act(draft, "add", kind)
    assert len(draft) == MOST_QUESTIONS
    assert len({one["id"] for one in draft}) == MOST_QUESTIONS
    assert [one["kind"] for one in draft].count("satisfaction") == 1


@pytest.mark.parametrize("form", [
    {}, {"q0.kind": "stars"}, {"q0.kind": "text"}, {"q0.kind": "choice", "q0.id": "Q!", "q0.en": "x" * 2_000},
    {"q0.kind": "satisfaction", "q0.id": "satisfaction", "q1.kind": "satisfaction", "q1.id": "satisfaction"},
    {"q0.kind": "choice", "q0.id": "a", "q0.en": "A?", "q0.o0.id": "<", "q0.o0.en": "x",
     "q0.o1.id": "b", "q0.o1.en": "y"},
])  # fmt: skip
def test_forms_that_nobody_filled_in_are_refused_in_words(form: dict[str, str]):
    questions, wrong = check(read(form))
    assert questions is None
    assert wrong


def test_the_measured_time_stands_beside_the_stated_one(tea: Scene, signed_in: FlaskClient):
    assert "Nobody&#39;s time has been measured" in signed_in.get(PATH).text
    with tea.ctx.database.transaction() as session:
        session.add(SurveyAnswer(shop_id=tea.shop_id, order_id=tea.order_id, satisfaction=4, started_at=NOW,
                                 completed_at=NOW, seconds=48))  # fmt: skip
    assert "needed 48 seconds" in signed_in.get(PATH).text
    assert PATH in signed_in.get("/app/steps/survey").text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_is_seen_as_customers_see_it(tea: Scene, signed_in: FlaskClient, language: str):
    source = re.search(rf'src="([^"]+/seen/{language}\?[^"]+)"', signed_in.get(PATH).text)
    assert source
    seen = tea.app.test_client().get(source.group(1).replace("&amp;", "&"))
    assert seen.status_code == 200
    assert f'<html lang="{language}">' in seen.text
    assert "frame-ancestors 'self'" in seen.headers["Content-Security-Policy"]
    assert "Haneul Tea" in seen.text
    assert tea.app.test_client().get(f"{PATH}/seen/{language}").status_code != 200


def test_another_shop_asks_its_own(tea: Scene, signed_in: FlaskClient):
    from tests.web.scenes import add_shop

    with tea.ctx.database.transaction() as session:
        other = add_shop(session, tea.ctx, "other.myshopify.com").id
    form = fields(press(signed_in, fields(signed_in.get(PATH).text), "drop:1").text)
    assert press(signed_in, form, "save").status_code == 303
    assert "questions" not in next(shop for shop in tea.rows(Shop) if shop.id == other).settings


def test_the_orders_page_tells_every_answer_in_the_words_it_was_asked(tea: Scene, signed_in: FlaskClient):
    draft = act(draft_of(DEFAULT_QUESTIONS), "add", "choice")[3:]
    options = [{"id": "a", "wording": {"en": "Taste"}}, {"id": "b", "wording": {"en": "Price"}}]
    draft[0] |= {"id": "why", "wording": {"en": "Why <us>?"}, "options": options}
    with tea.ctx.database.transaction() as session:
        shop = session.get_one(Shop, tea.shop_id)
        shop.settings = {**shop.settings, "questions": draft}
    tea.app.test_client().post(tea.url("s"), data={"why": "a", "why-other": "and <b>luck</b>"})
    page = signed_in.get(f"/app/orders/{tea.order_id}").text
    for said in ("The customer answered the survey", "Why &lt;us&gt;?", "Taste", "and &lt;b&gt;luck&lt;/b&gt;"):
        assert said in page
