"""The parts of a plant: its virtual clock, a process that is kept running, a PostgreSQL that one may stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

from tests.replay.servers import Servers

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Time:
    """The virtual clock: virtual = START + (real - epoch) x speed."""

    epoch: float
    speed: float

    @property
    def now(self) -> datetime:
        return self.at(time.time())

    def at(self, real: float) -> datetime:
        return START + timedelta(seconds=(real - self.epoch) * self.speed)

    def shifted(self, **ahead: float) -> Time:
        return Time(self.epoch - timedelta(**ahead).total_seconds() / self.speed, self.speed)

    def environment(self) -> dict[str, str]:
        return {"CLOCK_EPOCH": repr(self.epoch), "CLOCK_START": START.isoformat(), "CLOCK_SPEED": repr(self.speed)}


@dataclass
class Kept:
    """A process of ours, started again when it dies, as a service manager would."""

    name: str
    command: Sequence[object]
    env: dict[str, str]
    process: subprocess.Popen[bytes]
    pids: list[int] = field(default_factory=list)
    died_at: float | None = None
    deaths: int = 0


class Cluster:
    """PostgreSQL, which one may stop and start. `folder`'s Servers decides where its data lies."""

    def __init__(self, servers: Servers) -> None:
        self.servers, self.base = servers, servers.postgres()
        self.process = next(p for n, p in servers.running if n == "postgres")
        self.command: Sequence[object] = list(self.process.args)  # type: ignore[arg-type]

    def create(self, name: str, template: str = "template1") -> str:
        """The address of a new database, a copy of `template`."""
        with psycopg.connect(self.base.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.base.rpartition("/")[0] + f"/{name}"

    def stop(self, *, immediate: bool) -> None:
        """Fast: sessions are ended, a checkpoint is made. Immediate: as a crash."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        self.process.wait(30)

    def start(self, seconds: float = 60) -> None:
        self.process = self.servers.start("postgres", self.command, user="nobody" if os.getuid() == 0 else None)
        self.servers.until("postgres", self.process, self.answers, seconds)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.base.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True
