"""`dasi up` and `dasi demo` for real: everything starts, everything ends, and starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import pytest
import requests

from jobs.ports import free_port

pytestmark = pytest.mark.valkey
PATIENCE = 90.0  # seconds: a machine that is busy with other tests is slow to start processes
TOO_LARGE = 2 * 1024 * 1024 + 500_000


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


class Everything:
    """`dasi up` or `dasi demo` on a folder of its own."""

    def __init__(self, command: str, folder: Path, **environ: str) -> None:
        self.port, self.folder, self.log = free_port(), folder, folder.with_suffix(".log")
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), **environ}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jobs.cli", command, "--port", str(self.port)],
                env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C ends it." not in (said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said or "it said nothing"
            time.sleep(0.05)

    def family(self) -> list[int]:
        """Every process that lives on this folder."""
        name = str(self.folder).encode()  # Valkey hides its environment, but shows where it listens
        found = []
        for entry in Path("/proc").iterdir():
            try:
                ours = entry.name.isdecimal() and (
                    b"DATA_DIR=" + name + b"\0" in (entry / "environ").read_bytes()
                    or name + b"/valkey" in (entry / "cmdline").read_bytes()
                )
                if ours:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def end(self, number: signal.Signals) -> float:
        """The seconds it took until nothing was left."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        until(lambda: not self.family(), 10)
        return time.monotonic() - began


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="dasi-up-", dir="/tmp"))
    yield path
    rmtree(path)
    path.with_suffix(".log").unlink(missing_ok=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_up_starts_ends_and_starts_again(folder: Path) -> None:
    up = Everything("up", folder, WORKER_CONCURRENCY="2", WEB_CONCURRENCY="2")
    try:
        up.wait_until_ready()
        assert requests.get(f"{up.url}/readyz", timeout=5).json()["checks"]["queues"] == "ok"
        assert len(up.family()) >= 9  # itself, Valkey, web and its two, two workers, the clock and its scheduler

        answer = requests.post(f"{up.url}/webhooks/shopify", data=b"x" * TOO_LARGE, timeout=10)
        assert answer.status_code == 413
        requests.get(f"{up.url}/u/a-token-nobody-may-read", timeout=5)

        second = subprocess.run(
            [sys.executable, "-m", "jobs.cli", "up"], env=up.environ, capture_output=True, text=True, timeout=20
        )
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "another `dasi up` or `dasi demo` runs on" in second.stderr

        other = up.environ | {"DATA_DIR": f"{folder}/other"}
        taken = subprocess.run(
            [sys.executable, "-m", "jobs.cli", "up", "--port", str(up.port)],
            env=other, capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
        assert f"port {up.port}" in taken.stderr

        assert up.end(signal.SIGINT) < 10
        assert up.process.returncode == 0
        assert "a-token-nobody-may-read" not in up.log.read_text()
    finally:
        up.process.kill()
        up.process.wait()

    again = Everything("up", folder)
    try:
        again.wait_until_ready()
        assert again.end(signal.SIGKILL) < 10  # no child outlives it
    finally:
        again.process.kill()
        again.process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.postgres
def test_up_restarts_what_dies_and_runs_on_postgres(folder: Path, postgres_url: str) -> None:
    up = Everything("up", folder, DATABASE_URL=postgres_url)
    try:
        up.wait_until_ready()
        for pid in set(up.family()) - {up.process.pid}:
            os.kill(pid, signal.SIGKILL)

        def ready() -> bool:
            try:
                return bool(requests.get(f"{up.url}/readyz", timeout=2).json()["checks"]["queues"] == "ok")
            except (requests.RequestException, KeyError):
                return False

        until(ready)
        until(lambda: len(up.family()) >= 7)
        assert up.end(signal.SIGTERM) < 10
        assert up.process.returncode == 0
    finally:
        up.process.kill()
        up.process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_demo_starts_with_its_shop_and_its_inbox(folder: Path) -> None:
    demo = Everything("demo", folder)
    try:
        demo.wait_until_ready()
        for page in ("/demo", "/demo/inbox"):
            assert requests.get(demo.url + page, timeout=10).status_code == 200
        assert demo.end(signal.SIGINT) < 10
        assert demo.process.returncode == 0
    finally:
        demo.process.kill()
        demo.process.wait()
