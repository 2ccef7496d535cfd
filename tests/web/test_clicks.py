from __future__ import annotations

import logging
import threading
import time

import pytest

from plugin.store.models.messages import Click
from plugin.store.models.orders import Order
from plugin.web.scanners import is_scanner
from tests.conftest import NOW
from tests.web.scenes import Scene

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
KAKAO = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 KAKAOTALK 11.0"


@pytest.mark.parametrize(
    "target",
    ["https://haneul.example/p/1?a=1&b=2#c", "http://127.0.0.1:8000/demo/shop", "https://haneul.example/차?q=녹차"],
)
def test_a_click_goes_on_and_is_remembered(both: Scene, target):
    answer = both.app.test_client().get(both.url("c", target=target), headers={"User-Agent": PHONE})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(target.split("차")[0])
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [(row.target, row.at, row.by_scanner) for row in both.rows_soon(Click)] == [(target, NOW, False)]


@pytest.mark.parametrize("target", ["javascript:alert(1)", "//evil.example", "/demo", "data:text/html,x", "ftp://a/"])
def test_only_web_addresses_are_followed(tea: Scene, client, target):
    assert client.get(tea.url("c", target=target)).status_code == 404
    assert tea.rows(Click) == []


@pytest.mark.parametrize(
    ("method", "headers", "scanner"),
    [
        ("GET", {"User-Agent": PHONE}, False),
        ("GET", {"User-Agent": KAKAO}, False),
        ("HEAD", {"User-Agent": PHONE}, True),
        ("GET", {"User-Agent": PHONE, "Sec-Purpose": "prefetch;prerender"}, True),
        ("GET", {"User-Agent": PHONE, "Purpose": "prefetch"}, True),
        ("GET", {"User-Agent": PHONE, "X-Moz": "prefetch"}, True),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, True),
        ("GET", {"User-Agent": "Slackbot-LinkExpanding 1.0"}, True),
        ("GET", {"User-Agent": "facebookexternalhit/1.1; kakaotalk-scrap/1.0"}, True),
        ("GET", {"User-Agent": "BarracudaCentral"}, True),
        ("GET", {"user-agent": "python-requests/2.32"}, True),
        ("GET", {"User-Agent": ""}, True),
        ("GET", {}, True),
    ],
)
def test_scanners_are_told_from_people(method, headers, scanner):
    assert is_scanner(method, headers) is scanner


def test_a_scanners_visit_is_marked(tea: Scene, client):
    client.head(tea.url("c"), headers={"User-Agent": PHONE})
    client.get(tea.url("c"), headers={"User-Agent": "curl/8"})
    assert [row.by_scanner for row in tea.rows_soon(Click, 2)] == [True, True]


def test_a_broken_database_bars_nobodys_way(tea: Scene, client, caplog):
    with tea.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE clicks RENAME TO gone")
    with caplog.at_level(logging.WARNING):
        assert client.get(tea.url("c")).status_code == 302
    assert "click_lost" in caplog.text


@pytest.mark.alone
def test_a_locked_database_delays_nobody(tea: Scene, client):
    with tea.ctx.database.transaction():
        started = time.monotonic()
        assert client.get(tea.url("c")).status_code == 302
        assert time.monotonic() - started < 2
    assert len(tea.rows_soon(Click)) == 1


def test_an_unknown_message_or_an_erased_customer_still_goes_on(tea: Scene, client):
    token = tea.ctx.tokens.make("c", 999_999, "https://haneul.example/")
    assert client.get(f"/c/{token}").status_code == 302
    with tea.ctx.database.transaction() as session:
        session.get_one(Order, tea.order_id).redacted_at = NOW
    assert client.get(tea.url("c")).status_code == 302
    assert tea.rows(Click) == []


def test_many_at_once(tea: Scene):
    def visit() -> None:
        assert tea.app.test_client().get(tea.url("c"), headers={"User-Agent": PHONE}).status_code == 302

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tea.rows_soon(Click, 8)) == 8
