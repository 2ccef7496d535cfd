"""Everything in one go: starts the processes of an installation, keeps them running, and ends them in order."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from jobs.processes import Child, end

TURN = 0.1  # seconds between two looks at the children
PROBE_EVERY = 0.3
PATIENCE = 30.0  # seconds after which somebody who waits wants to know why

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """Children that end together, within so many seconds."""

    children: Sequence[Child]
    seconds: float


class Supervisor:
    """`stages` in the order in which they end; they start in the opposite order."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self._asked = 0

    def run(
        self,
        ready: Callable[[], bool] = lambda: True,
        announce: Callable[[], None] = lambda: None,
        complain: Callable[[], None] = lambda: None,
    ) -> int:
        """Until SIGINT, SIGTERM or SIGHUP; 0. A second signal ends everything at once.

        `announce` is called once `ready` says so, `complain` when that takes long.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)
        try:
            for stage in reversed(self.stages):
                for child in stage.children:
                    if not self._asked and child.pid is None:
                        child.start()
            self._watch(ready, announce, complain)
        finally:
            self._end()
        return 0

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1

    def _watch(self, ready: Callable[[], bool], announce: Callable[[], None], complain: Callable[[], None]) -> None:
        started = next_probe = time.monotonic()
        announced = complained = False
        while not self._asked:
            for stage in self.stages:
                for child in stage.children:
                    child.tend()
            now = time.monotonic()
            if not announced and now >= next_probe:
                next_probe = now + PROBE_EVERY
                if ready():
                    announced = True
                    announce()
                elif not complained and now - started > PATIENCE:
                    complained = True
                    complain()
            time.sleep(TURN)

    def _end(self) -> None:
        for stage in self.stages:
            end(stage.children, stage.seconds, hurry=lambda: self._asked > 1)
