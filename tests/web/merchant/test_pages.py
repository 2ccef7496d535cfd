"""What the pages do: the flow's switches and delays, what they do to messages that wait, settings, going live."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.domain.flows import State
from plugin.services import replanning
from plugin.services.replanning import follow
from plugin.services.shop_work import work_off
from plugin.services.shops import shop_of
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product
from plugin.store.models.shops import Shop
from schemas.settings import load_settings
from tests.web.scenes import Scene, add_order

DAY = timedelta(days=1)


@pytest.fixture
def delivered(tea: Scene) -> Scene:
    """Ten more orders, delivered a day ago: their surveys are due in three days. The first one is not shipped yet."""
    with tea.ctx.database.transaction() as session:
        shop, now = shop_of(session, tea.shop_id), tea.ctx.clock.now()
        session.delete(session.get_one(Message, tea.message_id))
        session.query(Parcel).delete()
        for number in range(2001, 2011):
            message = add_order(session, tea.ctx, shop, None, str(number))
            parcel = session.query(Parcel).filter_by(order_id=message.order_id).one()
            parcel.delivered_at = now - DAY
            session.flush()
        follow(session, tea.ctx, shop)
    return tea


def post(client: FlaskClient, path: str, **form: str) -> Any:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/app").text)
    assert found
    return client.post(path, data={"csrf": found.group(1), **form})


def dues(tea: Scene, step: str = "survey") -> list[Any]:
    """Days until each dated message of the step; the state of those without a date."""
    now = tea.ctx.clock.now()
    rows = tea.rows(Message, step=step)
    return sorted(((row.due_at - now) / DAY if row.due_at else row.state for row in rows), key=str)


def settings_of(tea: Scene) -> Any:
    return load_settings(tea.rows(Shop)[0].settings)


# -- home -------------------------------------------------------------------------------------------------------------
def test_home_shows_the_flow_with_its_counts(delivered: Scene, signed_in: FlaskClient):
    text = signed_in.get("/app").text
    for name in ("Thank-you", "Shipped", "Delivered", "Survey", "Cross-sell", "Cross-sell follow-up"):
        assert f">{name}</a></h3>" in text
    assert text.count('role="switch" aria-checked="true"') == 6
    assert "<b>10</b> planned" in text
    assert "4 days after the last delivery" in text


def test_home_names_what_needs_attention(delivered: Scene, signed_in: FlaskClient):
    with delivered.ctx.database.transaction() as session:
        message = session.query(Message).filter_by(step="survey").first()
        assert message
        message.state, message.reason, message.due_at = State.FAILED, "refused", delivered.ctx.clock.now()
    text = signed_in.get("/app").text
    assert "message failed in the last 7 days" in text
    assert "No sender address of your own" in text


def test_first_steps_are_ticked_off_and_taken_back(tea: Scene, signed_in: FlaskClient):
    assert "Switch off the shop&#39;s own duplicate emails" in signed_in.get("/app").text
    post(signed_in, "/app/first-steps", name="own_mails", done="yes")
    assert settings_of(tea).done == ("own_mails",)
    post(signed_in, "/app/first-steps", name="own_mails", done="no")
    assert settings_of(tea).done == ()
    assert post(signed_in, "/app/first-steps", name="live", done="yes").status_code == 422


# -- a step -----------------------------------------------------------------------------------------------------------
def test_a_delay_says_first_what_it_does_to_what_waits(delivered: Scene, signed_in: FlaskClient):
    assert dues(delivered) == [3.0] * 10 + ["waiting"]
    asked = post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days")
    assert asked.status_code == 200
    assert "10 move to Fri 6 November." in asked.text
    assert "1 message waits for news of its order" in asked.text
    assert dues(delivered) == [3.0] * 10 + ["waiting"]  # nothing is stored yet
    assert settings_of(delivered).delay_minutes("survey") == 4 * 24 * 60


def test_applied_to_what_waits_it_does_just_that(delivered: Scene, signed_in: FlaskClient):
    answer = post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", apply="all")
    assert answer.headers["Location"] == "/app/steps/survey?said=saved"
    assert dues(delivered) == [4.0] * 10 + ["waiting"]


def test_for_new_orders_only_is_kept_by_every_later_planning(delivered: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", apply="new")
    assert dues(delivered) == [3.0] * 10 + ["waiting"]
    with delivered.ctx.database.transaction() as session:
        shop = shop_of(session, delivered.shop_id)
        message = add_order(session, delivered.ctx, shop, None, "3001")
        order = session.get_one(Order, message.order_id)
        parcel = session.query(Parcel).filter_by(order_id=order.id).one()
        order.placed_at, parcel.delivered_at = delivered.ctx.clock.now() + timedelta(hours=1), delivered.ctx.clock.now()
        session.flush()
        follow(session, delivered.ctx, shop)
    assert dues(delivered) == [3.0] * 10 + [5.0, "waiting"]
    assert "keep this delay: 4 days" in signed_in.get("/app/steps/survey").text
    post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", survey_minutes="2")
    assert dues(delivered) == [3.0] * 10 + [5.0, "waiting"]  # a change of something else leaves the choice alone
    asked = post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", again="yes").text
    assert "will hold for earlier orders too" in asked
    assert "10 move to Fri 6 November." in asked
    post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", apply="all")
    assert dues(delivered) == [4.0] * 10 + [5.0, "waiting"]
    assert settings_of(delivered).step("survey").earlier == ()


def test_switching_off_ends_what_waits_or_spares_it(delivered: Scene, signed_in: FlaskClient):
    asked = post(signed_in, "/app/steps/survey/switch", enabled="no")
    assert "11 are not sent any more." in asked.text
    post(signed_in, "/app/steps/survey/switch", enabled="no", apply="new")
    assert dues(delivered) == [3.0] * 10 + ["waiting"]
    post(signed_in, "/app/steps/survey/switch", enabled="no", apply="all")
    assert dues(delivered) == ["withheld"] * 11
    again = post(signed_in, "/app/steps/survey/switch", enabled="yes")
    assert "10 more go on Thu 5 November." in again.text
    assert "waits for news" not in asked.text
    post(signed_in, "/app/steps/survey/switch", enabled="yes", apply="all")
    assert dues(delivered) == [3.0] * 10 + ["waiting"]


def test_what_would_be_due_already_leaves_at_once_or_is_too_late(delivered: Scene, signed_in: FlaskClient):
    assert "10 leave at once." in post(signed_in, "/app/steps/survey", enabled="yes", delay="0", unit="days").text
    delivered.ctx.clock.move(timedelta(days=16))  # type: ignore[attr-defined]
    text = post(signed_in, "/app/steps/survey", enabled="yes", delay="0", unit="days").text
    assert "10 would be too late by now and are not sent." in text


@pytest.mark.parametrize(
    "form",
    [{"delay": "-1"}, {"delay": ""}, {"delay": "x"}, {"delay": "121"}, {"delay": "3", "unit": "years"}, {"delay": "٣"}],
)
def test_a_delay_that_is_none_is_refused(tea: Scene, signed_in: FlaskClient, form: dict[str, str]):
    answer = post(signed_in, "/app/steps/survey", **{"enabled": "yes", "unit": "days", **form})
    assert answer.status_code == 422
    assert "at most 120 days" in answer.text
    assert settings_of(tea).delay_minutes("survey") == 4 * 24 * 60


@pytest.mark.parametrize("minutes", ["0", "31", "0010000", "x", "", "-1"])
def test_the_surveys_minutes_are_few(tea: Scene, signed_in: FlaskClient, minutes: str):
    form = {"enabled": "yes", "delay": "4", "unit": "days", "survey_minutes": minutes}
    assert post(signed_in, "/app/steps/survey", **form).status_code == 422
    assert settings_of(tea).survey_minutes == 1


@pytest.mark.parametrize(("delay", "warned"), [("2", True), ("3", False), ("5", False), ("6", True)])
def test_the_survey_warns_outside_the_advised_days(tea: Scene, signed_in: FlaskClient, delay: str, warned: bool):
    post(signed_in, "/app/steps/survey", enabled="yes", delay=delay, unit="days", apply="all")
    assert ("Outside what works well" in signed_in.get("/app/steps/survey").text) is warned


def test_products_get_a_page_on_using_them(tea: Scene, signed_in: FlaskClient):
    with tea.ctx.database.transaction() as session:
        session.add(Product(shop_id=tea.shop_id, platform_id="7001", version="1", title="Green <tea>"))
        session.add(Product(shop_id=tea.shop_id, platform_id="7002", version="1", title="100% wool_scarf"))
    assert "Green &lt;tea&gt;" in signed_in.get("/app/steps/delivered?q=TEA").text
    assert "wool_scarf" not in signed_in.get("/app/steps/delivered?q=woolxscarf").text
    post(signed_in, "/app/steps/delivered/how-to", **{"url:7001": " https://haneul.example/brew "})
    assert settings_of(tea).how_to == {"7001": "https://haneul.example/brew"}
    wrong = post(signed_in, "/app/steps/delivered/how-to", **{"url:7001": "javascript:alert(1)"})
    assert wrong.status_code == 422
    post(signed_in, "/app/steps/delivered/how-to", **{"url:7001": ""})
    assert settings_of(tea).how_to == {}


# -- settings ---------------------------------------------------------------------------------------------------------
def test_settings_are_saved_and_noted(tea: Scene, signed_in: FlaskClient):
    answer = post(signed_in, "/app/settings", **{
        "sender.name": "Haneul", "sender.email": "hi@haneul.example", "brand.colour": "#ffcc00", "delivery_days": "3",
        "marketing": "soft_opt_in", "quiet.start": "21:00", "quiet.end": "08:00", "cap.messages": "2", "cap.days": "7",
        "language": "ko", "max_per_hour": "",
    })  # fmt: skip
    assert answer.status_code == 303
    told = settings_of(tea)
    assert (told.sender.email, told.delivery_days) == ("hi@haneul.example", 3)
    assert (told.marketing, told.language) == ("soft_opt_in", "ko")
    assert told.quiet_hours is not None
    assert told.cap is not None
    assert told.support.email == "help@haneul.example"  # not in the form, so as it was
    text = signed_in.get("/app/changes").text
    for part in ("someone with a login link", "hi@haneul.example", "Delivery time in days", "#1f5f5b", "#ffcc00"):
        assert part in text
    assert "contrast" in signed_in.get("/app/settings").text
    post(signed_in, "/app/settings", **{"quiet.start": "", "quiet.end": "", "cap.messages": "", "cap.days": ""})
    assert (settings_of(tea).quiet_hours, settings_of(tea).cap) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender.email", "nobody"), ("brand.colour", "red"), ("brand.colour", ""), ("brand.logo_url", "javascript:x"),
        ("support.help_url", "haneul.example"), ("delivery_days", "0"), ("delivery_days", "x"), ("marketing", "all"),
        ("sender.name", "a\nb"), ("max_per_hour", "-1"), ("language", "fr"),
    ],
)  # fmt: skip
def test_wrong_settings_are_said_and_nothing_is_saved(tea: Scene, signed_in: FlaskClient, field: str, value: str):
    before = tea.rows(Shop)[0].settings
    answer = post(signed_in, "/app/settings", **{field: value, "support.phone": "+82 2 555 9999"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "+82 2 555 9999" in answer.text  # what was typed is not lost
    assert tea.rows(Shop)[0].settings == before


def test_half_of_a_pair_is_wrong(tea: Scene, signed_in: FlaskClient):
    assert post(signed_in, "/app/settings", **{"quiet.start": "21:00", "quiet.end": ""}).status_code == 422
    assert post(signed_in, "/app/settings", **{"cap.messages": "", "cap.days": "7"}).status_code == 422


def test_nothing_changed_is_not_noted(tea: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/settings", **{"support.email": "help@haneul.example"})
    assert tea.rows(Change) == []


def test_the_change_log_has_pages(tea: Scene, signed_in: FlaskClient):
    for number in range(55):
        post(signed_in, "/app/settings", **{"support.phone": f"+82 2 555 01{number:02}"})
    first = signed_in.get("/app/changes").text
    assert first.count("<li>") >= 50
    older = re.search(r'href="(/app/changes\?before=\d+)"', first)
    assert older
    assert "Older changes" not in signed_in.get(older.group(1)).text
    assert signed_in.get("/app/changes?before=x").status_code == 200


# -- going live -------------------------------------------------------------------------------------------------------
def test_going_live_shows_first_what_would_leave(delivered: Scene, signed_in: FlaskClient):
    post(signed_in, "/app/live/pause")
    assert delivered.rows(Shop)[0].live is False
    assert {row.state for row in delivered.rows(Message, step="survey") if row.due_at} == {"held"}
    assert "<b>10</b> planned" in signed_in.get("/app").text  # held, and yet with a date
    delivered.ctx.clock.move(timedelta(days=4))  # type: ignore[attr-defined]
    line = r'<th scope="row">([^<]+)</th>' + r'<td class="number">([^<]*)</td>' * 3
    rows = re.findall(line, signed_in.get("/app/live").text)
    assert ("Survey", "10", "0", "0") in rows
    assert ("Thank-you", "0", "0", "11") in rows
    answer = post(signed_in, "/app/live")
    assert answer.headers["Location"] == "/app"
    assert delivered.rows(Shop)[0].live is True
    states = {row.state for row in delivered.rows(Message, step="thank_you")}
    assert states == {"withheld"}
    assert dues(delivered)[:10] == [-1.0] * 10


@pytest.mark.parametrize("missing", ["legal_name", "postal_address"])
def test_nobody_goes_live_without_a_name_and_an_address(tea: Scene, signed_in: FlaskClient, missing: str):
    with tea.ctx.database.transaction() as session:
        shop = shop_of(session, tea.shop_id)
        shop.live, brand = False, {**shop.settings["brand"], missing: None}
        shop.settings = {**shop.settings, "brand": brand}
    page = signed_in.get("/app/live").text
    assert "legal name and postal address" in page
    assert post(signed_in, "/app/live").status_code == 409
    assert tea.rows(Shop)[0].live is False


def test_a_large_shops_change_is_in_force_at_once_and_every_page_says_how_far_the_plans_are(
    delivered: Scene, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replanning, "FEW", 5)
    monkeypatch.setattr(replanning, "BATCH", 8)
    post(signed_in, "/app/steps/survey", enabled="yes", delay="5", unit="days", apply="all")
    assert settings_of(delivered).delay_minutes("survey") == 5 * 24 * 60
    assert dues(delivered) == [3.0] * 10 + ["waiting"]
    work_off(delivered.ctx)
    for path in ("/app", "/app/settings", "/app/orders"):
        assert "8 of 11 orders" in signed_in.get(path).text
    while work_off(delivered.ctx):
        pass
    assert dues(delivered) == [4.0] * 10 + ["waiting"]
    assert "All waiting messages are planned anew." in signed_in.get("/app/planning/progress").text
    assert 'id="planning"' not in signed_in.get("/app").text
