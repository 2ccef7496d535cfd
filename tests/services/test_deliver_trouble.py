"""When a message does not simply leave: what its row becomes, and what the others do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable
from plugin.services import deliver, outcomes
from plugin.services.deliver import send_due
from plugin.store.models.customers import Suppression
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from tests.services.test_deliver import many, to_cross_sell
from tests.services.world import World, consent, order, parcel

DOWN = Retryable("the mail server cannot be reached", channel_down=True)


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
