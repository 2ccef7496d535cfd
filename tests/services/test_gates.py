"""Decided late: what may leave is looked at once more when it is about to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from plugin.services import deliver
from plugin.services.consents import consents_of, record_consent
from plugin.services.deliver import claim
from plugin.services.shops import find_shop, go_live
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.events import Channel, ConsentSource, ConsentState
from tests.services.test_ingest_together import together
from tests.services.world import (
    DOMAIN,
    EMAIL,
    World,
    address,
    consent,
    order,
    parcel,
    product,
    tracked,
    whole_life,
)


def say_no(world: World) -> None:
    """An opt-out that no replanning followed."""
    with world.ctx.database.transaction() as session:
        session.execute(update(Consent).values(opted_out_at=world.now))


def live(world: World) -> None:
    with world.ctx.database.transaction() as session:
        shop = find_shop(session, DOMAIN)
        assert shop is not None
        go_live(session, world.ctx, shop)


def delivered(world: World, number: int = 1001, **changes: Any) -> None:
    """An order that arrives at once; its transactional mail leaves."""
    world.hook("orders/create", order(world.now, number, **changes))
    world.hook("fulfillments/create", parcel(world.now, order_id=number))
    world.hook("fulfillment_events/create", tracked(world.now, order_id=number))
    world.later(minutes=10)
    world.send()


def test_consent_withdrawn_between_plan_and_leave(both: World) -> None:
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    list(whole_life(both))
    both.later(days=4)
    say_no(both)
    both.send()
    assert both.message("survey").reason == "the customer unsubscribed"
    both.later(days=1)
    both.send()
    assert both.message("cross_sell").reason == "the customer unsubscribed"
    assert both.sink.steps() == ["thank_you", "shipped", "delivered"]


def test_an_opt_out_stops_no_transactional_mail(world: World) -> None:
    world.hook("customers_email_marketing_consent/update", consent(world.now, "unsubscribed"))
    list(whole_life(world))
    assert world.sink.steps() == ["thank_you", "shipped", "delivered"]


def test_a_test_order_is_never_mailed(both: World) -> None:
    list(whole_life(both, test=True))
    both.walk(days=20)
    assert both.sink.mails == []
    assert {m.reason for m in both.rows(Message)} == {"a test order"}


def test_an_order_without_an_address_is_recorded_and_not_mailed(world: World) -> None:
    list(whole_life(world, email=None, contact_email=None, customer=None))
    assert world.sink.mails == []
    assert {m.reason for m in world.rows(Message)} == {"no address to write to"}
    assert world.row(Order).platform_id == "1001"


def test_a_step_switched_off_between_plan_and_leave(both: World) -> None:
    both.hook("orders/create", order(both.now))
    (id_,) = claim(both.ctx, "token", 10)
    with both.ctx.database.transaction() as session:  # behind the plan's back
        session.execute(update(Shop).values(settings={"steps": {"thank_you": {"enabled": False}}}))
    deliver._send_one(both.ctx, both.courier, id_, "token")
    assert both.message("thank_you").reason == "this step is switched off"
    both.configure()
    both.send()
    assert both.sink.steps() == ["thank_you"]


# -- going live -------------------------------------------------------------------------------------------------------
@pytest.fixture
def closed(context: Any) -> World:
    return World(context, live=False)


def test_a_shop_that_is_not_live_holds_everything(closed: World) -> None:
    list(whole_life(closed))
    closed.walk(days=5)
    assert closed.sink.mails == []
    assert closed.message("thank_you").reason == "waits for the shop to go live"
    with closed.ctx.database.transaction() as session:  # a row that was due when the shop was taken off
        session.execute(update(Message).where(Message.step == "delivered").values(state="planned", ready_at=closed.now))
    closed.send()
    assert (closed.message("delivered").state, closed.message("delivered").ready_at) == ("held", None)


def test_going_live_sends_what_is_fresh_and_withholds_what_is_stale(closed: World) -> None:
    closed.hook("orders/create", order(closed.now, 1001))
    closed.later(hours=25)
    closed.hook("orders/create", order(closed.now, 1002, customer=None))
    live(closed)
    assert closed.message("thank_you", subject="1001").reason == "too late: it was due 2 Nov 09:00 UTC"
    closed.send()
    assert [(m.subject, m.state) for m in closed.rows(Message, step="thank_you")] == [
        ("1001", "withheld"), ("1002", "sent"),
    ]  # fmt: skip


# -- changed settings -------------------------------------------------------------------------------------------------
def test_changed_settings_move_what_has_not_left(both: World) -> None:
    list(whole_life(both))
    due = both.message("survey").due_at
    both.configure(steps={"survey": {"delay_minutes": 60}, "delivered": {"delay_minutes": 600}})
    assert both.message("survey").due_at == due - timedelta(days=4) + timedelta(hours=1)
    assert both.message("delivered").state == "sent"
    both.configure(steps={"survey": {"enabled": False}})
    assert both.message("survey").state == "withheld"
    both.configure()
    assert (both.message("survey").state, both.message("survey").due_at) == ("planned", due)


def test_the_estimate_is_fixed_when_the_parcel_is_first_planned(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now))
    expected = both.now + timedelta(days=7)
    assert both.message("delivered").due_at == expected
    both.configure(delivery_days=3)
    assert both.message("delivered").due_at == expected
    both.hook("orders/create", order(both.now, 1002))
    both.hook("fulfillments/create", parcel(both.now, order_id=1002))
    assert both.message("delivered", subject="1002001").due_at == both.now + timedelta(days=3)


def test_the_estimate_is_learned_from_what_the_carrier_delivered(both: World) -> None:
    start = both.now
    for number in range(1001, 1006):
        both.receive("orders/create", order(start, number, customer=None))
        both.receive("fulfillments/create", parcel(start, order_id=number))
    both.later(days=2)
    for number in range(1001, 1006):
        both.receive("fulfillment_events/create", tracked(both.now, order_id=number))
    both.ingest()
    for number, carrier, country in ((1006, "DHL", "DE"), (1007, "UPS", "DE"), (1008, "DHL", "FR")):
        where = address(country_code=country)
        both.hook("orders/create", order(both.now, number, customer=None, shipping_address=where))
        both.hook("fulfillments/create", parcel(both.now, order_id=number, tracking_company=carrier))
    learned = timedelta(days=(5 * 2 + 20 * 7) / 25)
    assert both.message("delivered", subject="1006001").due_at == both.now + learned
    assert both.message("delivered", subject="1007001").due_at == both.now + timedelta(days=7)
    assert both.message("delivered", subject="1008001").due_at == both.now + timedelta(days=7)


# -- quiet hours and caps ---------------------------------------------------------------------------------------------
def test_quiet_hours_defer_service_mail_and_say_until_when(both: World) -> None:
    both.configure(quiet_hours={"start": "08:00", "end": "20:00"})
    list(whole_life(both))  # transactional mail keeps its time
    assert both.sink.steps() == ["thank_you", "shipped", "delivered"]
    both.later(days=4)
    both.send()
    message = both.message("survey")
    assert (message.state, message.reason) == ("planned", "deferred to 20:00 in Berlin")
    assert message.ready_at == datetime(2026, 11, 9, 19, tzinfo=UTC)
    both.hook("orders/updated", order(both.now - timedelta(days=7)))  # a new plan that does not move it
    assert both.message("survey").reason == "deferred to 20:00 in Berlin"
    both.later(hours=10)
    both.send()
    assert both.sink.steps()[-1] == "survey"


def capped(world: World, messages: int = 1) -> None:
    world.configure(cap={"messages": messages, "days": 7}, steps={"survey": {"delay_minutes": 7 * 24 * 60}})
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    delivered(world)
    world.later(days=8)  # survey and cross-sell are both due


@pytest.mark.parametrize("limit", [100, 1])
def test_a_cap_lets_the_survey_go_first(both: World, limit: int) -> None:
    capped(both)
    early = both.now - timedelta(days=2)
    with both.ctx.database.transaction() as session:  # the loser would be claimed first
        session.execute(update(Message).where(Message.step == "cross_sell").values(ready_at=early))
    both.send(limit)
    assert both.sink.steps()[3:] == ["survey"]
    both.walk(minutes=10)
    loser = both.message("cross_sell")
    assert loser.state == "planned"
    assert loser.reason == "deferred to 17 Nov 09:10 UTC: enough messages for now"
    both.walk(days=8)
    assert both.sink.steps()[3:] == ["survey", "cross_sell"]


def test_two_workers_do_not_pass_a_cap_together(both: World) -> None:
    capped(both)
    tokens = {token: claim(both.ctx, token, 1) for token in ("one", "two")}

    def worker(token: str) -> Any:
        return lambda: [deliver._send_one(both.ctx, both.courier, id_, token) for id_ in tokens[token]]

    together(worker("one"), worker("two"))
    assert both.sink.steps()[3:] == ["survey"]


def test_a_cap_defers_until_the_message_is_stale(both: World) -> None:
    both.configure(cap={"messages": 1, "days": 30}, steps={"survey": {"delay_minutes": 7 * 24 * 60}})
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    delivered(both)
    both.walk(days=45)
    assert both.sink.steps()[3:] == ["survey"]
    assert both.message("cross_sell").state == "withheld"
    assert both.message("cross_sell").reason.startswith("too late")


def test_a_cap_counts_one_customer_only(both: World) -> None:
    capped(both)
    both.send()
    guest = order(both.now, 1002, customer=None)
    both.hook("orders/create", guest)
    both.hook("fulfillments/create", parcel(both.now, order_id=1002))
    both.hook("fulfillment_events/create", tracked(both.now, order_id=1002))
    both.walk(days=7, hours=1)
    assert both.message("survey", subject="1002").state == "sent"


# -- promotional blocks -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("word", "policy", "country", "hinted"),
    [
        ("subscribed", {}, "DE", True),
        (None, {}, "DE", False),
        ("unsubscribed", {}, "DE", False),
        ("not_subscribed", {}, "DE", False),
        (None, {"marketing": "soft_opt_in"}, "DE", True),
        ("unsubscribed", {"marketing": "soft_opt_in"}, "DE", False),
        (None, {"marketing": "soft_opt_in"}, "BR", False),
        (None, {"marketing": "soft_opt_in"}, None, False),
    ],
)
def test_the_thank_you_hints_only_at_those_who_may_be_sold_to(
    world: World, word: str | None, policy: dict[str, Any], country: str | None, hinted: bool
) -> None:
    world.configure(**policy)
    for number in (1, 8, 9):
        world.hook("products/update", product(world.now, number))
    if word:
        world.hook("customers_email_marketing_consent/update", consent(world.now, word))
    where = {"shipping_address": address(country_code=country), "billing_address": None}
    world.hook("orders/create", order(world.now, **where))
    world.send()
    text = world.text_of("thank_you")
    assert ("Product 9" in text or "Product 8" in text) is hinted
    assert ("/c/" in text) is hinted


def test_consent_keys_are_shared_by_every_spelling_of_an_address(world: World) -> None:
    with world.ctx.database.transaction() as session:
        shop = find_shop(session, DOMAIN)
        assert shop is not None
        said = (ConsentState.UNSUBSCRIBED, ConsentSource.PAGE, world.now)
        assert record_consent(session, shop.id, Channel.EMAIL, EMAIL, *said)
        assert not record_consent(session, shop.id, Channel.EMAIL, EMAIL, *said)
        assert consents_of(session, shop.id, [EMAIL])[EMAIL].opted_out
    world.hook("orders/create", order(world.now, email="JANE.DOE@EXAMPLE.COM", buyer_accepts_marketing=True))
    assert world.message("survey").reason == "the customer unsubscribed"
