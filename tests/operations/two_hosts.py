"""One host against two, each a network namespace of its own: `python -m tests.operations.two_hosts [--orders N]`.

On each host a web, workers, a clock and a client that posts orders; all against one PostgreSQL, one Valkey and one mail
server in a third namespace. All of it runs on the cores of one machine: what is shown is that two hosts work together
and that nothing leaves twice, not that two machines do twice the work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from uuid import uuid4

import psycopg

from plugin.config import load
from plugin.services.context import build
from plugin.services.shops import add_shop, configure
from tests.benchmarks import load as client
from tests.benchmarks.end_to_end import SETTINGS
from tests.benchmarks.payloads import SHOP
from tests.operations.namespaces import ADDRESSES, HOSTS, WEB_PORT, WORKERS, Ground, NoNamespaces, ground, until

CONNECTIONS = 16  # of all clients together
PATIENCE = 180.0  # seconds for one round
MOST_ORDERS = 20_000
ALL_WORKERS = "TWO_HOSTS_WORKERS"  # in the clients' environment


@dataclass(frozen=True, slots=True)
class Round:
    accepted: float  # webhooks a second, as the clients saw it
    sent: float  # thank-yous a second, from the first webhook to the last mail
    shares: dict[str, int]  # messages that the workers of each host sent


def measure(here: Ground, hosts: tuple[str, ...], orders: int, first: int) -> Round:
    """One round on a fresh database. Raises RuntimeError when an order's mail is missing or left twice."""
    name = f"hosts_{uuid4().hex[:8]}"
    with psycopg.connect(here.admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    env = here.environ(name)
    migrated = here.start(hosts[0], "migrate", sys.executable, "-m", "jobs.cli", "migrate", **env)
    if migrated.wait(60):
        raise RuntimeError(f"dasi migrate failed: {(here.folder / f'migrate-{hosts[0]}.log').read_text()}")
    _prepare(here, env, name)
    for host in hosts:
        here.start(
            host, "web", sys.executable, "-m", "jobs.cli", "web", "--host", "127.0.0.1", "--port", WEB_PORT, **env
        )
        for kind in ("worker", "clock"):
            here.start(host, kind, sys.executable, "-m", "jobs.cli", kind, **env)
    each, workers = orders // len(hosts), {ALL_WORKERS: str(int(WORKERS) * len(hosts))}
    clients = []
    for number, host in enumerate(hosts):
        posting = here.start(
            host, "client", sys.executable, "-m", "tests.operations.two_hosts", "--client", **env, **workers
        )
        job = client.Job(WEB_PORT, first + number * each, each, CONNECTIONS // len(hosts))
        _say(posting, json.dumps(asdict(job)))
        clients.append(posting)
    for posting in clients:
        _hear(posting)  # prepared, and the web answers
    begun = time.monotonic()
    for posting in clients:
        _say(posting, "go")
    outcomes = [client.Outcome(**json.loads(_hear(posting))) for posting in clients]
    seconds = max(outcome.seconds for outcome in outcomes)
    if any(set(outcome.statuses) != {"200"} for outcome in outcomes):
        raise RuntimeError(f"the webs answered {[outcome.statuses for outcome in outcomes]}")
    url = here.admin.replace("dbname=postgres", f"dbname={name}")
    done = "SELECT count(*) FROM messages WHERE step = 'thank_you' AND state = 'sent'"
    with psycopg.connect(url, autocommit=True) as connection:
        while (found := connection.execute(done).fetchone()) and found[0] < each * len(hosts):
            if time.monotonic() - begun > PATIENCE:
                raise RuntimeError(f"{found[0]} of {orders} thank-yous left in {PATIENCE:.0f} s")
            time.sleep(0.05)
        took = time.monotonic() - begun
    here.end("client", "web", "worker", "clock", "migrate")
    mails = json.loads(_ask(here.sink))
    count = sum(mails["hosts"].values())
    if not count == mails["different"] == each * len(hosts):
        raise RuntimeError(f"{count} mails arrived, {mails['different']} different, of {each * len(hosts)} orders")
    return Round(count / seconds, count / took, mails["hosts"])


def _prepare(here: Ground, env: dict[str, str], name: str) -> None:
    url = f"postgresql://dasi@/{name}?host={here.folder / 'postgres'}"
    ctx = build(load(env | {"DATABASE_URL": url}))
    with ctx.database.transaction() as session:
        add_shop(session, ctx, SHOP, live=True)
        configure(session, ctx, SHOP, SETTINGS)
    ctx.database.dispose()


def table(one: list[Round], two: list[Round], orders: int) -> str:
    """The rows for docs/figures."""
    lines = ["| | one host | two hosts | ratio |", "|---|---|---|---|"]
    for what, field in (("webhooks accepted a second", "accepted"), ("thank-yous sent a second, end to end", "sent")):
        ours = [statistics.median(getattr(measured, field) for measured in rounds) for rounds in (one, two)]
        lines.append(f"| {what} | {ours[0]:,.0f} | {ours[1]:,.0f} | {ours[1] / ours[0]:.2f}× |")
    share = {host: sum(measured.shares.get(ADDRESSES[host], 0) for measured in two) for host in HOSTS}
    total = sum(share.values()) or 1
    parts = " and ".join(f"{100 * count / total:.0f} %" for count in share.values())
    note = (
        f"{orders:,} orders a round, medians of {len(one)} rounds in turns; {os.cpu_count()} cores in all, with the "
        "database, Valkey, the mail server and the clients on them too. With two hosts their workers sent "
        f"{parts} of the mails; every order's mail arrived once."
    )
    lines += ["", note]
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.operations.two_hosts", description=__doc__)
    options.add_argument("--orders", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--client", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.client:
        return _client()
    orders = min(given.orders, MOST_ORDERS)
    one: list[Round] = []
    two: list[Round] = []
    try:
        with ground() as here:
            for number in range(given.rounds):
                variants = [(one, HOSTS[:1]), (two, HOSTS)]
                for rounds, hosts in variants if number % 2 == 0 else variants[::-1]:
                    rounds.append(measure(here, hosts, orders, 1 + number * 10 * MOST_ORDERS))
                    print(f"  {len(hosts)} host(s): {rounds[-1]}", file=sys.stderr, flush=True)
    except NoNamespaces as exc:
        print(f"skipped: {exc}", file=sys.stderr)
        return 0
    print(table(one, two, orders))
    return 0


def _client() -> int:
    """As tests.benchmarks.load, once the web of its host tells of all workers of all hosts."""
    wanted = f"dasi_workers {float(os.environ[ALL_WORKERS])}\n"
    url = f"http://127.0.0.1:{WEB_PORT}/metrics"
    until("the web", 60, lambda: wanted in urllib.request.urlopen(url, timeout=5).read().decode())
    client.main()
    return 0


def _say(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a part ended with {process.wait()}")
    return line.decode()


def _ask(process: subprocess.Popen[bytes]) -> str:
    _say(process, "tell")
    return _hear(process)


if __name__ == "__main__":
    sys.exit(main())
