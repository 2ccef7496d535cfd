"""The page of figures, its charts' data and its CSV."""

from __future__ import annotations

import csv
import html
import json
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.services.figure_days import roll_up
from plugin.store.models.figures import Open
from plugin.store.models.messages import Click, Message
from plugin.store.models.shops import Shop
from tests.conftest import NOW
from tests.web.scenes import Scene

PAGE = "/app/figures"


@pytest.fixture
def busy(tea: Scene) -> Scene:
    """Twelve surveys and eight cross-sells, of which some came to something; and another shop's."""
    with tea.ctx.database.transaction() as session:
        other = Shop(platform="shopify", domain="other.myshopify.com", code="other", live=True, installed_at=NOW)
        session.add(other)
        session.flush()
        for number in range(45):
            whose = tea.shop_id if number < 20 else other.id
            message = Message(
                shop_id=whose, order_id=tea.order_id, sent_at=NOW - timedelta(days=number % 20, hours=1),
                flow="post_purchase", step="survey" if number < 12 else "cross_sell", subject=f"n{number}",
                state="sent", channel="email", reason="sent", message_class="service", parcels=[],
            )  # fmt: skip
            session.add(message)
            session.flush()
            mine = {"shop_id": whose, "message_id": message.id, "at": NOW}
            if number % 3 == 0:
                session.add(Open(by_machine=number % 2 == 0, last_at=NOW, **mine))
            if number % 4 == 0:
                session.add(Click(target="https://x/", by_scanner=False, **mine))
    return tea


def charts(text: str) -> list[dict[str, object]]:
    return [json.loads(html.unescape(found)) for found in re.findall(r"data-chart='([^']*)'", text)]


def test_the_numbers_stand_beside_the_charts(signed_in: FlaskClient, busy: Scene) -> None:
    for _ in range(2):
        text = signed_in.get(PAGE).text
        assert "<b>20</b>Sent" in text
        assert "<b>3</b>Opened" in text
        assert "and 4 by machines only" in text
        assert "<b>5</b>Clicked" in text
        sent, came = charts(text)
        assert len(sent["labels"]) == 30  # type: ignore[arg-type]
        assert sum(sum(one["values"]) for one in sent["series"]) == 20  # type: ignore[attr-defined]
        assert [one["name"] for one in came["series"]] == ["Opened", "Clicked", "Orders after"]  # type: ignore[attr-defined]
        roll_up(busy.ctx)
    assert "Past days as known at Mon 2 Nov 2026" in text


@pytest.mark.parametrize(("period", "marks"), [("7", 7), ("30", 30), ("90", 13), ("months", 12)])
def test_periods(signed_in: FlaskClient, busy: Scene, period: str, marks: int) -> None:
    text = signed_in.get(f"{PAGE}?period={period}").text
    assert len(charts(text)[0]["labels"]) == marks  # type: ignore[arg-type]
    assert f'href="{PAGE}?period={period}" aria-current="true"' in text


def test_an_empty_shop_and_an_unknown_period(signed_in: FlaskClient) -> None:
    assert "Nothing was sent" in signed_in.get(PAGE).text
    assert signed_in.get(f"{PAGE}?period=8").status_code == 404


def test_csv_through_the_pages_link(signed_in: FlaskClient, busy: Scene) -> None:
    link = html.unescape(re.findall(r'href="(/app/figures/csv[^"]*)"', signed_in.get(f"{PAGE}?period=7").text)[0])
    stranger = busy.app.test_client()
    answer = stranger.get(link)
    assert answer.mimetype == "text/csv"
    assert 'attachment; filename="dasi-haneul-2026-10-27-2026-11-02.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert sum(int(row["sent"]) for row in rows) == 7
    assert stranger.get(link.replace("/csv", "")).status_code in (302, 401, 403)
    assert stranger.get("/app/figures/csv").status_code == 302


def test_which_mails_tell_of_their_opening(signed_in: FlaskClient, busy: Scene) -> None:
    token = re.findall(r'name="csrf-token" content="([^"]+)"', signed_in.get(PAGE).text)[0]
    assert signed_in.post(f"{PAGE}/opens", data={"csrf": token, "track_opens": "all"}).status_code == 303
    with busy.ctx.database.reading() as session:
        assert session.get_one(Shop, busy.shop_id).settings["track_opens"] == "all"
    assert 'value="all" checked' in signed_in.get(PAGE).text
    assert "Messages that tell of their opening" in signed_in.get("/app/changes").text
    assert signed_in.post(f"{PAGE}/opens", data={"csrf": token, "track_opens": "some"}).status_code == 422
    assert signed_in.post(f"{PAGE}/opens", data={"track_opens": "off"}).status_code == 403
