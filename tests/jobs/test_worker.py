"""A real worker on a real Valkey: quick to take a nudge, and there again when Valkey is."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from jobs import embedded
from jobs.processes import Child, end
from plugin.config import embedded_redis_url
from plugin.queues import INGEST, SEND, Queues
from tests.conftest import KEY

pytestmark = pytest.mark.valkey
PENDING = f"dasi:pending:{SEND}"


def until(true: Callable[[], object], seconds: float = 15) -> float:
    """How long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + seconds, "it did not come true in time"
        time.sleep(0.002)
    return time.monotonic() - began


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="dasi-jobs-", dir="/tmp"))
    yield path
    rmtree(path)


@pytest.fixture
def worker(folder: Path, sqlite_url: str) -> Iterator[Child]:
    """A worker that is started before its Valkey."""
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DATABASE_URL": sqlite_url,
        "SECRET_KEY": "a secret of the tests",
        "ENCRYPTION_KEYS": KEY,
        "REDIS_URL": embedded_redis_url(folder),
    }
    child = Child("worker", [sys.executable, "-m", "jobs.cli", "worker"], environ)
    child.start()
    yield child
    end([child], 5)


def started(folder: Path) -> Child:
    child = embedded.server(folder)
    child.start()
    embedded.wait_until_ready(child, embedded_redis_url(folder))
    return child


def taken(redis: Redis) -> bool:
    try:
        return not redis.exists(PENDING)
    except RedisError:
        return False


@pytest.mark.alone
def test_a_worker_outlives_its_valkey_and_takes_a_nudge_at_once(worker: Child, folder: Path) -> None:
    valkey = started(folder)
    queues = Queues(embedded_redis_url(folder))
    redis = Redis.from_url(embedded_redis_url(folder))
    assert queues.nudge(SEND)
    until(lambda: taken(redis))

    quickest = []
    for _ in range(5):
        assert queues.nudge(SEND)
        quickest.append(until(lambda: taken(redis)))
    assert min(quickest) < 0.1

    end([valkey], 5)
    time.sleep(0.3)
    assert worker.running
    valkey = started(folder)
    assert queues.nudge(SEND)
    until(lambda: taken(redis))
    assert worker.running

    began = time.monotonic()
    end([worker], 10)
    assert time.monotonic() - began < 10
    redis.close()
    queues.redis.close()
    end([valkey], 5)


def test_a_worker_ends_when_asked_without_a_valkey(worker: Child) -> None:
    time.sleep(1.5)
    began = time.monotonic()
    end([worker], 10)
    assert time.monotonic() - began < 10


@pytest.mark.alone
def test_a_long_backlog_of_one_queue_starves_no_other(worker: Child, folder: Path) -> None:
    valkey = started(folder)
    with Redis.from_url(embedded_redis_url(folder)) as redis:
        busy = Queue(INGEST, connection=redis, serializer=JSONSerializer)
        for _ in range(300):
            busy.enqueue("time.sleep", 0.02, result_ttl=0)
        queues = Queues(embedded_redis_url(folder))
        assert queues.nudge(SEND)
        until(lambda: taken(redis))
        assert busy.count > 100
        queues.redis.close()
    end([worker, valkey], 5)
