"""The obvious alternative: one RQ job for each message, put off with `enqueue_at`, the same messages and sink."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

from plugin.domain.flows import State
from plugin.services.context import Context
from plugin.store.models.messages import Message
from tests.benchmarks.calendar import Filler, open_shop
from tests.benchmarks.harness import Options, Result, Stage, in_turns, ratio_of_medians, stage
from tests.benchmarks.postmen import Postman, rate

TITLE = "one RQ job for each message, against a claim of many"
WORKERS = 2
MESSAGES = {"ours": 1000, "forking": 150, "simple": 400}  # a round: each long enough to be measured
FORKING, SIMPLE = "rq.worker.Worker", "rq.worker.SimpleWorker"


def run(options: Options) -> list[Result]:
    with stage() as here:
        email_url, _ = here.servers.sink()
        env = here.environ(here.database(), EMAIL_URL=email_url)
        ctx = here.context(env["DATABASE_URL"])
        filler = Filler(ctx, open_shop(ctx))
        team = [Postman("ours", env) for _ in range(WORKERS)]
        filler.fill(100)
        rate(team, 100)
        less = 4 if options.short else 1

        def ours(_: int) -> float:
            filler.fill(MESSAGES["ours"] // less)
            return rate(team, MESSAGES["ours"] // less)

        def theirs(kind: str, worker: str) -> Callable[[int], float]:
            return lambda number: _with_rq(here, ctx, filler, env, f"{kind}{number}", worker, MESSAGES[kind] // less)

        measured = in_turns(
            options.rounds, {"ours": ours, "forking": theirs("forking", FORKING), "simple": theirs("simple", SIMPLE)}
        )
        for postman in team:
            postman.end()
        ctx.database.dispose()
    median = {name: statistics.median(values) for name, values in measured.items()}
    forking = ratio_of_medians(measured["ours"], measured["forking"])
    return [
        Result("–", "against RQ's forking worker", median["ours"], median["forking"], "mails/s", forking, "≥ 10×",
               forking >= 10, f"{WORKERS} workers each; theirs look at everything ours do, but claim nothing"),
        Result("–", "against RQ's SimpleWorker", median["ours"], median["simple"], "mails/s",
               ratio_of_medians(measured["ours"], measured["simple"])),
    ]  # fmt: skip


def _with_rq(
    here: Stage, ctx: Context, filler: Filler, env: dict[str, str], name: str, worker: str, count: int
) -> float:
    """Messages a second from the moment they are due until the last is recorded."""
    before = _count(ctx, State.SENT)
    filler.fill(count)
    with ctx.database.reading() as session:
        ids = session.scalars(select(Message.id).where(Message.state == State.PLANNED)).all()
    redis = Redis.from_url(here.redis_url)
    queue = Queue(name, connection=redis, serializer=JSONSerializer)
    due = datetime.now(UTC) + timedelta(seconds=8)  # the workers are up by then
    for id_ in ids:
        queue.enqueue_at(due, "tests.benchmarks.rq_jobs.send_one", id_, result_ttl=0)
    command = [sys.executable, "-m", "rq.cli", "worker", name, "--with-scheduler", "--url", here.redis_url,
               "--serializer", "rq.serializers.JSONSerializer", "--worker-class", worker, "--quiet"]  # fmt: skip
    processes = [here.servers.start(f"{name}-{number}", command, env) for number in range(WORKERS)]
    try:
        sent = 0
        while not sent:  # the scheduler looks once a second or so: its delay is not held against it
            sent = _count(ctx, State.SENT) - before
            time.sleep(0.02)
        start, first = time.perf_counter(), sent
        while sent < len(ids):
            if time.perf_counter() - start > 120:
                raise RuntimeError(f"only {sent} of {len(ids)} messages were sent: {here.servers.tail(f'{name}-0')}")
            time.sleep(0.02)
            sent = _count(ctx, State.SENT) - before
        return (sent - first) / (time.perf_counter() - start)
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)
        redis.close()


def _count(ctx: Context, state: State) -> int:
    with ctx.database.reading() as session:
        return session.scalar(select(func.count()).where(Message.state == state)) or 0
