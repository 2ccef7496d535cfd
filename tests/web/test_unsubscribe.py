from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.clock import FixedClock
from plugin.services.consents import consents_of, record_consent
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.events import Channel, ConsentSource, ConsentState
from tests.conftest import NOW
from tests.web.scenes import ADDRESS, Scene, add_order


def words(scene: Scene):
    with scene.ctx.database.reading() as session:
        return consents_of(session, scene.shop_id, [ADDRESS]).get(ADDRESS)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ('--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
         "multipart/form-data; boundary=x"),
        ("action=unsubscribe", "application/x-www-form-urlencoded"),
        ("", None),
        ("not a form \xff", "text/plain"),
    ],
)  # fmt: skip
def test_a_post_opts_the_address_out(both: Scene, body, kind):
    answer = both.app.test_client(use_cookies=False).post(both.url("u"), data=body.encode("latin-1"), content_type=kind)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert "j…@example.com" in answer.text
    assert ADDRESS not in answer.text
    assert words(both).opted_out_at == NOW
    assert words(both).opted_out


def test_it_stops_what_was_planned_for_the_address_in_every_order(both: Scene):
    with both.ctx.database.transaction() as session:
        shop = session.get_one(Shop, both.shop_id)
        add_order(session, both.ctx, shop, None, "1002")
        add_order(session, both.ctx, shop, None, "1003", email="other@example.com", address="other@example.com")
    both.app.test_client().post(both.url("u"))
    states = {m.subject: m for m in both.rows(Message, step="survey")}
    assert (states["1001"].state, states["1002"].state) == ("withheld", "withheld")
    assert "unsubscribed" in states["1001"].reason
    assert states["1003"].state == "planned"


def test_repeating_it_keeps_one_row(tea: Scene, client):
    for _ in range(3):
        assert client.post(tea.url("u")).status_code == 200
    assert len(tea.rows(Consent)) == 1


def test_it_is_newer_than_a_subscription_told_by_a_clock_ahead_of_ours(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        later = NOW + timedelta(minutes=3)
        record_consent(
            session, tea.shop_id, Channel.EMAIL, ADDRESS, ConsentState.SUBSCRIBED, ConsentSource.CONSENT, later
        )
    client.post(tea.url("u"))
    assert words(tea).opted_out


def test_subscribing_again_lifts_it_and_unsubscribing_again_returns_it(both: Scene, clock: FixedClock):
    client = both.app.test_client()
    client.post(both.url("u"))
    answer = client.post(both.url("u"), data={"action": "resubscribe"})
    assert "You are subscribed again" in answer.text
    assert words(both).consented
    assert {m.state for m in both.rows(Message, step="survey")} <= {"planned", "waiting"}
    clock.move(timedelta(days=1))
    client.post(both.url("u"))
    assert words(both).opted_out


def test_the_page_tells_what_is_so(tea: Scene, client):
    assert "Stop these emails?" in client.get(tea.url("u")).text
    client.post(tea.url("u"))
    again = client.get(tea.url("u")).text
    assert "already unsubscribed" in again
    assert 'value="resubscribe"' in again


def test_the_address_it_was_sent_to_counts_not_the_orders_newest(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        session.get_one(Message, tea.message_id).address = "Old@Example.com"
    assert "O…@example.com" in client.get(tea.url("u")).text or "o…@example.com" in client.get(tea.url("u")).text
    client.post(tea.url("u"))
    assert [row.address for row in tea.rows(Consent)] == ["old@example.com"]


def test_an_order_without_an_address_has_nobody_to_unsubscribe(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        order = session.get_one(Order, tea.order_id)
        order.email = order.address = None
    assert client.get(tea.url("u")).status_code == 410
    assert client.post(tea.url("u")).status_code == 410
    assert tea.rows(Consent) == []
