"""The job functions: short turns, asked for again while work is left, and no exception handed to RQ."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from jobs import state, tasks
from jobs.state import State
from plugin.channels.email.transport import NoTransport
from plugin.queues import INGEST, INGEST_JOB, SEND, SEND_JOB
from plugin.services.context import Context
from plugin.services.deliver import Courier
from plugin.store.models.shops import Lease
from tests.support.fakes import RecordingQueues


@pytest.fixture
def here(sqlite_context: Context) -> Iterator[State]:
    yield state.use(State(sqlite_context, Courier(NoTransport())))
    state._state = None


def test_the_names_that_the_web_enqueues_are_these_functions() -> None:
    for name in (INGEST_JOB, SEND_JOB, "jobs.tasks.keep_house"):
        module, _, function = name.rpartition(".")
        assert module == tasks.__name__
        assert callable(getattr(tasks, function))


def test_reading_asks_for_sending_and_for_more_when_its_turn_is_over(
    here: State, queues: RecordingQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ingest", lambda _ctx, limit: limit)
    monkeypatch.setattr(tasks, "TURN", 0.05)
    tasks.ingest_receipts()
    assert queues.nudges == [SEND, INGEST]


def test_an_empty_desk_asks_for_nothing_more(here: State, queues: RecordingQueues) -> None:
    tasks.ingest_receipts()
    assert queues.nudges == [SEND]
    queues.nudges.clear()
    tasks.send_messages()
    assert queues.nudges == []


def test_a_worker_that_is_to_stop_ends_its_turn(here: State, queues: RecordingQueues) -> None:
    here.stopping = True
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        return 1

    assert tasks.in_turns(here, work)
    assert len(calls) == 1


def test_what_a_service_raises_is_logged_without_its_words(
    here: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_ctx: Context, limit: int) -> int:
        raise ValueError("ada@example.com")

    monkeypatch.setattr(tasks, "ingest", broken)
    with caplog.at_level(logging.ERROR):
        tasks.ingest_receipts()
    (record,) = caplog.records
    assert record.msg == "job_failed"
    assert "ada@example.com" not in record.getMessage()


def test_a_job_outside_a_worker_says_so() -> None:
    with pytest.raises(RuntimeError, match="outside a worker"):
        state.current()


def test_the_house_is_kept_by_one_of_many(here: State, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Context] = []
    monkeypatch.setattr(tasks, "prune", kept.append)
    tasks.keep_house()
    monkeypatch.setattr(tasks.os, "getpid", lambda: 1)  # another process
    tasks.keep_house()
    assert len(kept) == 1
    with here.context.database.reading() as session:
        assert session.get_one(Lease, "housekeeping").holder
