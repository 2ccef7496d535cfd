"""P4: from the acceptance of an order's webhook to its thank-you at the mail server, under a steady load."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests

from plugin.services.shops import add_shop, configure
from tests.benchmarks.harness import Options, Result, Stage, free_port, percentile, progress, stage
from tests.benchmarks.load import Client, Job
from tests.benchmarks.payloads import SHOP
from tests.replay.servers import ROOT

TITLE = "accepted webhook to thank-you in the sink, dasi web, worker and clock, PostgreSQL, Valkey"
RATE = 100.0  # orders a second
SECONDS = 60.0
MOST = 5.0  # seconds, p99
WORKERS = "2"
WARM = 900_000  # the first number of the orders that only warm it up
PATIENCE = 120.0  # seconds after the last order until what is missing counts as lost
SETTINGS: dict[str, Any] = {
    "brand": {"legal_name": "Bench Tea Ltd", "postal_address": "1 Bench Street, Berlin 10117"},
    "support": {"email": "help@bench.example", "phone": "+49 30 555 0100"},
}


def run(options: Options) -> list[Result]:
    seconds = options.seconds or (5.0 if options.short else SECONDS)
    with stage() as ground:
        waits, accepted = measure(ground, int(RATE * seconds))
    worst = percentile(waits, 0.99)
    shares = ", ".join(f"p{share} {percentile(waits, share / 100):.2f} s" for share in (50, 95, 99))
    note = (
        f"{len(waits):,} orders at {RATE:.0f}/s for {seconds:.0f} s, one run: {shares}, longest {max(waits):.2f} s, "
        f"counted from before the webhook was accepted (p50 {accepted:.1f} ms); 2 web and {WORKERS} worker processes"
    )
    return [Result("P4", "thank-you, p99", worst, None, "s", None, f"< {MOST:.0f} s", worst < MOST, note)]


def measure(ground: Stage, count: int) -> tuple[list[float], float]:
    """Seconds from each webhook's acceptance (machine time, as its receipt says) to its mail; the answer's median, ms.

    Raises RuntimeError when an order's mail is missing or came twice.
    """
    sink_port, port, url = free_port(), free_port(), ground.database()
    env = ground.environ(
        url, EMAIL_URL=f"smtp://127.0.0.1:{sink_port}", WEB_CONCURRENCY="2", WORKER_CONCURRENCY=WORKERS
    )
    ctx = ground.context(url)
    with ctx.database.transaction() as session:
        add_shop(session, ctx, SHOP, live=True)
        configure(session, ctx, SHOP, SETTINGS)
    start, until = ground.servers.start, ground.servers.until
    with sink(sink_port) as arrivals:
        web = start("web", [sys.executable, "-m", "jobs.cli", "web", "--port", port], env)
        for name in ("worker", "clock"):
            start(name, [sys.executable, "-m", "jobs.cli", name], env)
        until("web", web, lambda: requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok, 30)
        Client(Job(port, WARM, 50, 4, 20.0)).fire()  # caches are warm
        outcome = Client(Job(port, 1, count, 64, RATE)).fire()
        if set(outcome.statuses) != {"200"}:
            raise RuntimeError(f"the server answered {outcome.statuses}")
        deadline = time.monotonic() + PATIENCE
        arrived = arrivals()
        while len(arrived) < count + 50 and time.monotonic() < deadline:
            progress(f"{len(arrived):,} of {count + 50:,} mails")
            time.sleep(2)
            arrived = arrivals()
    accepted = accepted_at(url)
    ctx.database.dispose()
    at = dict(arrived)
    if len(at) != len(arrived) or set(at) != set(accepted):
        raise RuntimeError(f"{len(accepted)} orders, {len(arrived)} mails about {len(at)} orders")
    waits = [at[name] - moment for name, moment in accepted.items() if int(name[1:]) < WARM]
    return waits, 1000 * statistics.median(outcome.latencies)


@contextlib.contextmanager
def sink(port: int) -> Iterator[Callable[[], list[list[Any]]]]:
    """The mail server, in a process of its own, and what asks it for [order's name, Unix time] of each mail so far."""
    command = [sys.executable, "-m", "tests.benchmarks.sink", str(port)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, told = process.stdin, process.stdout
        assert asked
        assert told

        def arrivals() -> list[list[Any]]:
            asked.write("tell\n")
            asked.flush()
            found: list[list[Any]] = json.loads(told.readline())
            return found

        try:
            told.readline()
            yield arrivals
        finally:
            process.kill()  # whoever is still connected to it


def accepted_at(url: str) -> dict[str, float]:
    """The order's name -> Unix time at which its webhook was accepted."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT o.name, extract(epoch FROM r.accepted_at) FROM orders o JOIN receipts r ON "
                 "r.shop_id = o.shop_id AND r.order_ref = o.platform_id")
        ).all()  # fmt: skip
    engine.dispose()
    return {name: float(moment) for name, moment in rows}
