"""The rehearsal's page: the form, the parts that the browser carries on, and whose orders it plays."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.services import rehearsal as service
from plugin.store.models.customers import Customer
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from plugin.web.merchant import rehearsal
from tests.conftest import NOW
from tests.web.scenes import Scene

PAGE = "/app/rehearsal"
FORM = {
    "csrf": "", "marketing": "consent", "delivery_days": "7", "cap_messages": "2", "cap_days": "7",
    "quiet_start": "21:00", "quiet_end": "08:00",
    **{f"{step}_enabled": "yes" for step in rehearsal.STEPS}, **{f"{step}_unit": "days" for step in rehearsal.STEPS},
    **{f"{step}_delay": "4" for step in rehearsal.STEPS},
}  # fmt: skip


def csrf(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(PAGE).text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str = PAGE, **form: Any) -> Any:
    wanted = {**FORM, "csrf": csrf(client), **form} if path == PAGE else {"csrf": csrf(client), **form}
    return client.post(path, data={name: value for name, value in wanted.items() if value is not None})


def hidden(text: str) -> dict[str, str]:
    part = text[text.index('id="part"') :]
    return {n: html.unescape(v) for n, v in re.findall(r'name="(edit|so_far)" value="([^"]*)"', part)}


def more_orders(scene: Scene, count: int, shop_id: int | None = None, start: int = 2000) -> None:
    with scene.ctx.database.transaction() as session:
        for number in range(start, start + count):
            session.add(Order(
                shop_id=shop_id or scene.shop_id, platform_id=str(number), version="1", first_heard_at=NOW,
                placed_at=NOW - timedelta(days=20), name=f"#{number}", address=f"c{number}@example.com",
            ))  # fmt: skip


def test_the_form_shows_the_settings_in_force(signed_in: FlaskClient) -> None:
    text = signed_in.get(PAGE).text
    assert 'name="survey_delay"' in text
    assert re.search(r'name="survey_delay"[^>]*value="4"', text)
    assert "data-chart" not in text


def test_the_whole_at_once_without_javascript(signed_in: FlaskClient, tea: Scene) -> None:
    more_orders(tea, 3)
    answer = post(signed_in, whole="yes")
    assert answer.status_code == 200
    assert "What would happen" in answer.text
    assert "<b>4</b>orders" in answer.text
    assert "data-chart" in answer.text


def test_parts_are_carried_by_the_browser(signed_in: FlaskClient, tea: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "IN_ONE_PART", 2)
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)
    more_orders(tea, 5)
    text, parts = post(signed_in).text, 0
    assert 'hx-trigger="load"' in text
    while 'id="part"' in text:
        text, parts = post(signed_in, f"{PAGE}/part", **hidden(text)).text, parts + 1
    assert parts == 3
    assert "<html" not in text
    assert "<b>6</b>orders" in text


def test_what_was_carried_cannot_be_altered_or_used_elsewhere(
    signed_in: FlaskClient, tea: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "IN_ONE_PART", 1)
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)
    more_orders(tea, 5)
    first = hidden(post(signed_in).text)
    carried = hidden(post(signed_in, f"{PAGE}/part", **first).text)
    other_edit = hidden(post(signed_in, survey_enabled=None).text)["edit"]
    with tea.ctx.database.transaction() as session:
        shop = session.get_one(Shop, tea.shop_id)
        assert shop
    for form in (
        {**carried, "so_far": carried["so_far"][:-2] + "xx"},
        {**carried, "edit": other_edit},
        {**carried, "edit": "{}"},
        {**carried, "edit": "not json"},
        {**carried, "edit": '{"steps": {"nothing": {}}}'},
        {"so_far": carried["so_far"]},
    ):
        assert post(signed_in, f"{PAGE}/part", **form).status_code == 422


def test_another_shops_progress_is_refused_and_its_orders_are_not_played(
    signed_in: FlaskClient, tea: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tea.ctx.database.transaction() as session:
        other = Shop(platform="shopify", domain="other.myshopify.com", code="other", live=True, installed_at=NOW)
        session.add(other)
        session.flush()
        other_id = other.id
        session.add(Customer(shop_id=other_id, platform_id="501"))
    more_orders(tea, 4, other_id, 5000)
    assert "<b>1</b>orders" in post(signed_in, whole="yes").text
    assert "#5000" not in post(signed_in, whole="yes").text
    edit = hidden(post(signed_in).text)["edit"]
    done = service.rehearse(tea.ctx, other_id, rehearsal.ShopSettings())
    with tea.app.test_request_context():
        foreign = rehearsal._signer().dumps([other_id, edit, done.dump()])
    assert post(signed_in, f"{PAGE}/part", edit=edit, so_far=foreign).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [("survey_delay", "-1"), ("survey_delay", "9999999"), ("survey_delay", "121"), ("survey_unit", "years"),
     ("delivery_days", "0"), ("marketing", "everyone")],
)  # fmt: skip
def test_what_cannot_be_used_is_said(signed_in: FlaskClient, field: str, value: str) -> None:
    answer = post(signed_in, **{field: value})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_settings_as_edited_are_played_and_not_stored(signed_in: FlaskClient, tea: Scene) -> None:
    with tea.ctx.database.reading() as session:
        before = session.get_one(Shop, tea.shop_id).settings
        assert session.query(Parcel).count() >= 1
    text = post(signed_in, survey_enabled=None, whole="yes").text
    assert "The step is switched off" in text
    assert not re.search(r'name="survey_enabled" value="yes" checked', text)
    with tea.ctx.database.reading() as session:
        assert session.get_one(Shop, tea.shop_id).settings == before


def test_it_needs_a_session_and_the_forms_own_token(tea: Scene, signed_in: FlaskClient) -> None:
    assert tea.app.test_client().get(PAGE).status_code == 302
    assert tea.app.test_client().post(PAGE, data=FORM).status_code in (302, 401)
    assert signed_in.post(PAGE, data=FORM).status_code == 403
