"""Children: started again when they die, ended when asked, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import processes
from jobs.processes import Child, end

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(60)
"""
PARENT = """
import os, sys, time
from jobs.processes import Child
child = Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def test_a_child_that_dies_is_started_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0.05)
    child = Child("sleeper", SLEEP, dict(os.environ))
    child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        child.tend()
        return child.running and child.pid != first

    until(again)
    end([child], 5)


@pytest.mark.alone
def test_the_pause_grows_for_a_child_that_cannot_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(processes, "LONGEST_PAUSE", 0.08)
    child = Child("hopeless", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
    child.start()
    pids = set()
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        child.tend()
        pids.add(child.pid)
        time.sleep(0.005)
    end([child], 1)
    assert 3 <= len(pids) <= 25


@pytest.mark.alone
def test_children_that_do_not_listen_are_killed(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    child = Child("stubborn", [sys.executable, "-c", STUBBORN, str(deaf)], dict(os.environ))
    child.start()
    until(deaf.exists)
    began = time.monotonic()
    end([child], 0.3)
    assert not child.running
    assert time.monotonic() - began < 2


def test_a_child_does_not_hear_the_terminal() -> None:
    child = Child("sleeper", SLEEP, dict(os.environ))
    child.start()
    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid
    end([child], 5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends children with a killed parent")
def test_a_killed_parent_takes_its_children_along() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        parent.wait()
        until(lambda: not alive(pid))
