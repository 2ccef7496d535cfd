"""The clock nudges what is due, sweeps what nobody was told of, and outlives its database and its Valkey."""

from __future__ import annotations

import logging

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy.exc import OperationalError

from jobs.clock import Clock
from jobs.cron import HOUSEKEEPING_JOB, JsonCronJob
from plugin.queues import INGEST, PERIODIC, SEND, SEND_JOB, Queues
from plugin.services.context import Context
from tests.support.fakes import RecordingQueues


def yes(_ctx: Context) -> bool:
    return True


def no(_ctx: Context) -> bool:
    return False


def away(_ctx: Context) -> bool:
    raise OperationalError("SELECT", {}, Exception("no such host"))


def test_something_due_is_nudged_at_each_turn(sqlite_context: Context, queues: RecordingQueues) -> None:
    clock = Clock(sqlite_context, due=yes, unprocessed=no)
    clock.turn(0.25)
    clock.turn(0.5)
    assert queues.nudges == [SEND, SEND]


def test_receipts_are_swept_once_a_second(sqlite_context: Context, queues: RecordingQueues) -> None:
    clock = Clock(sqlite_context, due=no, unprocessed=yes)
    for turn in range(12):
        clock.turn(100 + turn * 0.25)
    assert queues.nudges == [INGEST] * 3


def test_nothing_to_do_is_nothing_done(context: Context, queues: RecordingQueues) -> None:
    Clock(context).turn(100.0)
    assert queues.nudges == []


def test_a_database_that_is_away_is_told_of_once(
    sqlite_context: Context, queues: RecordingQueues, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answers = [away, away, yes, yes, away]
    clock = Clock(sqlite_context, due=lambda ctx: answers.pop(0)(ctx), unprocessed=no)
    for turn in range(5):
        clock.turn(100 + turn * 0.25)
    assert [record.msg for record in caplog.records] == ["database_away", "database_back", "database_away"]
    assert queues.nudges == [SEND, SEND]


def test_a_valkey_that_is_away_is_told_of_once(sqlite_context: Context, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sqlite_context.queues = Queues("unix:///nowhere")
    clock = Clock(sqlite_context, due=yes, unprocessed=yes)
    for turn in range(4):
        clock.turn(100 + turn * 0.25)
    assert [record.msg for record in caplog.records] == ["valkey_away"]


@pytest.mark.valkey
def test_two_clocks_do_no_harm_and_a_backlog_calls_one_worker_after_the_other(
    sqlite_context: Context, valkey: str
) -> None:
    sqlite_context.queues = Queues(valkey)
    clocks = [Clock(sqlite_context, due=yes, unprocessed=no) for _ in range(2)]
    with Redis.from_url(valkey) as redis:
        waiting = Queue(SEND, connection=redis, serializer=JSONSerializer)
        for turn in range(4):
            for clock in clocks:
                clock.turn(100 + turn * 0.25)
        assert [job.func_name for job in waiting.jobs] == [SEND_JOB]

        waiting.empty()  # a worker takes the job and is busy with it for long
        sqlite_context.queues.taken(SEND)
        for clock in clocks:
            clock.turn(102.0)
        assert len(waiting.jobs) == 1  # for the next worker
    sqlite_context.queues.redis.close()


@pytest.mark.valkey
def test_periodic_jobs_are_written_as_our_workers_read_them(valkey: str) -> None:
    with Redis.from_url(valkey) as redis:
        JsonCronJob(PERIODIC, func_name=HOUSEKEEPING_JOB, interval=3600).enqueue(redis)
        queue = Queue(PERIODIC, connection=redis, serializer=JSONSerializer)
        assert [(job.func_name, job.args) for job in queue.jobs] == [(HOUSEKEEPING_JOB, [])]
