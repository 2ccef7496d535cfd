"""The disk is full for a while: the web answers 503, what was accepted stays, all goes on by itself afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.audit import Findings
from tests.faults.outages import begin, finish
from tests.faults.parts import Cluster, Time
from tests.faults.plant import Plant
from tests.faults.poison import post
from tests.faults.sizes import Size
from tests.replay.servers import Servers

POSTGRES_MB, SQLITE_MB = 220, 24


class NoMount(Exception):
    """This machine lets us have no disk of our own."""


@contextmanager
def small_disk(plant: Plant, megabytes: int) -> Iterator[Path]:
    """A tmpfs of that size. Raises NoMount where this machine does not let us mount one."""
    folder = plant.folder / f"disk-{time.monotonic_ns()}"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        folder.rmdir()
        raise NoMount("a small tmpfs cannot be mounted here (that takes root)")
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        for _ in range(20):
            if subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.5)
        with contextlib.suppress(OSError):
            folder.rmdir()


def fill(folder: Path) -> Path:
    """Take all that is left of the disk; the file to remove."""
    ballast = folder / "ballast"
    handle = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    try:
        for block in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    os.write(handle, b"\0" * block)
    finally:
        os.close(handle)
    return ballast


def disk_postgres(plant: Plant, size: Size) -> Findings:
    """The disk of PostgreSQL's cluster is full for a while."""
    found, usual = Findings("disk full (PostgreSQL)"), plant.cluster
    try:
        with small_disk(plant, POSTGRES_MB) as disk:
            servers = Servers(disk, plant.servers.shared)
            try:
                plant.cluster = Cluster(servers)
                _full_for_a_while(plant, size, found, disk, plant.cluster.create("on_a_small_disk"))
            finally:
                plant.stop()
                servers.end_all()
    except NoMount as exc:
        found.skipped = str(exc)
    finally:
        plant.cluster = usual
    return found


def _full_for_a_while(plant: Plant, size: Size, found: Findings, disk: Path, url: str | None) -> None:
    source = begin(plant, size, url)
    ballast = fill(disk)
    plant.live(max(4.0, size.away))
    ballast.unlink()
    if plant.cluster.process.poll() is not None:  # it ends itself when its log cannot be written; its keeper's turn
        plant.cluster.start()
        found.figures["PostgreSQL ended itself"] = 1
    found.figures["seconds full"] = max(4.0, size.away)
    finish(plant, size, found, source)
    answers = found.figures["answers"]
    found.check(answers.get("503", 0) > 0, f"no webhook was answered 503: {answers}")
    found.check(not answers.get("500"), f"{answers.get('500')} webhooks were answered 500")


def disk_sqlite(plant: Plant, size: Size) -> Findings:
    """The disk of an SQLite database is full for a while."""
    found = Findings("disk full (SQLite)")
    try:
        with small_disk(plant, SQLITE_MB) as disk:
            database = disk / "dasi.db"
            plant.fresh(Time(time.time(), 1.0), f"sqlite:///{database}")
            try:
                plant.start("web", "worker-1", "clock-1")
                answers = {name: _posted(plant, name) for name in (f"before-{n}" for n in range(20))}
                ballast = fill(disk)
                answers |= {name: _posted(plant, name) for name in (f"full-{n}" for n in range(20))}
                ballast.unlink()
                answers |= {name: _posted(plant, name) for name in (f"after-{n}" for n in range(20))}
                done = plant.live(size.patience, lambda: not _receipts(database, "state = 'received'"))
                found.check(done, "not everything was worked off")
                found.check(all(len(k.pids) == 1 for k in plant.kept.values()), "a process died")
            finally:
                plant.stop()
            kept = _receipts(database, "state IN ('done', 'kept')")
            accepted = {f"poison {name}" for name, status in answers.items() if status == 200}
            found.none(accepted - kept, "accepted webhooks were lost")
            found.none([n for n, s in answers.items() if s not in (200, 503)], "answers were neither 200 nor 503")
            found.none(
                [n for n, s in answers.items() if s != 200 and not n.startswith("full")], "refused for no reason"
            )
            refused = sum(status == 503 for status in answers.values())
            found.check(refused > 0, "nothing was refused while the disk was full")
            found.figures |= {"webhooks accepted": len(accepted), "answered 503 while full": refused}
    except NoMount as exc:
        found.skipped = str(exc)
    return found


def _posted(plant: Plant, name: str) -> int:
    number = 700_000 + zlib.crc32(name.encode()) % 100_000
    order = {"id": number, "name": name, "created_at": plant.clock.now.isoformat(), "line_items": [],
             "note": "x" * 20_000, "currency": "GBP", "total_price": "1.00"}  # fmt: skip
    return post(plant, name, "orders/create", json.dumps(order).encode())


def _receipts(database: Path, condition: str) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(f"SELECT webhook_id FROM receipts WHERE {condition}")  # noqa: S608
        return {row[0] for row in rows}
