"""Defects that the fault suite found, each told again in small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from plugin.channels.email.errors import OutcomeUnknown
from plugin.config import Settings
from plugin.domain.flows import State
from plugin.services import deliver
from plugin.services.context import Context
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.session import Database
from tests.services.world import World, order
from tests.support.fakes import RecordingQueues

IMPATIENT = "&options=-clock_timeout%3D1000"  # of PostgreSQL: milliseconds


@pytest.fixture
def impatient(settings: Settings, postgres_url: str, clock: object) -> Iterator[Context]:
    """On PostgreSQL, where whoever waits a second for a lock fails."""
    database = Database(postgres_url + IMPATIENT)
    yield Context(replace(settings, database_url=postgres_url), database, clock, RecordingQueues())  # type: ignore[arg-type]
    database.dispose()


@pytest.mark.postgres
def test_a_message_is_marked_while_ingest_holds_its_customer(impatient: Context) -> None:
    """A worker that holds a message and waits for its customer is in a deadlock with ingest, which does the opposite.

    It once updated the row twice in one transaction, and then PostgreSQL checks the row's references anew.
    """
    world = World(impatient)
    world.hook("orders/create", order(world.now))
    (id_,) = deliver.claim(impatient, "token", 10)
    with impatient.database.transaction() as ingest:
        ingest.execute(select(Customer.id).with_for_update())
        assert deliver._prepare(impatient, id_, "token") is not None
    assert world.row(Message, id=id_).state == State.SENDING


def test_an_unknown_outcome_is_on_record_even_when_the_next_try_succeeds(
    sqlite_context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(sqlite_context)
    world.hook("orders/create", order(world.now))
    world.sink.trouble = [OutcomeUnknown("the connection broke")]
    with caplog.at_level("WARNING"):
        world.send()
    world.later(minutes=2)
    world.send()
    told = [record for record in caplog.records if record.message == "outcome_unknown"]
    message = world.row(Message, step="thank_you")
    assert [record.__dict__["message_id"] for record in told] == [message.id]
    assert message.state == State.SENT
    assert message.attempts == 2


def test_a_server_that_never_says_what_it_accepts_is_left_alone(sqlite_context: Context) -> None:
    """Each unknown outcome is a mail that may go twice: a batch of them must not follow one another."""
    world = World(sqlite_context)
    for number in range(1001, 1011):
        world.hook("orders/create", order(world.now, number))
    world.sink.trouble = [OutcomeUnknown("the connection broke")] * 10
    world.send()
    states = [row.state for row in world.rows(Message, step="thank_you")]
    assert world.courier.paused
    assert len(world.sink.trouble) == 8, "two tries in a row, no more"
    assert states.count(State.PLANNED) == 10
