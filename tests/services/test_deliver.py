"""From a due row to mail that left, once; and what becomes of the row when it does not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from plugin.services import deliver, outcomes
from plugin.services.deliver import Courier, anything_due, claim, send_due
from plugin.store.models.messages import Message
from tests.services.test_ingest_together import together
from tests.services.world import Sink, World, consent, order, parcel, tracked, whole_life


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
