"""The worker process: RQ without a fork for each job, which outlives any absence of Valkey."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker.base import DequeueStrategy

from jobs import state
from jobs.state import State
from plugin.config import Settings
from plugin.queues import QUEUES
from plugin.services import tallies

WORKER_TTL = 30  # seconds: a blocked read on a server that hangs gives up after 25
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between two tries while Valkey is away

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """Empties ingest, send and periodic in turns, so that a long backlog of one never starves the others."""

    max_connection_wait_time = LONGEST_PAUSE
    here: State
    stopped: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """A job that runs ends its turn; Valkey is not needed for that."""
        self.stopped.set()
        self.here.stopping = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def run(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Raises ConfigError for a key or an EMAIL_URL that is wrong."""
    here, stopped = state.start(settings), threading.Event()
    counted = tallies.Tallies(here.context.queues.redis)
    tallies.listen(counted)
    pause, away = FIRST_PAUSE, False
    while not stopped.is_set():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        try:
            connection = connect(settings.redis_url)
            connection.ping()
            if away:
                log.info("valkey_back")
            pause, away = FIRST_PAUSE, False
            work(connection, here, stopped)
        except RedisError as exc:
            if not away and not stopped.is_set():
                log.warning("valkey_away", extra={"kind": type(exc).__name__})
            away = True
        if not stopped.wait(pause):
            pause = min(pause * 2, LONGEST_PAUSE)
    counted.deliver()
    here.close()


def connect(redis_url: str) -> Redis:
    return Redis.from_url(redis_url, socket_connect_timeout=2, retry=Retry(ConstantBackoff(0.1), 2))


def work(connection: Redis, here: State, stopped: threading.Event) -> None:
    """One registered worker, until it is stopped or Valkey goes. Raises RedisError."""
    worker = Worker(
        list(QUEUES),
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL,
        log_job_description=False,
    )
    worker.here, worker.stopped = here, stopped
    worker.log_result_lifespan = False
    log.info("worker_ready", extra={"worker": worker.name})
    try:
        worker.work(logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)
    finally:
        connection.close()
