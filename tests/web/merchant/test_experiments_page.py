"""The page of what each step brings: its percentages, the question before more are kept out, and the report."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.store.models.customers import Customer
from plugin.store.models.holdouts import Holdout
from plugin.store.models.merchants import Change
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import load_settings
from tests.conftest import NOW
from tests.web.scenes import Scene

PAGE = "/app/experiments"


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(PAGE).text)
    assert found
    return found[1]


def percent(tea: Scene, step: str) -> int:
    [shop] = tea.rows(Shop, id=tea.shop_id)
    return load_settings(shop.settings).step(step).holdout_percent


def test_it_asks_before_customers_are_kept_out_and_says_whom(signed_in: FlaskClient, tea: Scene) -> None:
    assert "Nothing is being compared" in signed_in.get(PAGE).text
    form = {"csrf": csrf(signed_in), "step": "survey", "percent": "10"}
    asked = signed_in.post(PAGE, data=form)
    assert "Keep 10% of customers out of “Survey”?" in asked.text
    assert percent(tea, "survey") == 0
    saved = signed_in.post(PAGE, data={**form, "sure": "yes"}, follow_redirects=True)
    assert "10% kept out" in saved.text
    assert percent(tea, "survey") == 10
    assert [line.what for line in tea.rows(Change, shop_id=tea.shop_id)][-1] == "step.survey"


def test_fewer_are_kept_out_without_asking(signed_in: FlaskClient, tea: Scene) -> None:
    form = {"csrf": csrf(signed_in), "step": "survey"}
    signed_in.post(PAGE, data={**form, "percent": "20", "sure": "yes"})
    signed_in.post(PAGE, data={**form, "percent": "0"})
    assert percent(tea, "survey") == 0


@pytest.mark.parametrize("typed", ["51", "-1", "ten", "", "1.5", "１０"])
def test_a_wrong_percentage_is_said_beside_its_field(signed_in: FlaskClient, tea: Scene, typed: str) -> None:
    answer = signed_in.post(PAGE, data={"csrf": csrf(signed_in), "step": "survey", "percent": typed})
    assert answer.status_code == 422
    assert "A whole number from 0 to 50." in answer.text
    assert percent(tea, "survey") == 0


def test_the_report_says_what_the_numbers_allow(signed_in: FlaskClient, tea: Scene) -> None:
    """900 who got it, of whom 270 bought again, and 100 who did not, of whom 15 did: 15 points more."""
    with tea.ctx.database.transaction() as session:
        began = NOW - timedelta(days=60)
        for number in range(1000):
            person = Customer(shop_id=tea.shop_id, platform_id=f"x{number}")
            session.add(person)
            session.flush()
            out, buys = number >= 900, number < 270 or 900 <= number < 915
            session.add(Holdout(shop_id=tea.shop_id, customer_id=person.id, order_id=tea.order_id, step="cross_sell",
                                kept_out=out, percent=10, at=began, until=began + timedelta(days=30)))  # fmt: skip
            if buys:
                session.add(Order(
                    shop_id=tea.shop_id, customer_id=person.id, platform_id=f"o{number}", version="1", name="#1",
                    placed_at=began + timedelta(days=9), first_heard_at=began, total_minor=5_000, currency="EUR",
                    test=False, lines=[], refunds={}, edits={},
                ))  # fmt: skip
    page = signed_in.get(PAGE).text
    assert "bought again more often: +15.0 points" in page
    assert "Ended" in page
    assert "900" in page
