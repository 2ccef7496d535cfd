"""The settings page says before saving what a change does to messages that wait, and asks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.services import change_preview
from plugin.services.replanning import follow
from plugin.services.shops import shop_of
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Parcel
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings
from tests.web.scenes import Scene, add_order

DAY = timedelta(days=1)


@pytest.fixture
def selling(tea: Scene) -> Scene:
    """Six more orders of people in Korea, delivered yesterday; two of them agreed to marketing."""
    with tea.ctx.database.transaction() as session:
        shop, now = shop_of(session, tea.shop_id), tea.ctx.clock.now()
        for number in range(2001, 2007):
            address = f"c{number}@mail.example"
            message = add_order(session, tea.ctx, shop, None, str(number), address=address, email=address,
                                country_code="GB", locale=None if number == 2006 else "en")  # fmt: skip
            parcel = session.query(Parcel).filter_by(order_id=message.order_id).one()
            parcel.delivered_at = now - DAY
            if number < 2003:
                said = {"subscribed_at": now - 30 * DAY}
                session.add(Consent(shop_id=shop.id, channel="email", address=address, **said))
        follow(session, tea.ctx, shop)
    return tea


def post(client: FlaskClient, **form: str) -> Any:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/app/settings").text)
    assert found
    return client.post("/app/settings", data={"csrf": found.group(1), **form})


def settings_of(tea: Scene) -> ShopSettings:
    return load_settings(tea.rows(Shop)[0].settings)


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)">', page))


def test_a_marketing_policy_names_the_messages_that_begin_and_end(selling: Scene, signed_in: FlaskClient) -> None:
    asked = post(signed_in, marketing="soft_opt_in")
    assert asked.status_code == 200
    assert "4 more go on Wed 4 November." in asked.text
    assert settings_of(selling).marketing == "consent"  # nothing is stored yet
    saved = signed_in.post("/app/settings", data={**hidden(asked.text), "apply": "yes"})
    assert saved.headers["Location"] == "/app/settings?said=saved"
    assert settings_of(selling).marketing == "soft_opt_in"
    assert {m.state for m in selling.rows(Message, step="cross_sell") if m.subject != "1001"} == {"planned"}
    back = post(signed_in, marketing="consent").text
    assert "5 are withheld: No consent to marketing." in back


def test_what_touches_nothing_that_waits_is_saved_without_asking(selling: Scene, signed_in: FlaskClient) -> None:
    assert post(signed_in, marketing="consent", **{"support.phone": "+82 2 1"}).status_code == 303
    assert settings_of(selling).support.phone == "+82 2 1"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"quiet.start": "08:00", "quiet.end": "10:00"}, "8 would come due in the quiet hours and wait for their end."),
        ({"cap.messages": "1", "cap.days": "30"}, "are put off because their customer gets enough messages already."),
        ({"language": "ko"}, "are written in the new language, because their order names none."),
        ({"delivery_days": "12"}, "1 parcel under way keeps the day that was worked out for it."),
    ],
)
def test_what_only_shows_when_they_leave_is_told_too(
    selling: Scene, signed_in: FlaskClient, form: dict[str, str], says: str
) -> None:
    if "cap.messages" in form:
        with selling.ctx.database.transaction() as session:  # surveys and cross-sells of one customer
            customer = selling.rows(Message, id=selling.message_id)[0].customer_id
            session.query(Message).update({"customer_id": customer})
    before = settings_of(selling)
    asked = post(signed_in, **form)
    assert asked.status_code == 200
    assert says in asked.text
    assert settings_of(selling) == before
    assert signed_in.post("/app/settings", data={**hidden(asked.text), "apply": "yes"}).status_code == 303
    assert settings_of(selling) != before


def test_a_mistake_is_shown_before_anything_is_asked(selling: Scene, signed_in: FlaskClient) -> None:
    assert post(signed_in, marketing="soft_opt_in", delivery_days="none").status_code == 422


def test_the_numbers_of_a_large_shop_are_estimates_and_say_so(
    selling: Scene, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with selling.ctx.database.reading() as session:
        exact = change_preview.preview_change(session, selling.ctx, selling.shop_id, ShopSettings(delivery_days=7))
    assert exact.sample is None
    monkeypatch.setattr(change_preview, "IN_ONE_GO", 2)
    monkeypatch.setattr(change_preview.preview_change, "__defaults__", (0.0,))  # no time for more than one go
    asked = post(signed_in, marketing="soft_opt_in").text
    assert "estimates from 2 of 7 orders" in asked
    numbers = [int(n) for n in re.findall(r"About (\d+) more go", asked)]
    assert numbers
    assert all(n in (4, 7) for n in numbers)  # 3.5 orders for each one looked at


def test_a_part_counts_for_the_whole(selling: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_preview, "IN_ONE_GO", 6)
    edited = ShopSettings(marketing="soft_opt_in")
    with selling.ctx.database.reading() as session:
        found = change_preview.preview_change(session, selling.ctx, selling.shop_id, edited, seconds=0.0)
    assert found.sample == change_preview.Sample(6, 7)
    assert found.steps["cross_sell"].begin.total() in (5, 6)  # all together it is 5
