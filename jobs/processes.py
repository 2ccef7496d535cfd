"""Child processes: in a session of their own, started again when they die, and never left behind."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds until a child that died is started again
STEADY = 30.0  # a child that lived so long starts with the first pause again
PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


class Child:
    """One supervised process. Only the thread that started it may end: its end is the child's end on Linux."""

    def __init__(self, name: str, command: Sequence[str | os.PathLike[str]], environ: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_PAUSE
        self._started_at = self._start_at = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        # A session of its own: a terminal's Ctrl-C reaches the parent alone, which then ends its children in order.
        self._process = subprocess.Popen(
            self._command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid()),
        )
        self._started_at = time.monotonic()

    def tend(self) -> None:
        """To be called often: starts the child again when it has died, after a pause that grows from 0.5 to 10 s."""
        if self._process is None or self.running:
            return
        now = time.monotonic()
        if not self._start_at:
            if now - self._started_at > STEADY:
                self._pause = FIRST_PAUSE
            log.warning(
                "child_died", extra={"child": self.name, "code": self._process.returncode, "again_in": self._pause}
            )
            _signal_group(self._process.pid, signal.SIGKILL)  # whatever it left behind
            self._start_at, self._pause = now + self._pause, min(self._pause * 2, LONGEST_PAUSE)
        elif now >= self._start_at:
            self._start_at = 0.0
            self.start()

    def ask_to_end(self) -> None:
        if self.running and self._process:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """The child and all that it started."""
        if self._process:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()


def end(children: Sequence[Child], seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask the children to end, wait up to `seconds` (or until `hurry` says so), then kill what is left of each."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_end()
    while any(child.running for child in children) and time.monotonic() < deadline and not hurry():
        time.sleep(0.02)
    for child in children:
        if child.running:
            log.warning("child_killed", extra={"child": child.name})
        child.kill()


def dying_with(parent: int) -> Callable[[], None] | None:
    """What a new child runs first on Linux: the kernel will end it when the thread that started it is gone."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it went before the kernel was told
            os._exit(1)

    return prepare


def die_with_parent() -> None:
    """For a process that something else than `Child` started."""
    prepare = dying_with(os.getppid())
    if prepare:
        prepare()


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS says so of a group whose members are all gone
        pass
