"""The feedback desk's pages: the list, an answer, its tags and a reply; in both languages, scripts shown as words."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from plugin.services import answers, logins
from plugin.services.context import Context
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.feedback import AnswerTag, FeedbackTag
from tests.web.scenes import Scene, scene

WORDS = "Two weeks late <script>alert(1)</script>"


class Signed:
    def __init__(self, made: Scene) -> None:
        self.scene = made
        self.client: FlaskClient = made.app.test_client()
        with made.ctx.database.transaction() as session:
            link = f"/login/{logins.make_link(session, made.shop_id, 'command')}"
        self.client.post(link)
        self.csrf = self.page("/app").text.split('name="csrf" value="')[1].partition('"')[0]

    def page(self, path: str, language: str = "en"):
        return self.client.get(path, headers={"Accept-Language": language})

    def post(self, path: str, **form: object):
        return self.client.post(path, data={"csrf": self.csrf, **form})


@pytest.fixture
def signed(sqlite_context: Context) -> Signed:
    made = scene(sqlite_context)
    answers.save_survey(made.ctx, made.message_id, 2, 3, WORDS)
    return Signed(made)


def answer_id(signed: Signed) -> int:
    return int(signed.scene.rows(SurveyAnswer)[0].id)


@pytest.mark.parametrize(("language", "tag"), [("en", "Late delivery"), ("ko", "늦은 배송")])
def test_an_answer_is_listed_with_its_words_tags_and_issue(signed: Signed, language: str, tag: str) -> None:
    text = signed.page("/app/feedback", language).text
    assert "#1001" in text
    assert tag in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert f"/app/issues/{signed.scene.rows(Issue)[0].id}" in text
    assert 'href="/app/feedback"' in signed.page("/app", language).text


@pytest.mark.parametrize("query", [
    "band=nonsense", "tag=-1", "tag=99999999999999999999", "period=x", "after=nonsense", "after=99999999999999999-1",
    "product=" + "x" * 5000, "band=low&tag=1&worded=yes&period=7",
])  # fmt: skip
def test_filters_that_make_no_sense_are_none(signed: Signed, query: str) -> None:
    assert signed.page(f"/app/feedback?{query}").status_code == 200


def test_a_tag_is_corrected_and_the_list_comes_back_where_it_was(signed: Signed) -> None:
    id_ = answer_id(signed)
    tag = signed.scene.rows(FeedbackTag, key="late_delivery")[0].id
    done = signed.post(f"/app/feedback/{id_}/tags", tag=tag, do="remove", back="/app/feedback?band=low")
    assert done.headers["Location"] == f"/app/feedback?band=low&said=tagged#a{id_}"
    assert signed.scene.rows(AnswerTag, tag_id=tag)[0].removed
    done = signed.post(f"/app/feedback/{id_}/tags", tag=tag, do="add", back="https://evil.example")
    assert done.headers["Location"] == f"/app/feedback/{id_}?said=tagged"
    assert signed.post(f"/app/feedback/{id_}/tags", tag=tag, do="burn").status_code == 400
    assert signed.post(f"/app/feedback/{id_}/tags", tag=999999, do="add").status_code == 404
    assert signed.post("/app/feedback/999999/tags", tag=tag, do="add").status_code == 404
    assert signed.client.post(f"/app/feedback/{id_}/tags", data={"tag": tag, "do": "add"}).status_code == 403


def test_a_reply_is_written_from_the_page_once(signed: Signed) -> None:
    id_ = answer_id(signed)
    assert signed.post(f"/app/feedback/{id_}/reply", words=" ", replies="0").status_code == 422
    assert signed.post(f"/app/feedback/{id_}/reply", words="x" * 20_001, replies="0").status_code == 422
    done = signed.post(f"/app/feedback/{id_}/reply", words="We are sorry.", replies="0")
    assert done.headers["Location"] == f"/app/feedback/{id_}?said=replied"
    again = signed.post(f"/app/feedback/{id_}/reply", words="We are sorry.", replies="0")
    assert again.headers["Location"].endswith("said=before")
    for language, word in (("en", "The whole history"), ("ko", "전체 기록")):
        text = signed.page(f"/app/feedback/{id_}", language).text
        assert "We are sorry." in text
        assert word in text
    assert signed.page("/app/feedback/999999").status_code == 404


def test_tags_are_added_renamed_and_named_once(signed: Signed) -> None:
    done = signed.post("/app/feedback/tags", name_en="Straws", name_ko="빨대", words="straw, 빨대")
    assert done.headers["Location"] == "/app/feedback/tags?said=saved"
    made = signed.scene.rows(FeedbackTag, name_en="Straws")[0]
    assert made.words == ["straw", "빨대"]
    assert signed.post("/app/feedback/tags", name_en="straws").status_code == 422
    assert signed.post(f"/app/feedback/tags/{made.id}", name_en="Price").status_code == 422
    assert signed.post(f"/app/feedback/tags/{made.id}", name_en="Straw", retired="yes").status_code == 303
    assert signed.scene.rows(FeedbackTag, id=made.id)[0].retired_at
    assert signed.post("/app/feedback/tags/start").status_code == 303
    for language, word in (("en", "retired"), ("ko", "쓰지 않음")):
        assert word in signed.page("/app/feedback/tags", language).text


@pytest.mark.parametrize(("language", "words"), [("en", "0% (0–79)"), ("ko", "NPS")])
def test_scores_stand_with_their_ranges_and_few_is_said(signed: Signed, language: str, words: str) -> None:
    for period in ("90", "months"):
        text = signed.page(f"/app/feedback/scores?period={period}", language).text
        assert words in text
        assert "−100 (−100" in text
        assert {"en": "Fewer than 30", "ko": "30개가 되지"}[language] in text
    assert signed.page("/app/feedback/scores?period=7").status_code == 404


def test_a_mending_is_seen_told_once_and_taken_back(signed: Signed) -> None:
    answers.save_survey(signed.scene.ctx, signed.scene.message_id, 4, 9, "Two weeks late")
    tag = signed.scene.rows(FeedbackTag, key="late_delivery")[0].id
    text = signed.page(f"/app/feedback/mended/new?tag={tag}").text
    assert "#1001" in text
    assert 'value="send"' not in text  # first the mail is looked at
    sentence = "Parcels <b>leave</b> at once"
    seen = signed.post("/app/feedback/mended", tag=tag, seen="0", en=sentence, do="look").text
    assert "Tell 1 customer" in seen
    frame = seen.split('src="/app/feedback/mended/content?')[1].partition('"')[0].replace("&amp;", "&")
    mail = signed.client.get(f"/app/feedback/mended/content?{frame}")
    assert "Parcels &lt;b&gt;leave&lt;/b&gt; at once" in mail.text
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert signed.post("/app/feedback/mended", tag=tag, seen="0", en=" ", do="send").status_code == 422
    assert signed.post("/app/feedback/mended", tag=tag, seen="0", en="x" * 501, do="send").status_code == 422
    done = signed.post("/app/feedback/mended", tag=tag, seen="0", en=sentence, do="send").headers["Location"]
    again = signed.post("/app/feedback/mended", tag=tag, seen="0", en=sentence, do="send").headers["Location"]
    assert again == "/app/feedback/mended?said=before"
    for language, word in (("en", "Nobody has been told yet."), ("ko", "아직 알린 고객이 없습니다.")):
        assert word in signed.page(done, language).text
        assert "being planned" in signed.page("/app/feedback/mended").text
    path = done.partition("?")[0]
    assert signed.post(f"{path}/undo").headers["Location"] == f"{path}?said=undone"
    assert signed.post(f"{path}/undo").headers["Location"] == f"{path}?said=before"
    for address in ("/app/feedback/mended/new?tag=x", "/app/feedback/mended/new?tag=999999", f"{path}9"):
        assert signed.page(address).status_code == 404


def test_the_new_step_is_named_wherever_steps_are_listed(signed: Signed) -> None:
    for language, name in (("en", "You told us, we fixed it"), ("ko", "고친 것 알리기")):
        assert name in signed.page("/app/messages?step=you_told_us", language).text
        assert signed.page("/app/figures", language).status_code == 200
    assert signed.page("/app/steps/you_told_us").status_code == 404
