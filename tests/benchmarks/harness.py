"""What every benchmark shares: its options and results, the servers it runs against, and medians.

A benchmark is a module here with a `TITLE` and `run(options) -> list[Result]`, named in `MODULES`. It measures a floor
in the same run, round by round in turns with ours, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from cryptography.fernet import Fernet

from jobs import embedded
from jobs.processes import end as end_children
from plugin.config import Settings, embedded_redis_url, load
from plugin.services.context import Context, build
from plugin.store import migrate
from plugin.store.session import Database
from tests.replay.servers import Servers, free_port

# In the order in which they are run and reported. A benchmark that is not there yet is left out.
MODULES = (
    "accept", "ingest", "sending", "claiming", "end_to_end", "alternative", "memory", "pages", "lists", "feedback",
    "rehearsal", "figures", "recommendations", "recommender_scale",
)  # fmt: skip
SECRET = "a-secret-of-the-benchmarks-long-enough-for-hs256"


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int = 5
    short: bool = False  # a look at whether it works, in seconds; its figures mean nothing
    seconds: float | None = None  # how long a benchmark under a steady load lasts
    messages: int | None = None  # how many a benchmark of many sends


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. `ours` and `floor` are absolute, medians over the rounds; `ratio` is what is judged.

    `reached` is None where nothing is judged.
    """

    name: str  # e.g. "P1"
    what: str
    ours: float
    floor: float | None
    unit: str
    ratio: float | None = None
    reach: str = ""
    reached: bool | None = None
    note: str = ""


def available() -> list[str]:
    return [name for name in MODULES if importlib.util.find_spec(f"tests.benchmarks.{name}")]


def load_module(name: str) -> Any:
    return importlib.import_module(f"tests.benchmarks.{name}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def in_turns(rounds: int, variants: dict[str, Callable[[int], float]]) -> dict[str, list[float]]:
    """Measure each variant once a round, every other round in reverse order. Calls each with the round's number."""
    measured: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        names = list(variants)[:: -1 if number % 2 else 1]
        for name in names:
            measured[name].append(variants[name](number))
            progress(f"round {number + 1} of {rounds}: {name} {measured[name][-1]:,.1f}")
    return measured


def ratio_of_medians(ours: Sequence[float], floor: Sequence[float]) -> float:
    return statistics.median(ours) / statistics.median(floor)


def progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


@dataclass
class Stage:
    """The servers of one benchmark: PostgreSQL with its default durability, Valkey, and whatever is started on it."""

    folder: Path
    servers: Servers
    postgres: str  # URL of the cluster's own database
    redis_url: str
    secrets: dict[str, str] = field(default_factory=dict)

    def database(self) -> str:
        """The URL of a fresh, migrated database."""
        name = f"bench_{uuid4().hex[:12]}"
        with psycopg.connect(self.postgres.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = self.postgres.rpartition("/")[0] + f"/{name}"
        database = Database(url)
        migrate.upgrade(database)
        database.dispose()
        return url

    def environ(self, database_url: str, **more: str) -> dict[str, str]:
        """The settings of `dasi` processes on this stage."""
        return {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.folder / "data"),
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "SHOPIFY_API_KEY": "benchmarks",
            "SHOPIFY_API_SECRET": SECRET,
            **self.secrets,
            **more,
        }

    def settings(self, database_url: str, **more: str) -> Settings:
        return load(self.environ(database_url, **more))

    def context(self, database_url: str, **more: str) -> Context:
        """Wired for this process. The caller disposes of its database."""
        return build(self.settings(database_url, **more))


@contextlib.contextmanager
def ended_politely() -> Iterator[None]:
    """While it lasts, SIGTERM and SIGHUP raise SystemExit, so that what was started is ended."""

    def leave(sign: int, _frame: object) -> None:
        sys.exit(128 + sign)

    before = {sign: signal.signal(sign, leave) for sign in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Started for one benchmark and gone afterwards, with everything that was started on it, however it ends."""
    with ended_politely(), _stage() as ground:
        yield ground


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="dasi-bench-", dir="/tmp"))  # a socket's path must be short
    folder.chmod(0o755)
    (folder / "data").mkdir()
    servers = Servers(folder, Path(os.environ.get("DASI_SHARED", "../shared")).absolute())
    valkey = embedded.server(folder / "data")
    try:
        postgres = servers.postgres()
        valkey.start()
        url = embedded_redis_url(folder / "data")
        embedded.wait_until_ready(valkey, url)
        secrets = {"SECRET_KEY": "x" * 48, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        yield Stage(folder, servers, postgres, url, secrets)
    finally:
        servers.end_all()
        end_children([valkey], 5)
        shutil.rmtree(folder, ignore_errors=True)


__all__ = [
    "MODULES", "SECRET", "Options", "Result", "Stage", "available", "free_port", "in_turns", "load_module",
    "percentile", "progress", "ratio_of_medians", "stage",
]  # fmt: skip
