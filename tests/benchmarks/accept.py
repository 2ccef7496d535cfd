"""P1: how fast signed order webhooks of 11 kB are accepted, against a bare view on the same server."""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import dataclass

import requests

from jobs.web import THREADS
from plugin.services.shops import add_shop
from tests.benchmarks.harness import Options, Result, Stage, free_port, in_turns, percentile, progress, stage
from tests.benchmarks.harness import ratio_of_medians as ratio
from tests.benchmarks.load import Client, Job, Outcome
from tests.benchmarks.payloads import SHOP

TITLE = "accept signed 11 kB order webhooks, PostgreSQL, 2 web workers"
PROCESSES = "2"
CONNECTIONS = 2 * THREADS  # one for each thread of both
AT_RATE = 500.0  # requests a second
FLOOR, SINGLY, GROUPED = "floor", "one by one", "grouped"


@dataclass
class Server:
    """One web server on a database of its own, and the orders it has been told of."""

    port: int
    numbers: itertools.count[int]

    def fire(self, count: int, rate: float | None = None) -> Outcome:
        first = next(self.numbers) * 100_000
        outcome = Client(Job(self.port, first, count, CONNECTIONS if rate is None else 64, rate)).fire()
        if set(outcome.statuses) != {"200"}:
            raise RuntimeError(f"the server answered {outcome.statuses}")
        return outcome


def run(options: Options) -> list[Result]:
    count = 500 if options.short else 3000
    with stage() as ground:
        servers = {name: start(ground, name) for name in (FLOOR, SINGLY, GROUPED)}
        for server in servers.values():
            server.fire(500)  # caches, plans and pools are warm
        outcomes: dict[str, list[Outcome]] = {name: [] for name in servers}

        def measure(name: str) -> float:
            outcomes[name].append(servers[name].fire(count))
            return outcomes[name][-1].rate

        rates = in_turns(options.rounds, {name: lambda _, name=name: measure(name) for name in servers})
        seconds = options.seconds or (2 if options.short else 10)
        steady = []
        for number in range(options.rounds):
            outcome = servers[GROUPED].fire(int(AT_RATE * seconds), AT_RATE)
            steady.append(outcome)
            progress(f"{AT_RATE:.0f}/s, {number + 1} of {options.rounds}: {told([outcome])}, late {outcome.late:.3f} s")
        ground.servers.end_all()
    results = []
    for name, least in ((SINGLY, 0.8), (GROUPED, 1.5)):
        share = ratio(rates[name], rates[FLOOR])
        note = f"ours {told(outcomes[name])}; floor {told(outcomes[FLOOR])}"
        results.append(Result("P1", name, statistics.median(rates[name]), statistics.median(rates[FLOOR]), "requests/s",
                              share, f"≥ {least}×", share >= least, note))  # fmt: skip
    worst = 1000 * statistics.median(percentile(outcome.latencies, 0.99) for outcome in steady)
    note = f"{told(steady)}; the client was at worst {max(o.late for o in steady):.3f} s late"
    results.append(Result("P1", f"p99 at {AT_RATE:.0f}/s", worst, None, "ms", None, "< 50 ms", worst < 50, note))
    return results


def told(outcomes: list[Outcome]) -> str:
    """Medians over the rounds of the percentiles, in milliseconds."""
    shares = {
        f"p{share}": 1000 * statistics.median(percentile(outcome.latencies, share / 100) for outcome in outcomes)
        for share in (50, 95, 99)
    }
    return ", ".join(f"{name} {value:.1f} ms" for name, value in shares.items())


def start(ground: Stage, name: str) -> Server:
    url, port = ground.database(), free_port()
    ctx = ground.context(url)
    with ctx.database.transaction() as session:
        add_shop(session, ctx, SHOP)
    ctx.database.dispose()
    command = [sys.executable, "-m", "jobs.cli", "web", "--port", port]
    if name != GROUPED:
        command = [sys.executable, "-m", f"tests.benchmarks.{'bare' if name == FLOOR else 'singly'}", port]
    process = ground.servers.start(name.replace(" ", "-"), command, ground.environ(url, WEB_CONCURRENCY=PROCESSES))

    def answers() -> bool:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=2).status_code < 500

    ground.servers.until(name.replace(" ", "-"), process, answers, 30)
    return Server(port, itertools.count(1))
