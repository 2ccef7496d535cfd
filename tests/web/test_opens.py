from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from plugin.services.opens import record_reaction, without_pixel
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.tokens import OPEN
from plugin.web.scanners import is_machine_open
from tests.conftest import NOW
from tests.web.scenes import Scene
from tests.web.test_clicks import KAKAO, PHONE

GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE = "Mozilla/5.0"


def dot(scene: Scene) -> str:
    return f"/o/{scene.ctx.tokens.make(OPEN, scene.message_id)}"


def sent(scene: Scene, ago: timedelta = timedelta(minutes=5)) -> None:
    with scene.ctx.database.transaction() as session:
        message = session.get_one(Message, scene.message_id)
        message.state, message.sent_at, message.accepted_at = "sent", NOW, datetime.now(UTC) - ago


def settled(scene: Scene, times: int) -> None:
    """Wait until so many openings are written: an answer does not wait for long."""
    deadline = time.monotonic() + 10
    while sum(row.times for row in scene.rows(Open)) < times and time.monotonic() < deadline:
        time.sleep(0.02)


def opens(scene: Scene) -> list[tuple[bool, int]]:
    return sorted((row.by_machine, row.times) for row in scene.rows(Open))


def test_an_opening_is_remembered_once_and_counted(both: Scene) -> None:
    sent(both)
    client = both.app.test_client()
    for _ in range(2):
        answer = client.get(dot(both), headers={"User-Agent": PHONE})
    assert (answer.status_code, answer.mimetype, len(answer.data)) == (200, "image/gif", 42)
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert "Set-Cookie" not in answer.headers
    settled(both, 2)
    (row,) = both.rows(Open)
    assert (row.shop_id, row.by_machine, row.at, row.times) == (both.shop_id, False, NOW, 2)


def test_machines_are_set_apart(tea: Scene, client) -> None:
    sent(tea)
    for agent in (APPLE, "BarracudaCentral", "", GMAIL, KAKAO):
        client.get(dot(tea), headers={"User-Agent": agent})
    settled(tea, 5)
    assert opens(tea) == [(False, 2), (True, 3)]


@pytest.mark.parametrize("ago", [timedelta(seconds=1), None])
def test_what_opens_at_once_is_a_machine(tea: Scene, client, ago) -> None:
    if ago:
        sent(tea, ago)
    client.get(dot(tea), headers={"User-Agent": PHONE})
    settled(tea, 1)
    assert opens(tea) == [(True, 1)]


@pytest.mark.parametrize(
    ("agent", "machine"),
    [
        (PHONE, False), (GMAIL, False), (KAKAO, False), ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail", False),
        (APPLE, True), ("", True), ("python-requests/2.32", True), ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
    ],
)  # fmt: skip
def test_who_is_a_machine(agent: str, machine: bool) -> None:
    assert is_machine_open({"User-Agent": agent}) is machine


def test_a_bad_token_shows_the_dot_and_tells_nothing(tea: Scene, client) -> None:
    for path in ("/o/nonsense", f"/o/{tea.ctx.tokens.make('u', tea.message_id)}", dot(tea)[:-2]):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "image/gif")
    client.head(dot(tea))
    assert tea.rows(Open) == []


def test_an_unknown_message_or_an_erased_customer_is_not_remembered(tea: Scene, client) -> None:
    assert client.get(f"/o/{tea.ctx.tokens.make(OPEN, 999_999)}").status_code == 200
    with tea.ctx.database.transaction() as session:
        session.get_one(Order, tea.order_id).redacted_at = NOW
    assert client.get(dot(tea), headers={"User-Agent": PHONE}).status_code == 200
    assert tea.rows(Open) == []


def test_a_broken_database_breaks_no_picture(tea: Scene, client, caplog) -> None:
    with tea.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE opens RENAME TO gone")
    with caplog.at_level(logging.WARNING):
        assert client.get(dot(tea)).status_code == 200
    assert "open_lost" in caplog.text


def test_unsubscribing_is_a_reaction_to_the_message_once(both: Scene) -> None:
    client = both.app.test_client()
    for _ in range(2):
        client.post(both.url("u"))
    (row,) = both.rows(Reaction)
    assert (row.shop_id, row.message_id, row.kind, row.at) == (both.shop_id, both.message_id, "unsubscribed", NOW)


def test_a_reaction_to_a_message_that_is_gone_is_none(both: Scene) -> None:
    with both.ctx.database.transaction() as session:
        record_reaction(session, 999_999, "bounced", NOW)
    assert both.rows(Reaction) == []


def test_the_merchant_sees_the_mail_without_its_dot(tea: Scene) -> None:
    html = f'<p>Tea</p><img src="https://dasi.example{dot(tea)}" alt="" width="1"><img src="https://x.example/o.png">'
    assert without_pixel(html) == '<p>Tea</p><img src="https://x.example/o.png">'
