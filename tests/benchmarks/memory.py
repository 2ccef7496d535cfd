"""What one worker process keeps in memory after many messages: a cache without a bound would show as a slope."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import text

from plugin.services.context import Context
from tests.benchmarks.calendar import Filler, open_shop
from tests.benchmarks.harness import Options, Result, free_port, progress, stage
from tests.benchmarks.postmen import Postman, rate
from tests.replay.servers import ROOT, clean_environment

TITLE = "memory of one worker process over many messages, PostgreSQL"
MESSAGES = 50_000
CHUNK = 2000
SHOPS = 10
KEPT = 20_000  # messages in the calendar before it is emptied: the disk is not what is measured
MOST_MB = 200.0
LONG = 1_000_000


def run(options: Options) -> list[Result]:
    count = 4000 if options.short else options.messages or MESSAGES
    with stage() as here, _sink() as email_url:
        env = here.environ(here.database(), EMAIL_URL=email_url)
        ctx = here.context(env["DATABASE_URL"])
        fillers = [Filler(ctx, open_shop(ctx, number + 1), seed=number) for number in range(SHOPS)]
        worker = Postman("ours", env)
        sent, seen = 0, [(0, _resident(worker.process.pid))]
        while sent < count:
            if sent % KEPT == 0:
                _empty(ctx)
            for filler in fillers:
                filler.fill(CHUNK // SHOPS)
            speed = rate([worker], CHUNK)
            sent += CHUNK
            seen.append((sent, _resident(worker.process.pid)))
            progress(f"{sent:,} messages: {seen[-1][1]:.1f} MB, {speed:,.0f} mails/s")
        worker.end()
        ctx.database.dispose()
    most, slope = max(size for _, size in seen), _slope(seen[len(seen) // 2 :])
    at_last = seen[-1][1] + slope * max(LONG - sent, 0)
    table = ", ".join(f"{size:.0f} MB at {at:,}" for at, size in seen[:: max(1, len(seen) // 8)])
    return [
        Result("memory", f"one worker after {sent:,} messages", seen[-1][1], None, "MB", None, f"< {MOST_MB:.0f} MB",
               most < MOST_MB, table),
        Result("memory", f"growth in the second half, for {LONG:,} messages", slope * LONG, None, "MB", None, "", None,
               f"{slope * 1e6:.1f} bytes a message; that is {at_last:.0f} MB after {LONG:,}"),
    ]  # fmt: skip


def _slope(seen: Sequence[tuple[int, float]]) -> float:
    """Megabytes a message, by least squares."""
    mean_at, mean_size = sum(at for at, _ in seen) / len(seen), sum(size for _, size in seen) / len(seen)
    spread = sum((at - mean_at) ** 2 for at, _ in seen)
    return sum((at - mean_at) * (size - mean_size) for at, size in seen) / spread if spread else 0.0


def _resident(pid: int) -> float:
    """The process's resident memory in MB, as Linux tells it."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _empty(ctx: Context) -> None:
    with ctx.database.transaction() as session:
        tables = "customers, consents, orders, parcels, purchases, messages, message_bodies"
        session.execute(text(f"TRUNCATE {tables} CASCADE"))


@contextlib.contextmanager
def _sink() -> Iterator[str]:
    """A mail server that forgets what it takes; its EMAIL_URL."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sink", str(port)], cwd=ROOT, env=clean_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        yield f"smtp://127.0.0.1:{port}"
        process.stdin.close()
