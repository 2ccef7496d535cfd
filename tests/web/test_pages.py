"""What all customer pages have in common: tokens, languages, privacy, and that looking changes nothing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.tokens import Tokens
from tests.conftest import NOW
from tests.web.scenes import ADDRESS, Scene, snapshot

PAGES = ("u", "s", "d")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("answered", [False, True])
def test_looking_changes_nothing(both: Scene, method, answered):
    client = both.app.test_client()
    if answered:
        client.post(both.url("u"))
        client.post(both.url("s"), data={"satisfaction": "3"})
        client.post(both.url("d"), data={"answer": "not_yet"})
    before = snapshot(both.ctx.database)
    for page in PAGES:
        for query in ("", "?score=5", "?answer=yes", "?action=unsubscribe&List-Unsubscribe=One-Click"):
            assert client.open(both.url(page) + query, method=method).status_code == 200
    assert snapshot(both.ctx.database) == before


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_private(tea: Scene, client, page):
    for answer in (client.get(tea.url(page)), client.get(f"/{page}/nonsense"), client.get(f"/{page}/a/b")):
        headers = answer.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src https: data:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        assert "Set-Cookie" not in headers
        assert '<meta name="robots" content="noindex' in answer.text
        assert not re.search(r"<script|\son\w+=|\sstyle=|<style|javascript:", answer.text)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_the_shop_its_colour_and_how_to_reach_it(tea: Scene, client, page):
    text = client.get(tea.url(page)).text
    for part in (
        "Haneul Tea", "/colour/1f5f5b.css", "mailto:help@haneul.example", "tel:+8225550100", "https://haneul.example/help",
        "Haneul Tea Ltd", '<html lang="en">',
    ):  # fmt: skip
        assert part in text
    assert ADDRESS not in text


@pytest.mark.parametrize(
    ("locale", "shop_language", "lang"),
    [("ko", None, "ko"), ("ko-KR", None, "ko"), ("en-GB", "ko", "en"), ("de", "ko", "en"), (None, "ko", "ko"),
     (None, None, "en")],
)  # fmt: skip
@pytest.mark.parametrize("page", PAGES)
def test_pages_speak_the_orders_language(tea: Scene, client, page, locale, shop_language, lang):
    with tea.ctx.database.transaction() as session:
        session.get_one(Order, tea.order_id).locale = locale
        shop = session.get_one(Shop, tea.shop_id)
        shop.settings = {**shop.settings, "language": shop_language}
    answer = client.get(tea.url(page), headers={"Accept-Language": "ko" if lang == "en" else "en"})
    assert f'<html lang="{lang}">' in answer.text
    assert answer.headers["Content-Language"] == lang


@pytest.mark.parametrize("page", [*PAGES, "c"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("asked", "says"), [("ko-KR,en;q=0.5", "링크가 열리지 않습니다"), ("de", "does not work")])
def test_an_altered_token_is_answered_in_plain_words(tea: Scene, client, page, method, asked, says):
    token = tea.url(page).rpartition("/")[2]
    others = Tokens("another key")
    bad = ["x", token[:-1], token + "x", others.make(page, tea.message_id), tea.url("u" if page != "u" else "s")[3:]]
    for wrong in bad:
        answer = client.open(f"/{page}/{wrong}", method=method, headers={"Accept-Language": asked})
        if page == "c" and method == "POST":
            assert answer.status_code == 405
        else:
            assert answer.status_code == 404
            assert says in answer.text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("values", [(999_999,), ("1",), (True,), (), (1, 2, 3), (1.5,), (None,)])
def test_a_signed_token_of_another_shape_or_message_is_unknown(tea: Scene, client, page, values):
    token = tea.ctx.tokens.make(page, *values, *(["9001"] if page == "d" and values == (999_999,) else []))
    assert client.get(f"/{page}/{token}").status_code == 404
    assert client.post(f"/{page}/{token}").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_an_erased_order_has_a_friendly_end(tea: Scene, client, page):
    with tea.ctx.database.transaction() as session:
        session.get_one(Order, tea.order_id).redacted_at = NOW
    before = snapshot(tea.ctx.database)
    form = {"satisfaction": "5", "answer": "yes"}
    for answer in (client.get(tea.url(page)), client.post(tea.url(page), data=form)):
        assert answer.status_code == 410
        assert "has been erased" in answer.text
    assert snapshot(tea.ctx.database) == before


def test_a_message_reaches_its_own_shop_only(tea: Scene, client):
    """A row that points into another shop is an error of ours, and must not become a way in."""
    with tea.ctx.database.transaction() as session:
        other = Shop(
            platform="shopify", domain="other.myshopify.com", code="otherother", installed_at=NOW - timedelta(days=1),
            settings={},
        )  # fmt: skip
        session.add(other)
        session.flush()
        session.get_one(Message, tea.message_id).shop_id = other.id
    form = {"satisfaction": "5", "answer": "yes"}
    before = snapshot(tea.ctx.database)
    for page in PAGES:
        assert client.get(tea.url(page)).status_code == 404
        assert client.post(tea.url(page), data=form).status_code == 404
    assert snapshot(tea.ctx.database) == before


@pytest.mark.parametrize("page", PAGES)
def test_a_database_that_is_away_is_said_in_plain_words(tea: Scene, page):
    client = tea.app.test_client()
    url = tea.url(page)
    with tea.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE messages RENAME TO gone")
    answer = client.post(url, data={"satisfaction": "5", "answer": "yes"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "try again in a few minutes" in answer.text


def test_a_name_full_of_markup_is_text(tea: Scene, client):
    evil = '"><script>alert(1)</script>'
    with tea.ctx.database.transaction() as session:
        order = session.get_one(Order, tea.order_id)
        order.name = evil
        order.lines = [{**order.lines[0], "title": evil}]
        session.get_one(Shop, tea.shop_id).name = evil
    for page in PAGES:
        text = client.get(tea.url(page)).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_broken_settings_of_the_shop_bar_nobodys_way_out(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        session.get_one(Shop, tea.shop_id).settings = {"no": "such field"}
    answer = client.get(tea.url("u"))
    assert answer.status_code == 200
    assert "owner@haneul.example" in answer.text
