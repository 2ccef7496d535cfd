"""A whole installation in separate processes that one may break: PostgreSQL, Valkey, web, workers, clocks, mail.

Leases last five minutes, and five real minutes are a week of a fast virtual clock; so the plant lets them lapse earlier
(`lapse`), by setting `lease_until` back in the database. Nothing in Dasi knows of that.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import requests
from cryptography.fernet import Fernet
from psycopg.rows import dict_row
from redis import Redis
from redis.exceptions import RedisError

from jobs import embedded
from plugin.config import embedded_redis_url
from tests.faults.mailgate import MailGate
from tests.faults.parts import START, Cluster, Kept, Time
from tests.replay.servers import SECRET, SHOP, Broken, Servers, free_port

BARE = "template1"  # PostgreSQL's own, of which the first database is made
RESTART_SECONDS = 0.3  # what a service manager waits before it starts again what died
RETRY_SPEED = 800.0  # of the platform's eight tries over four hours: they take 18 seconds
LEASE_SECONDS = 300.0  # plugin.services.deliver's
LAPSE = """UPDATE messages SET lease_until = clock_timestamp() - interval '1 second'
WHERE state IN ('queued', 'sending') AND lease_until > clock_timestamp()
AND lease_until < clock_timestamp() + make_interval(secs => %s)"""
LAPSE_DEBTS = """UPDATE leases SET until = clock_timestamp() - interval '1 second'
WHERE name LIKE 'follows:%%' AND until > clock_timestamp()
AND until < clock_timestamp() + make_interval(secs => %s)"""  # plugin.services.follow_ups'


class Plant:
    """`open` once, `fresh` for each scenario, `close` in any case. Everything is started from the calling thread."""

    def __init__(self, folder: Path, shared: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.folder, self.servers = folder, Servers(folder, shared.resolve())
        self.kept: dict[str, Kept] = {}
        self.lapse: float | None = None  # leases lapse so many seconds after they were taken; None: as they are
        self._lapse_at, self._runs, self._template = 0.0, 0, BARE

    def open(self) -> None:
        email_url, self.sink = self.servers.sink()
        self.gate = MailGate(int(email_url.rpartition(":")[2]))
        self.email_url = self.gate.open()
        self.cluster = Cluster(self.servers)
        self.valkey = embedded.server(_made(self.folder / "v"))
        self.redis_url = embedded_redis_url(self.folder / "v")
        self.start_valkey()

    def close(self) -> None:
        self.kept.clear()
        self.servers.end_all()
        with contextlib.suppress(AttributeError):
            self.valkey.kill()
            self.gate.close()

    def fresh(self, at: Time, database_url: str | None = None) -> None:
        """An empty, migrated database with one live shop, an empty sink and an empty Valkey; no process runs."""
        self.stop()
        self._runs += 1
        self.clock, self.lapse = at, None
        self.run = _made(self.folder / f"run{self._runs}")
        self._log_starts = {path: path.stat().st_size for path in self.folder.glob("*.log")}
        self.database_url = database_url or self.cluster.create(f"run{self._runs}", self._template)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.run),
            "PUBLIC_URL": self.url,
            "EMAIL_URL": self.email_url,
            "SECRET_KEY": "a secret of the faults, long enough to sign with",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SHOPIFY_API_KEY": "faults-key",
            "SHOPIFY_API_SECRET": SECRET,
        } | at.environment()
        requests.delete(f"{self.sink}/messages", timeout=10)
        self.mail_faults()
        Redis.from_url(self.redis_url).flushall()
        if database_url or self._template == BARE:
            self._install()
        if not database_url and self._template == BARE:
            self._template = "installed"
            self.cluster.create(self._template, f"run{self._runs}")

    def _install(self) -> None:
        """Migrate and add the shop just before START, so that the replay's first orders are no history to it."""
        before_start = self.env | {"CLOCK_EPOCH": repr(time.time() + 600)}
        self.servers.run("migrate", dasi("migrate"), self.env)
        self.servers.run("shops", dasi("shops", "add", SHOP, "--live"), before_start)

    def start(self, *names: str, **changed: str) -> None:
        """web, worker-1, worker-2, clock-1 …; `changed` in the environment of these."""
        for name in names:
            kind = name.partition("-")[0]
            options: tuple[object, ...] = ("--host", "127.0.0.1", "--port", self.port) if kind == "web" else ()
            command, env = dasi(kind, *options), self.env | changed
            process = self.servers.start(name, command, env)
            self.kept[name] = Kept(name, command, env, process, [process.pid])
        if "web" in names:
            process = self.kept["web"].process
            self.servers.until("web", process, lambda: self.ready() is not None, 30)

    def stop(self, *names: str) -> None:
        """End these (all, when none is named) for good, politely."""
        names = names or tuple(self.kept)
        for name in names:
            self.kept.pop(name).process.send_signal(signal.SIGTERM)
        for name in names:
            self.servers.end(name, 30, signal.SIGTERM)

    def ready(self) -> dict[str, Any] | None:
        """/readyz's answer; None when nobody or not 200 answers."""
        with contextlib.suppress(requests.RequestException, ValueError):
            answer = requests.get(f"{self.url}/readyz", timeout=3)
            if answer.status_code == 200:
                return dict(answer.json())
        return None

    def tend(self) -> None:
        """Start again what died, and let old leases lapse. Called often by whoever waits."""
        for kept in self.kept.values():
            if kept.process.poll() is None:
                continue
            if kept.died_at is None:
                kept.died_at, kept.deaths = time.monotonic(), kept.deaths + 1
            elif time.monotonic() - kept.died_at > RESTART_SECONDS:
                kept.died_at = None
                kept.process = self.servers.start(kept.name, kept.command, kept.env)
                kept.pids.append(kept.process.pid)
        if self.lapse is not None and time.monotonic() > self._lapse_at:
            self._lapse_at = time.monotonic() + 0.5
            with contextlib.suppress(psycopg.Error):
                self.sql(LAPSE, [LEASE_SECONDS - self.lapse])
                self.sql(LAPSE_DEBTS, [LEASE_SECONDS - self.lapse])

    def live(self, seconds: float, until: Callable[[], bool] = lambda: False, every: float = 0.5) -> bool:
        """Let time pass. True as soon as `until` says so, which is looked at `every` so many seconds."""
        end, look = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < end:
            self.tend()
            if now >= look:
                look = now + every
                with contextlib.suppress(psycopg.Error, requests.RequestException, RedisError):
                    if until():
                        return True
            time.sleep(min(0.05, every))
        return False

    def kill(self, name: str) -> None:
        """SIGKILL; `tend` starts it again."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.kept[name].process.pid, signal.SIGKILL)

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """One statement, committed; the rows it gives."""
        address = self.database_url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, row_factory=dict_row, connect_timeout=3) as connection:
            found = connection.execute(statement.encode(), list(values) or None)
            return found.fetchall() if found.description else []

    def count(self, condition: str, table: str = "messages") -> int:
        return int(self.sql(f"SELECT count(*) AS n FROM {table} WHERE {condition}")[0]["n"])  # noqa: S608

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is left to do of what was due by now; the virtual clock runs on meanwhile."""
        self.settled_at = self.clock.now
        due = f"state IN ('planned', 'queued', 'sending') AND ready_at <= '{self.settled_at.isoformat()}'"
        open_ = (("state = 'received'", "receipts"), (due, "messages"), ("name LIKE 'follows:%'", "leases"))
        return self.live(seconds, lambda: not any(self.count(*each) for each in open_), every=0.25)

    def mail_faults(self, **faults: float) -> None:
        requests.put(f"{self.sink}/faults", data=json.dumps(faults), timeout=10).raise_for_status()

    def start_valkey(self) -> None:
        self.valkey.start()
        embedded.wait_until_ready(self.valkey, self.redis_url)

    def kill_valkey(self) -> None:
        if self.valkey.pid:
            os.kill(self.valkey.pid, signal.SIGKILL)

    def play(self, **options: Any) -> Source:
        """Start the replay; see `Source`."""
        return Source(self, options)

    def logged(self, event: str, *names: str) -> list[dict[str, Any]]:
        """This run's log records of that event, of the processes with these names."""
        found = []
        for path in map(self.servers.log, names):
            whole = path.read_bytes() if path.exists() else b""
            for line in whole[self._log_starts.get(path, 0) :].decode(errors="replace").splitlines():
                if f'"{event}"' in line and line.startswith("{"):
                    with contextlib.suppress(ValueError):
                        found.append(json.loads(line))
        return [record for record in found if record.get("event") == event]


class Source:
    """The twin's replay as a process. Options: orders, days, until_days, seed, duplicate, shuffle, day_late."""

    def __init__(self, plant: Plant, options: dict[str, Any]) -> None:
        self.plant, self.folder = plant, plant.run
        self.settings = {
            "app_url": plant.url, "secret": SECRET, "shop": SHOP, "folder": str(plant.run),
            "clock_epoch": plant.clock.epoch, "clock_start": START.isoformat(), "clock_speed": plant.clock.speed,
            "orders": 150, "days": 1.0, "until_days": 40.0, "seed": 7, "duplicate": 0.1, "shuffle": 0.1,
            "day_late": 0.0, "retry_speed": min(plant.clock.speed, RETRY_SPEED),
        } | options  # fmt: skip
        self.name = f"source-{plant.run.name}"
        self.process = plant.servers.start(
            self.name,
            [sys.executable, "-m", "tests.faults.source", json.dumps(self.settings)],
            {"PYTHONPATH": str(plant.servers.shared)},
        )

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    @property
    def done(self) -> bool:
        return self.process.poll() is not None

    def accepted(self) -> set[str]:
        path = self.folder / "accepted.txt"
        return set(path.read_text().split()) if path.exists() else set()

    def summary(self) -> dict[str, Any]:
        """Raises Broken when it did not end well."""
        if self.process.poll() != 0:
            raise Broken(f"the source did not end well: {self.plant.servers.tail(self.name)}")
        return dict(json.loads(self.plant.servers.tail(self.name).strip().rsplit("\n", 1)[-1]))


def dasi(*arguments: object) -> list[object]:
    return [sys.executable, "-m", "jobs.cli", *arguments]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
