"""The sender's address on the pages: set, asked, confirmed; what its domain says; and what home says of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from plugin.services.sender_check import mail_questions
from plugin.services.shop_work import work_off
from plugin.store.models.senders import SenderCheck
from plugin.store.models.shops import Shop
from tests.services.world import Sink, body
from tests.web.merchant.test_orders import csrf
from tests.web.scenes import Scene

PAGE = "/app/settings/sender"
ZONE = {"haneul.example": ["v=spf1 +all"], "_dmarc.haneul.example": ["v=DMARC1; p=none"]}


def post(client: FlaskClient, path: str, **form: Any) -> Any:
    return client.post(path, data={**form, "csrf": csrf(client, "/app")}, follow_redirects=True)


@pytest.fixture
def sink(tea: Scene, signed_in: FlaskClient) -> Sink:
    """The merchant set an address, and its link was mailed."""
    tea.ctx.txt_asker = lambda: lambda name: ZONE.get(name, [])  # type: ignore[misc]
    assert "No sender address of your own" in signed_in.get("/app").text
    assert post(signed_in, "/app/settings", **{"sender.email": "hello@haneul.example"}).status_code == 200
    sink = Sink()
    assert mail_questions(tea.ctx, sink) == 1
    return sink


def link(sink: Sink) -> str:
    found = re.search(r"(/sender/[\w-]+)", body(sink.parsed()[-1], "html"))
    assert found
    return found[1]


def test_the_whole_way(tea: Scene, signed_in: FlaskClient, sink: Sink) -> None:
    assert "Link sent" in signed_in.get("/app/settings").text
    assert "A link went to hello@haneul.example" in signed_in.get("/app").text
    stranger = tea.app.test_client()  # whoever reads the mail is not signed in
    seen = stranger.get(link(sink))
    assert (seen.status_code, seen.headers["Cache-Control"], seen.headers["Referrer-Policy"]) == (
        200, "no-store", "no-referrer")  # fmt: skip
    assert "hello@haneul.example" in seen.text
    assert "Link sent" in signed_in.get(PAGE).text  # a scanner's GET confirms nothing
    assert "is confirmed as the sender address of Haneul Tea" in stranger.post(link(sink)).text
    for again in (stranger.get(link(sink)), stranger.post(link(sink)), stranger.get("/sender/nonsense")):
        assert again.status_code == 404
    assert "Confirmed" in signed_in.get(PAGE).text
    home = signed_in.get("/app").text
    assert "sender address of your own" not in home
    assert "A link went to" not in home
    assert "A sender address was confirmed" in signed_in.get("/app/changes").text


def test_home_says_when_the_link_lapsed(tea: Scene, signed_in: FlaskClient, sink: Sink) -> None:
    with tea.ctx.database.transaction() as session:
        session.execute(update(SenderCheck).values(expires_at=tea.ctx.clock.now().replace(year=2000)))
    assert "Nobody has confirmed yet that hello@haneul.example is yours" in signed_in.get("/app").text
    assert "one was sent a moment ago" in post(signed_in, f"{PAGE}/ask").text


def test_going_live_warns_and_goes(tea: Scene, signed_in: FlaskClient, sink: Sink) -> None:
    with tea.ctx.database.transaction() as session:
        session.execute(update(Shop).values(live=False))
    assert "You may go live all the same" in signed_in.get("/app/live").text
    post(signed_in, "/app/live")
    with tea.ctx.database.reading() as session:
        assert session.get_one(Shop, tea.shop_id).live


def test_what_the_domain_says(tea: Scene, signed_in: FlaskClient, sink: Sink) -> None:
    assert "Not looked up yet" in signed_in.get(PAGE).text
    while work_off(tea.ctx):
        pass
    text = signed_in.get(PAGE).text
    for words in ("Could be stricter", "v=spf1 +all", "lets everybody send", "only watches", "Not visible"):
        assert words in text
    assert "It is being looked up" in post(signed_in, f"{PAGE}/look").text


def test_without_an_address_the_page_leads_to_the_settings(signed_in: FlaskClient) -> None:
    text = signed_in.get(PAGE).text
    assert 'href="/app/settings#sender"' in text
    assert f'action="{PAGE}/ask"' not in text
    assert "No link was sent" in post(signed_in, f"{PAGE}/ask").text
