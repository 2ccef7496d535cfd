"""From a due row to mail that left, once; and what becomes of the row when it does not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable
from plugin.services import deliver, outcomes
from plugin.services.deliver import Courier, anything_due, claim, send_due
from plugin.store.models.customers import Suppression
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from tests.services.test_ingest_together import together
from tests.services.world import Sink, World, consent, order, parcel, tracked, whole_life

DOWN = Retryable("the mail server cannot be reached", channel_down=True)


def expire(world: World) -> None:
    """Let every lease end."""
    with world.ctx.database.transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Message).where(Message.lease_until.is_not(None)).values(lease_until=past))


def many(world: World, count: int) -> None:
    for number in range(1001, 1001 + count):
        world.receive("orders/create", order(world.now, number, customer=None, email=f"c{number}@example.com"))
    world.ingest()


def test_a_message_leaves_once_and_says_so(both: World) -> None:
    both.hook("orders/create", order(both.now))
    assert anything_due(both.ctx)
    assert both.send() == 1
    assert both.send() == 0
    assert not anything_due(both.ctx)
    message = both.message("thank_you")
    assert (message.state, message.reason) == ("sent", "sent 2 Nov 09:00 UTC")
    assert (message.sent_at, message.address, message.attempts) == (both.now, "jane.doe@example.com", 1)
    assert (message.claim_token, message.lease_until, message.message_class) == (None, None, "transactional")
    assert message.accepted_at is not None


def test_two_workers_never_send_one_message_twice(both: World) -> None:
    many(both, 40)
    sinks = [Sink() for _ in range(4)]

    def worker(sink: Sink) -> Any:
        courier = Courier(sink)

        def work() -> None:
            while anything_due(both.ctx):
                send_due(both.ctx, courier, limit=7)

        return work

    together(*[worker(sink) for sink in sinks])
    recipients = [to for sink in sinks for _, to, _ in sink.mails]
    assert len(recipients) == len(set(recipients)) == 40
    assert {m.state for m in both.rows(Message, step="thank_you")} == {"sent"}


def test_an_expired_claim_is_due_again_and_the_first_worker_lost_it(both: World) -> None:
    both.hook("orders/create", order(both.now))
    (id_,) = claim(both.ctx, "first", 10)
    assert not anything_due(both.ctx)
    assert both.send() == 0
    expire(both)
    assert anything_due(both.ctx)
    assert both.send() == 1
    deliver._send_one(both.ctx, both.courier, id_, "first")
    assert len(both.sink.mails) == 1


def test_an_expired_sending_of_transactional_mail_goes_again_with_the_same_id(both: World) -> None:
    both.hook("orders/create", order(both.now))
    (id_,) = claim(both.ctx, "dead", 10)
    first = deliver._prepare(both.ctx, id_, "dead")
    assert first is not None
    assert both.send() == 0
    expire(both)
    both.send()
    message = both.message("thank_you")
    assert (message.state, message.reason) == ("planned", "goes again: outcome unknown")
    outcomes.sent(both.ctx, id_, "dead")  # the dead one wakes up: its claim is gone
    assert both.message("thank_you").state == "planned"
    both.later(minutes=1)
    assert both.send() == 1
    again = both.sink.mails[0][2]
    assert b"Message-ID: <" in again
    ids = [line for data in (first.data, again) for line in data.split(b"\r\n") if line.startswith(b"Message-ID")]
    assert ids[0] == ids[1]


def to_cross_sell(world: World) -> None:
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    list(whole_life(world))
    world.later(days=3, hours=23)
    world.send()
    assert world.message("cross_sell").state == "planned"
    world.sink.mails.clear()
    world.later(days=1)


def test_an_expired_sending_of_marketing_is_given_up(both: World) -> None:
    to_cross_sell(both)
    ids = claim(both.ctx, "dead", 10)
    for id_ in ids:
        deliver._prepare(both.ctx, id_, "dead")
    expire(both)
    both.send()
    message = both.message("cross_sell")
    assert (message.state, message.reason) == ("failed", "outcome unknown")
    follow_up = both.message("cross_sell_follow_up")
    assert (follow_up.state, follow_up.reason) == ("withheld", "the cross-sell did not go out")


def test_the_follow_up_is_planned_as_the_cross_sell_leaves(both: World) -> None:
    to_cross_sell(both)
    both.send()
    assert "cross_sell" in both.sink.steps()
    assert both.message("cross_sell_follow_up").due_at == both.message("cross_sell").sent_at + timedelta(days=3)
    both.later(days=3)
    both.send()
    assert both.sink.steps()[-1] == "cross_sell_follow_up"


# -- when the channel says no ------------------------------------------------------------------------------------------
def test_a_retryable_error_waits_longer_each_time(both: World) -> None:
    both.hook("orders/create", order(both.now))
    for attempt, minutes in enumerate((1, 5, 20, 60, 180, 360, 360), start=1):
        both.sink.trouble = [Retryable("mailbox busy")]
        assert both.send() == 1
        message = both.message("thank_you")
        assert (message.state, message.attempts) == ("planned", attempt)
        assert message.reason == "will be tried again: mailbox busy"
        assert message.ready_at == both.now + timedelta(minutes=minutes)
        both.later(minutes=minutes)
    both.send()
    assert both.message("thank_you").state == "sent"
    assert both.message("thank_you").error is None


def test_retries_end_when_the_message_is_stale(both: World) -> None:
    both.hook("orders/create", order(both.now))
    for _ in range(12):
        both.sink.trouble = [Retryable("mailbox busy")]
        both.send()
        both.later(hours=6)
    assert both.message("thank_you").state == "withheld"
    assert both.message("thank_you").reason == "too late: it was due 2 Nov 09:00 UTC"
    assert both.sink.mails == []


def test_a_refusal_ends_the_message_and_a_dead_address_all_others(both: World) -> None:
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now))
    both.sink.trouble = [Permanent("no such mailbox", dead_address=True)]
    both.send()
    plan = both.plan()
    assert plan.pop("thank_you") == "failed: no such mailbox"
    assert set(plan.values()) == {"withheld: the address is dead"}
    stone = both.row(Suppression)
    assert (stone.address, stone.cause) == ("jane.doe@example.com", "dead")


def test_a_refusal_that_is_not_the_addresss_fault_ends_one_message(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.sink.trouble = [Permanent("too large")]
    both.send()
    assert both.message("thank_you").state == "failed"
    assert both.rows(Suppression) == []
    assert both.message("shipped").state == "waiting"


def test_an_unknown_outcome_of_transactional_mail_goes_again(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.sink.trouble = [OutcomeUnknown("no answer")]
    both.send()
    assert both.message("thank_you").reason == "goes again: outcome unknown"
    both.later(minutes=1)
    both.send()
    assert both.sink.steps() == ["thank_you"]


def test_an_unknown_outcome_of_marketing_is_given_up(both: World) -> None:
    to_cross_sell(both)
    both.sink.trouble = [OutcomeUnknown("no answer")] * 2
    both.send()
    assert both.message("cross_sell").reason == "outcome unknown"
    assert both.message("cross_sell_follow_up").reason == "the cross-sell did not go out"
    both.walk(days=10)
    assert "cross_sell" not in both.sink.steps()


def test_a_channel_that_is_down_gives_everything_back_and_rests(both: World) -> None:
    many(both, 5)
    both.sink.trouble = [DOWN]
    assert send_due(both.ctx, both.courier) == 5
    rows = both.rows(Message, step="thank_you")
    assert {(m.state, m.attempts, m.claim_token) for m in rows} == {("planned", 0, None)}
    assert both.courier.paused
    assert send_due(both.ctx, both.courier) == 0
    both.courier.closed_until = 0
    both.sink.trouble = [DOWN]
    assert send_due(both.ctx, both.courier) == 1  # a single one feels its way
    both.courier.closed_until = 0
    assert send_due(both.ctx, both.courier) == 1
    assert both.send() == 4
    assert len(both.sink.mails) == 5


def test_a_sender_that_cannot_be_used_waits_for_the_merchant(both: World) -> None:
    both.hook("orders/create", order(both.now))
    with both.ctx.database.transaction() as session:
        session.execute(update(Shop).values(email="nobody", storefront="not a host", settings={}))
    both.send()
    message = both.message("thank_you")
    assert (message.state, message.attempts) == ("planned", 1)
    assert message.reason == "will be tried again: the shop's sender address is not an e-mail address"
    both.configure()
    both.later(minutes=1)
    with both.ctx.database.transaction() as session:
        session.execute(update(Shop).values(email="hello@haneul.example", storefront=None))
    both.send()
    assert both.sink.steps() == ["thank_you"]


def test_a_message_that_cannot_be_written_fails_alone(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many(both, 3)
    genuine = deliver.compose

    def compose(*args: Any) -> Any:
        if args[4].platform_id == "1002":
            raise KeyError("jane.doe@example.com")
        return genuine(*args)

    monkeypatch.setattr(deliver, "compose", compose)
    both.send()
    states = {m.subject: (m.state, m.reason) for m in both.rows(Message, step="thank_you")}
    assert states["1002"] == ("failed", "could not be written: KeyError")
    assert {states[key][0] for key in ("1001", "1003")} == {"sent"}


def test_trouble_with_the_database_is_nobodys_failure(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many(both, 3)
    genuine, troubles = deliver.decide, [1]

    def decide(*args: Any) -> Any:
        if troubles:
            troubles.pop()
            raise OperationalError("SELECT", {}, Exception("database is locked"))
        return genuine(*args)

    monkeypatch.setattr(deliver, "decide", decide)
    with pytest.raises(OperationalError):
        send_due(both.ctx, both.courier)
    assert {(m.state, m.attempts) for m in both.rows(Message, step="thank_you")} == {("planned", 0)}
    assert both.send() == 3


def test_a_record_is_not_lost_to_passing_trouble(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    both.hook("orders/create", order(both.now))
    genuine, troubles = outcomes._record, [1]

    def record(*args: Any, **kwargs: Any) -> None:
        if troubles:
            troubles.pop()
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        genuine(*args, **kwargs)

    monkeypatch.setattr(outcomes, "_record", record)
    both.send()
    assert both.message("thank_you").state == "sent"


# -- what happens between the claim and the sending -------------------------------------------------------------------
def test_a_message_cancelled_after_its_claim_does_not_leave(both: World) -> None:
    at = both.now
    both.hook("orders/create", order(at))
    (id_,) = claim(both.ctx, "token", 10)
    both.hook("orders/cancelled", order(at, cancelled_at=at.isoformat(), updated_at=(at + timedelta(1)).isoformat()))
    deliver._send_one(both.ctx, both.courier, id_, "token")
    assert both.sink.mails == []
    assert both.message("thank_you").state == "cancelled"


def test_a_message_moved_after_its_claim_does_not_leave(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now))
    both.send()
    both.later(minutes=10)
    (id_,) = claim(both.ctx, "token", 10)
    both.configure(steps={"shipped": {"delay_minutes": 60}})
    deliver._send_one(both.ctx, both.courier, id_, "token")
    assert both.sink.steps() == ["thank_you"]
    assert both.message("shipped").state == "planned"
    both.later(minutes=50)
    assert both.send() == 1


def test_a_parcel_that_joins_before_the_message_leaves_is_told(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now, 1, line_items=[{"id": 9001, "quantity": 2}]))
    both.send()
    both.later(minutes=9)
    both.hook("fulfillments/create", parcel(both.now, 2, line_items=[{"id": 9002, "quantity": 2}]))
    both.later(minutes=1)
    both.send()
    assert both.sink.steps() == ["thank_you", "shipped"]
    text = both.text_of("shipped")
    assert all(said in text for said in ("TRACK1001001", "TRACK1001002", "Green tea 1", "Green tea 2"))
    assert {m.reason for m in both.rows(Message, step="shipped")} >= {"told with #1001.1"}


def test_news_that_comes_while_a_message_is_on_its_way_changes_nothing_about_it(both: World) -> None:
    at = both.now
    both.hook("orders/create", order(at))
    cancelled = order(at, cancelled_at=at.isoformat(), updated_at=(at + timedelta(seconds=1)).isoformat())
    both.sink.before = lambda: (both.hook("orders/cancelled", cancelled), None)[1]
    both.send()
    assert both.message("thank_you").state == "sent"
    assert both.message("survey").state == "cancelled"


def test_recording_and_ingesting_together_do_not_deadlock(both: World) -> None:
    """Cross-sells are recorded under the same locks as news of their orders is taken in."""
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    start = both.now
    for number in range(1001, 1016):
        both.receive("orders/create", order(start, number, customer={"id": number}))
        both.receive("fulfillments/create", parcel(start, order_id=number))
        both.receive("fulfillment_events/create", tracked(start, order_id=number))
    both.ingest()
    both.later(days=7)
    for number in range(1015, 1000, -1):
        for minute in range(3):
            at = start + timedelta(minutes=minute)
            both.receive("orders/updated", order(start, number, customer={"id": number}, updated_at=at.isoformat()))
    stop = threading.Event()

    def ingesting() -> None:
        while not stop.is_set():
            both.ingest()

    def sending() -> None:
        try:
            both.send(limit=5)
        finally:
            stop.set()

    together(ingesting, sending)
    both.ingest()
    assert {m.state for m in both.rows(Message, step="cross_sell")} == {"sent"}
    assert {m.state for m in both.rows(Message, step="cross_sell_follow_up")} == {"planned"}
    assert len(set(both.sink.steps())) >= 2
