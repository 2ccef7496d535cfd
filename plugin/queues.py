"""The names of queues and jobs, and the way the web side reaches them: by dotted name, after commit, never waiting."""

from __future__ import annotations

import logging
from functools import cached_property

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

INGEST, SEND, SHOPS, PERIODIC = "ingest", "send", "shops", "periodic"
QUEUES = (INGEST, SEND, SHOPS, PERIODIC)  # a worker empties them in turns
INGEST_JOB = "jobs.tasks.ingest_receipts"
SEND_JOB = "jobs.tasks.send_messages"
SHOPS_JOB = "jobs.tasks.work_with_shops"
JOBS = {INGEST: INGEST_JOB, SEND: SEND_JOB, SHOPS: SHOPS_JOB}

NUDGE_SECONDS = 0.2  # at most so long may a request wait for Valkey
PENDING_SECONDS = 5  # a nudge that nobody took is forgotten after so long

log = logging.getLogger(__name__)


class Queues:
    """Asks workers to look: a nudge carries no data, because the database holds all there is to do."""

    def __init__(self, redis_url: str) -> None:
        self.redis_url = redis_url

    @cached_property
    def redis(self) -> Redis:
        """A connection that gives up quickly, for the web side."""
        return Redis.from_url(
            self.redis_url, socket_timeout=NUDGE_SECONDS, socket_connect_timeout=NUDGE_SECONDS, retry=None
        )

    def nudge(self, queue: str) -> bool:
        """Enqueue the queue's job unless one is already waiting. False when Valkey did not answer in time.

        Nothing is lost then: the clock process sweeps what is unprocessed every second.
        """
        try:
            if self.redis.set(f"dasi:pending:{queue}", 1, nx=True, px=PENDING_SECONDS * 1000):
                Queue(queue, connection=self.redis, serializer=JSONSerializer).enqueue(
                    JOBS[queue], ttl=60, result_ttl=0, failure_ttl=3600, job_timeout=600
                )
            return True
        except RedisError:
            log.warning("nudge_failed", extra={"queue": queue})
            return False

    def taken(self, queue: str, connection: Redis | None = None) -> None:
        """Called by a job before it looks at the database, so that whatever comes later asks for another look."""
        (connection or self.redis).delete(f"dasi:pending:{queue}")

    def alive(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False
