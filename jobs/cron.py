"""Periodic work: RQ's own cron scheduler, in a process of its own that the clock process keeps running."""

from __future__ import annotations

import logging

from redis import Redis
from rq.cron import CronJob, CronScheduler
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from plugin.config import Settings
from plugin.queues import PERIODIC

HOUSEKEEPING_JOB = "jobs.tasks.keep_house"
HOUSEKEEPING_EVERY = 3600  # seconds
TOKENS_JOB = "jobs.tasks.refresh_idle_tokens"
TOKENS_EVERY = 24 * 3600
TRAINING_JOB = "jobs.tasks.train_recommenders"
TRAINING_EVERY = 3600  # each shop once, when it is night there


class JsonCronJob(CronJob):
    """RQ's own enqueues pickles, which our workers do not read."""

    def enqueue(self, connection: Redis) -> Job:
        queue = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        return queue.enqueue(self.func_name, **self.job_options)


def run(settings: Settings) -> None:
    """RQ's cron scheduler, until SIGTERM. Raises RedisError: it dies with its connection and is started again.

    Two of them at once, or one that begins anew, do no harm: each job asks for a lease in the database first.
    """
    connection = Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=2)
    scheduler = CronScheduler(connection, logging_level="WARNING")
    scheduler.log.setLevel(logging.WARNING)
    jobs = ((HOUSEKEEPING_JOB, HOUSEKEEPING_EVERY), (TOKENS_JOB, TOKENS_EVERY), (TRAINING_JOB, TRAINING_EVERY))
    for name, every in jobs:
        scheduler.get_jobs().append(
            JsonCronJob(
                PERIODIC,
                func_name=name,
                interval=every,
                job_timeout=1800,
                result_ttl=0,
                ttl=every,
                failure_ttl=3600,
            )
        )
    scheduler.start()  # type: ignore[no-untyped-call]
