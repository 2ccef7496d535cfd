"""Wordings, opening hours and keys through the API, as the pages do it."""

from __future__ import annotations

from plugin.domain.flows import State
from plugin.services.api_keys import make_key
from plugin.services.template_drafts import any_test
from plugin.store.models.messages import Message
from tests.api.conftest import Api
from tests.api.test_resources import other_shop

WORDING = "/steps/survey/wording/en"


def maker(api: Api) -> Api:
    with api.scene.ctx.database.transaction() as session:
        made = make_key(session, api.shop_id, "keyring", "the owner", makes_keys=True)
    return Api(api.scene, api.shop_id, made.secret, api.client)


def test_words_are_written_seen_tried_and_put_in_use(api: Api) -> None:
    fresh = api.get(WORDING).json
    assert (fresh["in_use"], fresh["draft"], fresh["versions"]) == ({"subject": None, "intro": None}, None, [])
    words = {"subject": "How is {{ order_name }}?", "intro": "A word, please."}
    told = api.call("PUT", f"{WORDING}/draft", json={**words, "order_id": api.scene.order_id}).json
    assert told["draft"] == {**words, "order_id": api.scene.order_id, "faults": []}
    seen = api.call("POST", f"{WORDING}/preview", json=words).json
    assert (seen["subject"], seen["order_name"]) == ("How is #1001?", "#1001")
    assert "A word, please." in seen["text"]
    address = fresh["test_addresses"][0]
    assert api.call("POST", f"{WORDING}/test", json={**words, "to": address}).status_code == 202
    assert any_test(api.scene.ctx)
    used = api.call("PUT", WORDING, json=words).json
    assert (used["in_use"], used["draft"]) == (words, None)
    assert [(one["subject"], one["actor"]) for one in used["versions"]] == [(words["subject"], "API key books")]
    back = api.call("PUT", WORDING, json={}).json
    assert back["in_use"] == {"subject": None, "intro": None}


def test_wrong_words_are_kept_as_a_draft_and_go_nowhere_else(api: Api) -> None:
    wrong = {"subject": "{{ nmae }}", "intro": None}
    draft = api.call("PUT", f"{WORDING}/draft", json=wrong).json["draft"]
    assert (draft["faults"][0]["field"], draft["faults"][0]["line"]) == ("subject", 1)
    for method, path in (("PUT", WORDING), ("POST", f"{WORDING}/preview")):
        refused = api.call(method, path, json=wrong)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "subject")
    stranger = {"to": "somebody@else.example"}
    assert api.call("POST", f"{WORDING}/test", json=stranger).json["errors"][0]["field"] == "to"
    assert api.call("DELETE", f"{WORDING}/draft").json["draft"] is None
    for path in ("/steps/none/wording/en", "/steps/survey/wording/fr"):
        assert api.get(path).status_code == api.call("PUT", path, json={}).status_code == 404
    theirs = {"order_id": 10**12}
    assert api.call("POST", f"{WORDING}/preview", json=theirs).status_code == 404


def test_the_desks_hours(api: Api) -> None:
    assert api.get("/desk/hours").json["zone"] == "Asia/Seoul"
    hours = {"zone": "Europe/Berlin", "days": {"mon": [["09:00", "12:00"], ["13:00", "00:00"]]}, "goal_minutes": 15}
    told = api.call("PUT", "/desk/hours", json=hours).json
    assert (told["days"]["mon"], told["days"]["tue"]) == (hours["days"]["mon"], [])
    assert api.get("/changes").json["items"][0]["what"] == "desk.hours"
    for field, wrong in (("zone", "Moon/Base"), ("goal_minutes", 0), ("days", {"mon": [["12:00", "09:00"]]}),
                         ("days", {"mon": [["99:00", "99:30"]]}), ("days", {"someday": []})):  # fmt: skip
        refused = api.call("PUT", "/desk/hours", json={**hours, field: wrong})
        assert refused.status_code == 422
        assert refused.json["errors"][0]["field"].startswith(field)
    assert api.get("/desk/hours").json == told


def test_only_a_key_with_the_right_makes_keys(api: Api) -> None:
    refused = api.call("POST", "/keys", json={"name": "more"})
    assert (refused.status_code, refused.json["errors"][0]["error"]) == (403, "may_not_make_keys")
    ring = maker(api)
    made = ring.call("POST", "/keys", json={"name": " ware  house "}).json
    assert made["name"] == "ware house"
    theirs = Api(api.scene, api.shop_id, made["secret"], api.client)
    assert theirs.get("/shop").status_code == 200
    listed = {key["name"]: key for key in theirs.get("/keys").json["items"]}
    assert (listed["ware house"]["makes_keys"], listed["keyring"]["makes_keys"]) == (False, True)
    assert "secret" not in listed["keyring"]
    assert theirs.call("POST", "/keys", json={"name": "more"}).status_code == 403  # the right is not handed on unasked
    assert theirs.call("DELETE", f"/keys/{listed['keyring']['id']}").status_code == 403
    assert ring.call("DELETE", f"/keys/{listed['books']['id']}").status_code == 204
    assert api.get("/shop").status_code == 401
    assert theirs.call("DELETE", f"/keys/{made['id']}").status_code == 204  # itself
    assert theirs.get("/shop").status_code == 401
    assert ring.get("/changes").json["items"][0]["what"] == "api_key.revoke"
    for name in ("", " ", "x" * 81):
        assert ring.call("POST", "/keys", json={"name": name}).status_code == 422


def test_another_shops_key_is_not_there(api: Api) -> None:
    stranger = other_shop(api)
    [theirs] = stranger.get("/keys").json["items"]
    assert maker(api).call("DELETE", f"/keys/{theirs['id']}").status_code == 404
    assert stranger.get("/shop").status_code == 200


def test_a_failed_message_becomes_an_issue_that_is_answered(api: Api) -> None:
    path = f"/messages/{api.scene.message_id}/issue"
    assert api.call("POST", path).status_code == 404  # it did not fail
    with api.scene.ctx.database.transaction() as session:
        message = session.get_one(Message, api.scene.message_id)
        message.state, message.reason = State.FAILED, "refused"
    issue_id = api.call("POST", path).json["issue_id"]
    assert api.call("POST", path).json["issue_id"] == issue_id
    assert api.call("POST", f"/issues/{issue_id}/answered").status_code == 200
    assert other_shop(api).call("POST", f"/issues/{issue_id}/answered").status_code == 404
