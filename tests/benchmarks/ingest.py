"""P7: receipts become facts, plans and rows: ten webhooks for each order, two worker processes, PostgreSQL."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import func, select

from plugin.services.context import Context
from plugin.services.ingest import ingest_receipts
from plugin.services.receive import receive_shopify
from plugin.services.shops import add_shop
from plugin.store.models.messages import Message
from plugin.store.models.shops import Receipt
from tests.benchmarks.harness import Options, Result, Stage, progress, stage
from tests.benchmarks.payloads import SHOP, Hook, life
from tests.replay.servers import ROOT, clean_environment

TITLE = "ingest: receipts to facts, plans and rows, PostgreSQL, 2 worker processes"
PROCESSES = 2
LEAST = 400.0  # webhooks a second
TOGETHER = 40  # orders whose lives are told side by side, as a shop's are


def run(options: Options) -> list[Result]:
    orders = 40 if options.short else 400
    rates = []
    with stage() as ground:
        for number in range(options.rounds):
            rates.append(one_round(ground, number, orders))
            progress(f"round {number + 1} of {options.rounds}: {rates[-1]:,.0f} webhooks/s")
    rate = statistics.median(rates)
    note = (
        f"{orders * 10:,} webhooks of {orders:,} orders a round, lowest {min(rates):,.0f}, highest {max(rates):,.0f}; "
        "the workers' own start is not counted"
    )
    return [Result("P7", "ingest", rate, None, "webhooks/s", None, f"≥ {LEAST:.0f}", rate >= LEAST, note)]


def one_round(ground: Stage, number: int, orders: int) -> float:
    """Webhooks a second, on a database of its own."""
    url = ground.database()
    ctx = ground.context(url)
    with ctx.database.transaction() as session:
        shop = add_shop(session, ctx, SHOP, live=True)
        shop.installed_at -= timedelta(days=30)  # the lives that follow began after it
    fill(ctx, number, orders)
    workers = [
        subprocess.Popen([sys.executable, "-m", "tests.benchmarks.ingest"], cwd=ROOT, text=True,
                         env=clean_environment() | ground.environ(url), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout
        worker.stdout.readline()
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    done = sum(int(worker.communicate()[0] or 0) for worker in workers)
    seconds = time.perf_counter() - begun
    check(ctx, orders, done)
    ctx.database.dispose()
    return done / seconds


def fill(ctx: Context, number: int, orders: int) -> None:
    """Receive the lives of the orders, those of a few dozen interleaved."""
    began = datetime.now(UTC) - timedelta(days=6)
    lives = (life(number * 1_000_000 + index + 1, began) for index in range(orders))
    while side_by_side := list(islice(lives, TOGETHER)):
        for hooks in zip(*side_by_side, strict=True):
            for hook in hooks:
                accept(ctx, hook)


def accept(ctx: Context, hook: Hook) -> None:
    answer = receive_shopify(ctx, hook.headers(), hook.body)
    assert answer.status == 200, answer


def check(ctx: Context, orders: int, done: int) -> None:
    """Every webhook understood, every order planned."""
    with ctx.database.reading() as session:
        states = dict(session.execute(select(Receipt.state, func.count()).group_by(Receipt.state)).tuples().all())
        planned = session.scalar(select(func.count(func.distinct(Message.order_id))))
    if states != {"done": orders * 10} or done != orders * 10 or planned != orders:
        raise RuntimeError(f"{done} of {orders * 10} ingested: {states}, {planned} of {orders} orders planned")


def worker() -> None:
    """One process: ready, wait, ingest until nothing is left, say how many."""
    import os

    from jobs.tasks import INGEST_BATCH
    from plugin.config import load
    from plugin.services.context import build

    ctx = build(load(os.environ))
    ingest_receipts(ctx, 0)  # opens the connection
    print("ready", flush=True)
    sys.stdin.readline()
    count = 0
    while done := ingest_receipts(ctx, INGEST_BATCH):
        count += done
    print(count, flush=True)


if __name__ == "__main__":
    worker()
