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
STARTED_BY, ENDED_BY = 60.0, 120.0  # seconds in which the first and the last must have left


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

        def theirs(kind: str) -> Callable[[int], float]:
            return lambda number: _with_rq(here, ctx, filler, env, (kind, f"{kind}{number}"), MESSAGES[kind] // less)

        variants = {"ours": ours, "forking": theirs("forking"), "simple": theirs("simple")}
        measured = in_turns(options.rounds, variants)
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
    here: Stage, ctx: Context, filler: Filler, env: dict[str, str], worker: tuple[str, str], count: int
) -> float:
    """Messages a second from the moment they are due until the last is recorded."""
    kind, name = worker
    before = _count(ctx, State.SENT)
    filler.fill(count)
    with ctx.database.reading() as session:
        ids = session.scalars(select(Message.id).where(Message.state == State.PLANNED)).all()
    redis = Redis.from_url(here.redis_url)
    queue = Queue(name, connection=redis, serializer=JSONSerializer)
    due = datetime.now(UTC) + timedelta(seconds=8)  # the workers are up by then
    for id_ in ids:
        queue.enqueue_at(due, "tests.benchmarks.rq_jobs.send_one", id_, result_ttl=0)
    command = [sys.executable, "-m", "tests.benchmarks.rq_jobs", name, kind]
    processes = [here.servers.start(f"{name}-{number}", command, env) for number in range(WORKERS)]
    try:
        first = _until(ctx, 1, before, STARTED_BY, here, name)  # the scheduler's delay is not held against it
        start = time.perf_counter()
        _until(ctx, len(ids), before, ENDED_BY, here, name)
        return (len(ids) - first) / (time.perf_counter() - start)
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)
        redis.close()


def _until(ctx: Context, wanted: int, before: int, seconds: float, here: Stage, name: str) -> int:
    """Wait until so many more than `before` are sent; how many then are. Raises RuntimeError when it takes longer."""
    end = time.perf_counter() + seconds
    while (sent := _count(ctx, State.SENT) - before) < wanted:
        if time.perf_counter() > end:
            raise RuntimeError(f"only {sent} of {wanted} messages were sent: {here.servers.tail(f'{name}-0')}")
        time.sleep(0.05)
    return sent


def _count(ctx: Context, state: State) -> int:
    with ctx.database.reading() as session:
        return session.scalar(select(func.count()).where(Message.state == state)) or 0
