"""The feedback desk by the API: answers, tags, scores and mendings do what the pages do, and stay within the shop."""

from __future__ import annotations

import pytest

from plugin.services import answers
from tests.api.conftest import Api
from tests.api.test_resources import other_shop


@pytest.fixture
def told(api: Api) -> Api:
    answers.save_survey(api.scene.ctx, api.scene.message_id, 4, 9, "Two weeks late")
    return api


def tag_of(api: Api, key: str) -> dict:
    return next(tag for tag in api.get("/tags").json["items"] if tag["key"] == key)


def test_answers_are_listed_filtered_and_corrected(told: Api) -> None:
    [answer] = told.get("/feedback").json["items"]
    assert (answer["order_name"], answer["satisfaction"], answer["issue_open"]) == ("#1001", 4, False)
    assert [tag["name_en"] for tag in answer["tags"]] == ["Late delivery"]
    tag = tag_of(told, "late_delivery")
    assert told.get(f"/feedback?tag={tag['id']}&band=high&worded=true&product=none").json["items"] == []
    path = f"/feedback/{answer['id']}/tags/{tag['id']}"
    assert told.call("PUT", path, json={"do": "remove"}).json == {"changed": True}
    assert told.get(f"/feedback?tag={tag['id']}").json == {"items": [], "next": None}
    assert told.call("PUT", path, json={"do": "burn"}).status_code == 422
    stranger = other_shop(told)
    assert stranger.get("/feedback").json["items"] == []
    assert stranger.call("PUT", path, json={"do": "add"}).status_code == 404
    assert stranger.call("POST", f"/feedback/{answer['id']}/replies", json={"words": "x", "seen_replies": 0}
                         ).status_code == 404  # fmt: skip
    for query in ("after=nonsense", "band=none", "tag=0", "since=yesterday"):
        assert told.get(f"/feedback?{query}").status_code == 422, query


def test_a_reply_is_sent_once(told: Api) -> None:
    [answer] = told.get("/feedback").json["items"]
    path, body = f"/feedback/{answer['id']}/replies", {"words": "Thank you", "seen_replies": 0}
    assert told.call("POST", path, json=body).json == {"changed": True}
    assert told.call("POST", path, json=body).json == {"changed": False}


def test_tags_are_added_changed_and_named_once(told: Api) -> None:
    made = told.call("POST", "/tags", json={"name_en": "Straws", "words": ["straw"]}).json["id"]
    assert told.call("POST", "/tags", json={"name_en": "straws"}).status_code == 422
    assert told.call("PUT", f"/tags/{made}", json={"name_en": "Straws", "retired": True}).json == {"changed": True}
    line = next(tag for tag in told.get("/tags").json["items"] if tag["id"] == made)
    assert (line["name_ko"], line["words"], line["retired"]) == ("Straws", [], True)
    assert other_shop(told).call("PUT", f"/tags/{made}", json={"name_en": "Mine"}).status_code == 404


def test_scores_come_with_their_intervals(told: Api) -> None:
    report = told.get("/feedback/scores?period=90").json
    assert report["total"]["answers"] == 1
    assert report["total"]["csat"] == {"value": 1.0, "low": pytest.approx(0.207, abs=0.001), "high": 1.0, "n": 1,
                                       "few": True}  # fmt: skip
    assert [about["name_en"] for about in report["by_tag"]] == ["Late delivery"]
    assert told.get("/feedback/scores?period=7").status_code == 422


def test_a_mending_is_looked_at_made_and_taken_back(told: Api) -> None:
    tag = tag_of(told, "late_delivery")["id"]
    seen = told.get(f"/tags/{tag}/audience").json
    assert (seen["raised"], seen["now"], seen["would"][0]["order_name"]) == (1, 1, "#1001")
    mail = told.get(f"/tags/{tag}/mail?language=ko&sentence=이제 바로 보냅니다.").json
    assert "이제 바로 보냅니다." in mail["html"]
    body = {"tag": tag, "sentence_en": "Parcels leave at once now.", "seen": told.get("/mendings").json["newest"]}
    made = told.call("POST", "/mendings", json=body).json["id"]
    assert told.call("POST", "/mendings", json=body).json == {"id": None}
    came = told.get(f"/mendings/{made}").json
    assert (came["verdict"], came["planning"], came["sentence_ko"]) == ("nobody", True, None)
    stranger = other_shop(told)
    assert stranger.get(f"/mendings/{made}").status_code == 404
    assert stranger.get(f"/tags/{tag}/audience").status_code == 404
    assert stranger.call("DELETE", f"/mendings/{made}").status_code == 404
    assert told.call("DELETE", f"/mendings/{made}").json == {"changed": True}
    assert told.call("DELETE", f"/mendings/{made}").json == {"changed": False}
    assert told.call("POST", "/mendings", json={**body, "sentence_en": " ", "seen": made}).status_code == 422
    assert told.call("POST", "/mendings", json={**body, "tag": 999_999, "seen": made}).status_code == 404
