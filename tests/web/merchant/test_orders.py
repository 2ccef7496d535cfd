"""Orders, messages and issues as the merchant's pages: what they show, what they do, and for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.content.model import Rendered
from plugin.services import address_marks, issue_desk
from plugin.services.answers import answer_arrival, save_survey
from plugin.services.bodies import keep, sealed
from plugin.services.letters import send_letters
from plugin.services.message_list import LISTS
from plugin.services.plan import lock_orders, replan
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskLetter
from plugin.store.models.messages import Act, Click, Message
from tests.services.world import Sink
from tests.web import scenes
from tests.web.scenes import Scene


def csrf(client: FlaskClient, path: str) -> str:
    page = client.get(path).text
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


def post(client: FlaskClient, path: str, **form: Any) -> Any:
    return client.post(path, data={**form, "csrf": csrf(client, "/app/orders")}, follow_redirects=True)


def plan_all(tea: Scene) -> None:
    """The order's messages as the plan has them; the scene made only a survey by hand."""
    with tea.ctx.database.transaction() as session:
        lock_orders(session, [tea.order_id])
        replan(session, tea.ctx, [tea.order_id])


def test_the_list_and_the_search(signed_in: FlaskClient, tea: Scene) -> None:
    page = signed_in.get("/app/orders")
    assert page.status_code == 200
    assert "#1001" in page.text
    for text in ("1001", "#1001", "jane@", "jane@example.com"):
        assert "#1001" in signed_in.get("/app/orders", query_string={"q": text}).text
    nothing = signed_in.get("/app/orders", query_string={"q": "zzz"})
    assert "Nothing found" in nothing.text
    assert "<script>" not in signed_in.get("/app/orders", query_string={"q": "<script>"}).text


@pytest.mark.parametrize("after", ["x", "-", "1-", "99999999999999999-1", "-5", "1e3-4", "٣-٣"])
def test_a_mark_that_is_none_begins_at_the_beginning(signed_in: FlaskClient, after: str) -> None:
    for path in ("/app/orders", "/app/messages", "/app/issues"):
        assert signed_in.get(path, query_string={"after": after}).status_code == 200


def test_an_order_tells_its_story(signed_in: FlaskClient, tea: Scene) -> None:
    plan_all(tea)
    answer_arrival(tea.ctx, tea.message_id, "9001", False, "The porch is <empty>")
    page = signed_in.get(f"/app/orders/{tea.order_id}").text
    for words in ("Order placed", "#1001.1 shipped DHL", "has not arrived", "The porch is &lt;empty&gt;",
                  "Issue: parcel missing", "Survey", "Held", "First-flush green tea", "€19.00"):  # fmt: skip
        assert words in page


def test_korean_reasons(tea: Scene, link: str) -> None:
    plan_all(tea)
    client = tea.app.test_client()
    client.post(link)
    page = client.get(f"/app/orders/{tea.order_id}", headers={"Accept-Language": "ko"}).text
    assert "지나온 일과 앞으로의 일" in page
    assert "배송 완료" in page


def test_acts_by_form(signed_in: FlaskClient, tea: Scene) -> None:
    plan_all(tea)
    path = f"/app/orders/{tea.order_id}/messages/{tea.message_id}"
    assert "It stays so whatever news comes" in post(signed_in, path, act="cancel").text
    assert "nothing changed" in post(signed_in, path, act="cancel").text
    assert [(a.kind, a.step) for a in tea.rows(Act)] == [("cancel", "survey")]
    assert "has moved on" in post(signed_in, path, act="send_again", copies="0").text
    assert signed_in.post(path, data={"act": "cancel"}).status_code == 403  # without the session's own token
    assert post(signed_in, path, act="explode").status_code == 400


def test_what_left_is_shown_in_a_frame_that_may_do_nothing(signed_in: FlaskClient, tea: Scene) -> None:
    with tea.ctx.database.transaction() as session:
        message = session.get_one(Message, tea.message_id)
        message.state, message.reason, message.sent_at, message.address = "sent", "sent", tea.ctx.clock.now(), "jane@x"
        html = ('<p onclick="x()">Hello <a href="https://x/u/secret" title="t">stop</a></p><script>alert(1)</script>'
                '<form action="/x"><input></form><img src="https://x/o/abc"><meta http-equiv="refresh" content="0">')
        keep(session, message.id, sealed(tea.ctx, Rendered(subject="S", text="T", html=html)))
        session.add(Click(shop_id=tea.shop_id, message_id=message.id, target="https://haneul.example/p/1",
                          at=tea.ctx.clock.now(), by_scanner=False))  # fmt: skip
    page = signed_in.get(f"/app/orders/{tea.order_id}").text
    assert "1 click" in page
    assert 'sandbox=""' in page
    src = page.partition('<iframe title="')[2].partition('src="')[2].partition('"')[0].replace("&amp;", "&")
    shown = tea.app.test_client().get(src)  # a frame sends no cookie where cookies are forbidden
    assert shown.text == '<p>Hello <a title="t">stop</a></p>'
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert policy.endswith("frame-ancestors 'self'")


def test_a_preview_of_what_has_not_left(signed_in: FlaskClient, tea: Scene) -> None:
    plan_all(tea)
    shown = signed_in.get(f"/app/messages/{tea.message_id}/content")
    assert "Haneul Tea" in shown.text
    assert "href=" not in shown.text
    assert "/s/" not in shown.text


@pytest.mark.parametrize("state", [*LISTS, "x"])
def test_the_messages_of_every_state(signed_in: FlaskClient, tea: Scene, state: str) -> None:
    plan_all(tea)
    for period in ("", "today", "7", "30", "90", "x"):
        for step in ("", "survey", "x"):
            query = {"state": state, "period": period, "step": step}
            assert signed_in.get("/app/messages", query_string=query).status_code == 200


def test_an_issue_from_the_first_word_to_the_customers_last(signed_in: FlaskClient, tea: Scene) -> None:
    save_survey(tea.ctx, tea.message_id, 1, 2, "Broken <cup>")
    [issue] = tea.rows(Issue)
    listed = signed_in.get("/app/issues").text
    assert "Low rating · #1001" in listed
    assert "Broken &lt;cup&gt;" in listed
    path = f"/app/issues/{issue.id}"
    assert "Rating 1 of 5" in signed_in.get(path).text
    assert "Saved." in post(signed_in, f"{path}/owner").text
    assert "Write something first" in post(signed_in, f"{path}/reply", words=" ", replies="0").text
    assert "on its way" in post(signed_in, f"{path}/reply", words="So sorry", replies="0").text
    assert "nothing changed" in post(signed_in, f"{path}/reply", words="So sorry", replies="0").text
    assert "Closed. What was paused" in post(signed_in, f"{path}/close", outcome="settled").text
    assert "nothing changed" in post(signed_in, f"{path}/close", outcome="settled").text
    assert post(signed_in, f"{path}/close", outcome="lost").status_code in (200, 404)
    assert {letter.kind for letter in tea.rows(DeskLetter)} == {"acknowledgement", "reply", "solved"}
    assert "Settled" in signed_in.get("/app/issues?show=closed").text
    sink = Sink()
    tea.ctx.clock.move(timedelta(minutes=5))  # type: ignore[attr-defined]
    send_letters(tea.ctx, sink)
    assert [str(mail["Feedback-ID"]).partition(":")[0] for mail in sink.parsed()] == ["reply", "solved"]


def test_the_customers_tap(tea: Scene) -> None:
    save_survey(tea.ctx, tea.message_id, 1, 2, None)
    [issue] = tea.rows(Issue)
    issue_desk.close(tea.ctx, tea.shop_id, issue.id, "settled", "ada")
    client, path = tea.app.test_client(), f"/d/issue/{tea.ctx.tokens.make('i', issue.id, 1)}"
    before = scenes.snapshot(tea.ctx.database)
    page = client.get(f"{path}?solved=no")
    assert (page.status_code, "Is it solved?" in page.text) == (200, True)
    assert 'value="no" required checked' in page.text
    client.head(path)
    assert scenes.snapshot(tea.ctx.database) == before
    assert client.post(path).status_code == 422
    assert "We take it up again" in client.post(path, data={"solved": "no"}).text
    assert tea.rows(Issue)[0].closed_at is None
    assert "has been answered" in client.post(path, data={"solved": "yes"}).text
    for wrong in (tea.ctx.tokens.make("i", 999, 1), tea.ctx.tokens.make("s", issue.id, 1), "x"):
        assert client.get(f"/d/issue/{wrong}").status_code == 404


def test_opening_hours(signed_in: FlaskClient, tea: Scene) -> None:
    assert "10:00" in signed_in.get("/app/issues/hours").text
    form = {"zone": "Asia/Seoul", "goal_minutes": "15", "mon_0_from": "09:00", "mon_0_to": "17:30"}
    assert "Saved. New issues" in post(signed_in, "/app/issues/hours", **form).text
    assert 'value="17:30"' in signed_in.get("/app/issues/hours").text
    wrong = post(signed_in, "/app/issues/hours", **{**form, "mon_0_to": "08:00"})
    assert (wrong.status_code, "Give a beginning and an end" in wrong.text) == (422, True)


def test_another_shops_numbers_are_none(signed_in: FlaskClient, tea: Scene) -> None:
    """Everything that a number names, on every route, of a shop that is not ours."""
    with tea.ctx.database.transaction() as session:
        shop = scenes.add_shop(session, tea.ctx, "other.myshopify.com")
        message = scenes.add_order(session, tea.ctx, shop, None, "2001")
        message.state = "failed"
        issue = Issue(shop_id=shop.id, order_id=message.order_id, kind="low_rating", opened_at=tea.ctx.clock.now())
        session.add(issue)
        session.flush()
        theirs = {"order_id": message.order_id, "message_id": message.id, "issue_id": issue.id}
    before = scenes.snapshot(tea.ctx.database)
    tried = 0
    for rule in tea.app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[0]
        if name not in ("merchant_orders", "merchant_messages", "merchant_issues") or not rule.arguments:
            continue
        with tea.app.test_request_context():
            path = tea.app.url_for(rule.endpoint, **{key: theirs[key] for key in rule.arguments})
        form = {"act": "cancel", "outcome": "settled", "words": "Hi", "owner": "Eve", "replies": "0"}
        answer = post(signed_in, path, **form) if "POST" in (rule.methods or ()) else signed_in.get(path)
        assert answer.status_code == 404, path
        tried += 1
    assert tried >= 9
    assert "#2001" not in signed_in.get("/app/orders?q=2001").text
    assert "#2001" not in signed_in.get("/app/messages?state=failed").text
    assert "#2001" not in signed_in.get("/app/issues?show=failed").text
    after = scenes.snapshot(tea.ctx.database)
    apart = {"merchant_sessions"}
    assert {k: v for k, v in after.items() if k not in apart} == {k: v for k, v in before.items() if k not in apart}


def test_nobody_sees_them_without_signing_in(tea: Scene) -> None:
    for path in ("/app/orders", f"/app/orders/{tea.order_id}", "/app/messages", "/app/issues"):
        assert tea.app.test_client().get(path).status_code == 302



def test_a_dead_address_is_shown_and_freed_by_hand(signed_in: FlaskClient, tea: Scene) -> None:
    plan_all(tea)
    with tea.ctx.database.transaction() as session:
        address_marks.mark(session, tea.shop_id, scenes.ADDRESS, "dead", tea.ctx.clock.now(), about=tea.ctx.clock.now())
        lock_orders(session, [tea.order_id])
        replan(session, tea.ctx, [tea.order_id])
    page = signed_in.get(f"/app/orders/{tea.order_id}").text
    assert "The address is dead" in page
    page = post(signed_in, f"/app/orders/{tea.order_id}/address").text
    assert "planned anew" in page
    assert "It takes mail again" not in page
    assert {m.state for m in tea.rows(Message)} >= {"planned"}
    assert "nothing changed" in post(signed_in, f"/app/orders/{tea.order_id}/address").text
    assert "An address is written to again" in signed_in.get("/app/changes").text
    assert post(signed_in, "/app/orders/999/address").status_code == 404


def test_a_complaint_is_shown_and_not_the_shops_to_lift(signed_in: FlaskClient, tea: Scene) -> None:
    with tea.ctx.database.transaction() as session:
        now = tea.ctx.clock.now()
        address_marks.mark(session, tea.shop_id, scenes.ADDRESS, "complained", now, about=now)
    page = signed_in.get(f"/app/orders/{tea.order_id}").text
    assert "Called your mail spam" in page
    assert "It takes mail again" not in page
