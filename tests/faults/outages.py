"""What Dasi stands on goes away and comes back: Valkey, PostgreSQL, room on the disk. Nobody starts Dasi again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from tests.faults.audit import Findings
from tests.faults.kills import LAPSE, verdict
from tests.faults.plant import Cluster, Plant, Source, Time
from tests.faults.sizes import Size
from tests.replay.servers import Broken, Servers

ALL = ("web", "worker-1", "worker-2", "clock-1")
TMPFS_MB = {"postgres": 220, "sqlite": 24}


def begin(plant: Plant, size: Size, database_url: str | None = None, lapse: float | None = LAPSE) -> Source:
    """A plant with a replay under way."""
    plant.fresh(Time(time.time() + size.lead - size.past_days * 86400 / size.speed, size.speed), database_url)
    plant.lapse = lapse
    plant.mail_faults(slow_ms=20)
    plant.start(*ALL)
    source = plant.play(orders=size.orders, days=size.days, until_days=size.until_days, seed=size.seed)
    plant.live(60, source.ledger.exists)
    plant.live(max(0.0, plant.clock.epoch - time.time()) + 1)
    return source


def finish(plant: Plant, size: Size, found: Findings, source: Source) -> None:
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    found.check(plant.settle(size.patience), "not everything was worked off")
    answer = plant.ready()
    found.check(bool(answer) and answer["status"] == "ok", f"/readyz says {answer} at the end")  # type: ignore[index]
    found.check(
        all(len(k.pids) == 1 and k.process.poll() is None for k in plant.kept.values()),
        f"processes died: { {k.name: k.deaths for k in plant.kept.values() if k.deaths} }",
    )
    summary = source.summary()
    found.figures |= {"orders": summary["orders"], "webhooks": summary["webhooks"], "answers": summary["statuses"],
                      "given up": summary["given_up"]}  # fmt: skip
    verdict(plant, found, source.accepted())


def spread(plant: Plant, size: Size, source: Source, times: int, act: Callable[[int], None]) -> None:
    """Do something so many times while the replay goes on."""
    for turn in range(times):
        act(turn)
        pause = size.replay_seconds / times - size.away
        plant.live(min(max(1.0, pause), 60.0), lambda: source.done)


def valkey(plant: Plant, size: Size) -> Findings:
    """FLUSHALL and SIGKILL in turns: webhooks are accepted all the same, and the clock finds what no nudge told of."""
    found, degraded = Findings("valkey"), 0
    source = begin(plant, size)

    def act(turn: int) -> None:
        nonlocal degraded
        if turn % 2 == 0:
            with Redis.from_url(plant.redis_url) as redis:
                redis.flushall()
            return
        plant.kill_valkey()
        plant.live(size.away / 2)
        answer = plant.ready()
        degraded += bool(answer) and answer["status"] == "degraded"  # type: ignore[index]
        plant.live(size.away / 2)
        plant.start_valkey()

    spread(plant, size, source, 2 * size.outages, act)
    found.check(degraded == size.outages, f"/readyz said degraded in {degraded} of {size.outages} absences")
    found.figures |= {"wiped": size.outages, "killed": size.outages}
    finish(plant, size, found, source)
    return found


def postgres(plant: Plant, size: Size) -> Findings:
    """Stopped, fast and immediate in turns, and started again: 503 meanwhile, so that the platform tries again."""
    found, honest = Findings("postgres"), 0
    source = begin(plant, size)

    def act(turn: int) -> None:
        nonlocal honest
        plant.cluster.stop(immediate=turn % 2 == 1)
        plant.live(size.away)
        honest += plant.ready() is None
        plant.cluster.start()

    spread(plant, size, source, size.outages, act)
    found.check(honest == size.outages, f"/readyz told the truth in {honest} of {size.outages} absences")
    found.figures |= {"stopped": size.outages}
    finish(plant, size, found, source)
    answers = found.figures["answers"]
    found.check(answers.get("503", 0) > 0, f"no webhook was answered 503: {answers}")
    found.check(not answers.get("500"), f"{answers.get('500')} webhooks were answered 500")
    return found


@contextmanager
def small_disk(plant: Plant, megabytes: int) -> Iterator[Path]:
    """A tmpfs of that size. Raises Broken where this machine does not let us mount one."""
    folder = plant.folder / f"disk-{time.monotonic_ns()}"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        folder.rmdir()
        raise Broken("a small tmpfs cannot be mounted here (that takes root)")
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
    found = Findings("disk full (PostgreSQL)")
    usual = plant.cluster
    try:
        with small_disk(plant, TMPFS_MB["postgres"]) as disk:
            servers = Servers(disk, plant.servers.shared)
            try:
                plant.cluster = Cluster(servers)
                _full_for_a_while(plant, size, found, disk, plant.cluster.create("on_a_small_disk"))
                plant.stop()
            finally:
                servers.end_all()
    except Broken as exc:
        if "mounted" not in str(exc):
            raise
        found.skipped = str(exc)
    finally:
        plant.cluster = usual
    return found


def _full_for_a_while(plant: Plant, size: Size, found: Findings, disk: Path, url: str | None) -> None:
    source = begin(plant, size, url)
    ballast = fill(disk)
    before = time.monotonic()
    plant.live(max(4.0, size.away))
    refused = plant.live(1, lambda: True) and time.monotonic() - before
    ballast.unlink()
    if plant.cluster.process.poll() is not None:  # it ends itself when its log cannot be written; its keeper's turn
        plant.cluster.start()
        found.figures["PostgreSQL ended itself"] = 1
    found.figures["seconds full"] = round(refused, 1)
    finish(plant, size, found, source)
    answers = found.figures["answers"]
    found.check(answers.get("503", 0) > 0, f"no webhook was answered 503: {answers}")
    found.check(not answers.get("500"), f"{answers.get('500')} webhooks were answered 500")
