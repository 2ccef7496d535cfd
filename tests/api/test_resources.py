"""What the API tells and does: orders, messages, settings, the change log. Another shop's things do not exist."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from plugin.services import address_marks, consent_files, replanning
from plugin.services.api_keys import make_key
from plugin.services.shop_work import work_off
from plugin.store.models.messages import Act, Message
from plugin.store.models.shops import Shop
from schemas.settings import STEPS
from tests.api.conftest import Api
from tests.web.scenes import ADDRESS, add_shop


def other_shop(api: Api) -> Api:
    """The same server, with a key of another shop."""
    with api.scene.ctx.database.transaction() as session:
        shop = add_shop(session, api.scene.ctx, "birch.myshopify.com")
        key = make_key(session, shop.id, "books", "the owner")
        return Api(api.scene, shop.id, key.secret, api.client)


def test_orders_are_found_by_name(api: Api):
    [order] = api.get("/orders?q=1001").json["items"]
    assert order["name"] == "#1001"
    assert order["states"] == {"planned": 1}
    assert api.get("/orders?q=2002").json == {"items": [], "next": None}
    view = api.get(f"/orders/{order['id']}").json
    assert [(message["step"], message["state"]) for message in view["messages"]] == [("survey", "planned")]
    assert "cancel" in view["messages"][0]["offers"]
    content = api.get(f"/messages/{view['messages'][0]['id']}/content").json
    assert (content["subject"], content["sent"]) == ("How was your order #1001?", False)
    stranger = other_shop(api)
    assert stranger.get("/orders").json["items"] == []
    assert stranger.get(f"/orders/{order['id']}").status_code == 404
    assert stranger.get(f"/messages/{view['messages'][0]['id']}/content").status_code == 404


def test_a_message_says_why_and_can_be_cancelled_once(api: Api):
    [message] = api.get("/messages?state=planned").json["items"]
    assert message["step"] == "survey"
    path = f"/messages/{message['id']}/acts"
    assert other_shop(api).call("POST", path, json={"kind": "cancel"}).status_code == 404
    done = api.call("POST", path, json={"kind": "cancel"})
    assert (done.status_code, done.json["state"], done.json["changed"]) == (200, "cancelled", True)
    again = api.call("POST", path, json={"kind": "cancel"})
    assert again.json["changed"] is False
    refused = api.call("POST", path, json={"kind": "send_again"})
    assert (refused.status_code, refused.json["errors"][0]["error"]) == (409, "not_offered")
    with api.scene.ctx.database.reading() as session:
        assert session.scalars(select(Act.kind)).all() == ["cancel"]
        assert session.scalar(select(Message.state).where(Message.id == message["id"])) == "cancelled"
    assert api.get("/changes").json["items"][0]["actor"] == "API key books"


def test_settings_are_replaced_tried_and_logged(api: Api):
    told = api.get("/settings").json
    edited = {**told, "delivery_days": 5, "steps": {"survey": {"enabled": False}}}
    effects = api.call("POST", "/settings/preview", json=edited).json
    assert effects["steps"]["survey"]["end"] == 1
    assert api.get("/settings").json == told  # nothing is stored
    assert api.call("PUT", "/settings", json=edited).status_code == 200
    assert api.get("/settings").json["delivery_days"] == 5
    [change] = api.get("/changes").json["items"]
    assert change["after"]["delivery_days"] == 5
    with api.scene.ctx.database.reading() as session:
        assert session.scalars(select(Shop.settings)).one()["delivery_days"] == 5


def test_what_is_wrong_is_named(api: Api):
    answer = api.call("PUT", "/settings", json={"delivery_days": 0, "colour": "red"})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json["errors"]} == {"delivery_days", "colour"}
    bad = {"steps": {"survey": {"subject": {"en": "{{ nmae }}"}}}}
    answer = api.call("PUT", "/settings", json=bad)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "steps.survey.subject.en"
    for path in ("/orders?after=nonsense", "/messages", "/messages?state=lost", "/messages?state=sent&step=none"):
        assert api.get(path).status_code == 422, path


def test_consents_are_tried_and_brought_in(api: Api):
    lines = b"email,state,at\njane@example.com,yes,2026-10-01\nnobody,yes,2026-10-01\n"
    tried = api.call("POST", "/consents", data=lines, content_type="text/csv").json
    assert (tried["dry"], tried["lines"], tried["wrong"], tried["may"]) == (True, 2, 1, 1)
    done = api.call("POST", "/consents?dry=false", data=lines, content_type="text/csv").json
    assert (done["dry"], done["changed"]) == (False, 1)
    assert api.call("POST", "/consents", data=b"nothing", content_type="text/csv").status_code == 422


def test_everything_can_be_taken_away(api: Api):
    lines = [json.loads(line) for line in api.get("/export").text.splitlines()]
    assert any("#1001" in json.dumps(line) for line in lines)
    assert all("#1001" not in line for line in other_shop(api).get("/export").text.splitlines())


def test_figures_and_a_rehearsal(api: Api):
    report = api.get("/figures?period=7").json
    assert report["total"]["sent"] == 0
    assert set(report["by_step"]) == set(STEPS)
    tally = api.call("POST", "/rehearsals", json={}).json
    assert tally["orders"] == 1
    assert tally["by_step"]["thank_you"] == 1


def test_a_shop_pauses_and_goes_live_again(api: Api):
    assert api.get("/shop/live").json == {"live": True, "missing": [], "steps": {}}
    paused = api.call("PUT", "/shop/live", json={"live": False}).json
    assert paused["live"] is False
    assert api.get("/shop").json["live"] is False
    assert api.call("PUT", "/shop/live", json={"live": True}).json["live"] is True
    api.call("PUT", "/settings", json={})  # nobody says any more who writes
    api.call("PUT", "/shop/live", json={"live": False})
    refused = api.call("PUT", "/shop/live", json={"live": True})
    assert (refused.status_code, refused.json["errors"][0]["error"]) == (409, "not_ready")


def test_a_large_shops_settings_are_in_force_before_its_plans_are(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replanning, "FEW", 0)
    ended = {"under_way": False, "done": None, "of": None, "stuck": False}
    assert api.get("/settings/planning").json == ended
    answer = api.call("PUT", "/settings", json={"steps": {"survey": {"enabled": False}}})
    assert answer.status_code == 202
    assert api.get("/settings").json["steps"]["survey"]["enabled"] is False
    assert api.get("/settings/planning").json == {"under_way": True, "done": 0, "of": None, "stuck": False}
    while work_off(api.scene.ctx):
        pass
    assert api.get("/settings/planning").json == ended
    assert api.get("/messages?state=withheld&step=survey").json["items"]


def test_a_long_list_of_consents_is_asked_after(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consent_files, "AT_ONCE", 2)
    lines = b"email,state\n" + b"".join(b"c%d@mail.example,yes\n" % n for n in range(20))
    begun = api.call("POST", "/consents", data=lines, content_type="text/csv")
    assert (begun.status_code, begun.json["waiting"], begun.json["lines"]) == (202, True, 20)
    path = f"/consents/imports/{begun.json['id']}"
    assert api.call("POST", path).status_code == 409  # it is not tried yet
    while work_off(api.scene.ctx):
        pass
    assert (api.get(path).json["waiting"], api.get(path).json["may"], api.get(path).json["dry"]) == (False, 20, True)
    stranger = other_shop(api)
    assert stranger.get(path).status_code == stranger.call("POST", path).status_code == 404
    assert api.call("POST", path).status_code == 202
    while work_off(api.scene.ctx):
        pass
    assert (api.get(path).json["dry"], api.get(path).json["changed"]) == (False, 20)


def test_a_dead_address_is_told_and_freed(api: Api):
    [order] = api.get("/orders").json["items"]
    path = f"/orders/{order['id']}"
    assert api.get(path).json["address_mark"] is None
    with api.scene.ctx.database.transaction() as session:
        now = api.scene.ctx.clock.now()
        address_marks.mark(session, api.shop_id, ADDRESS, "dead", now, about=now)
    view = api.get(path).json
    assert (view["address_mark"], view["messages"][0]["reactions"]) == ("dead", {})
    assert other_shop(api).call("DELETE", f"{path}/address-mark").status_code == 404
    assert api.call("DELETE", f"{path}/address-mark").status_code == 204
    assert api.get(path).json["address_mark"] is None
    assert api.call("DELETE", f"{path}/address-mark").status_code == 404
    assert api.get("/changes").json["items"][0]["what"] == "address.lifted"


def test_the_senders_state_is_told_and_asked_for(api: Api):
    assert api.get("/shop/sender").json == {"state": "none", "address": None, "at": None, "looked_at": None,
                                            "records": []}  # fmt: skip
    assert api.call("POST", "/shop/sender/check").status_code == 409
    settings = api.get("/settings").json
    settings["sender"]["email"] = "hello@haneul.example"
    assert api.call("PUT", "/settings", json=settings).status_code == 200
    told = api.get("/shop/sender").json
    assert (told["state"], told["address"]) == ("asked", "hello@haneul.example")
    again = api.call("POST", "/shop/sender/check")
    assert (again.status_code, again.json["at"]) == (202, told["at"])  # one was asked for a moment ago
    assert other_shop(api).get("/shop/sender").json["state"] == "none"
