"""The survey's questions, its measured time and the reviews, over the API."""

from __future__ import annotations

import pytest

from plugin.services.answers import save_survey
from plugin.services.review_leave import give_leave
from plugin.store.models.reviews import ReviewShown
from tests.api.conftest import Api
from tests.api.test_resources import other_shop

WHY = {
    "id": "why", "kind": "choice", "wording": {"en": "Why us?"}, "required": True, "several": False, "other": True,
    "options": [{"id": "taste", "wording": {"en": "Taste", "ko": "맛"}}],
}  # fmt: skip


def test_questions_are_read_replaced_and_reset(api: Api):
    asked = api.get("/survey/questions").json["questions"]
    assert [one["id"] for one in asked] == ["satisfaction", "recommendation", "words"]
    done = api.call("PUT", "/survey/questions", json={"questions": [*asked, WHY]})
    assert done.status_code == 200
    assert api.get("/survey/questions").json["questions"] == [*asked, WHY]
    assert api.get("/settings").json["questions"] == [*asked, WHY]
    assert api.get("/changes").json["items"][0]["what"] == "survey.questions"
    assert len(other_shop(api).get("/survey/questions").json["questions"]) == 3
    assert api.call("PUT", "/survey/questions", json={"questions": []}).json["questions"] == asked


@pytest.mark.parametrize(("questions", "field"), [
    ([WHY | {"id": "words"}], "questions.0.id"), ([{"id": "words", "kind": "text"}], "questions.0.kind"),
    ([WHY, WHY], "questions.1.id"), ([WHY | {"colour": 1}], "questions.0.colour"), ("none", "questions"),
])  # fmt: skip
def test_a_survey_that_cannot_be_asked_is_refused_by_name(api: Api, questions: object, field: str):
    done = api.call("PUT", "/survey/questions", json={"questions": questions})
    assert done.status_code == 422
    assert field in [error["field"] for error in done.json["errors"]]


def test_the_time_is_told(api: Api):
    assert api.get("/survey/time").json == {"seconds": None, "answers": 0, "better": None}


def test_a_review_is_decided_once_it_was_read(api: Api):
    ctx, message_id = api.scene.ctx, api.scene.message_id
    save_survey(ctx, message_id, 5, 9, "Good")
    give_leave(ctx, message_id, "You may")
    [review] = api.get("/reviews").json["items"]
    assert (review["stars"], review["words"], review["state"]) == (5, "Good", "pending")
    assert review["products"] == [{"product_id": "7001", "title": "First-flush green tea, 50 g", "spoken_of": True}]
    path, body = f"/reviews/{review['id']}", {"state": "approved", "version": review["version"]}
    stranger = other_shop(api)
    assert stranger.call("PUT", path, json=body).status_code == 404
    assert stranger.get("/reviews").json == {"items": [], "next": None}
    save_survey(ctx, message_id, 5, 9, "Better")
    assert api.call("PUT", path, json=body).status_code == 409
    body["version"] = api.get("/reviews").json["items"][0]["version"]
    assert api.call("PUT", path, json=body | {"products": ["999"]}).status_code == 422
    assert api.call("PUT", path, json=body).status_code == 200
    assert api.get("/reviews?state=approved").json["items"][0]["decided_by"] == "API key books"
    assert len(api.scene.rows(ReviewShown)) == 1
    assert api.call("PUT", path, json=body | {"state": "rejected"}).status_code == 200
    assert api.scene.rows(ReviewShown) == []
