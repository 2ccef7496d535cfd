"""Nudges that nobody waits for: whoever kept a receipt answers at once, and a thread asks the workers to look."""

from __future__ import annotations

import threading
import time

from plugin.queues import Queues

PAUSE = 0.01  # seconds from one nudge to the next


class Nudges:
    """Called as often as there is something new: all calls of a pause become one nudge, and the last is never lost.

    The thread lives as long as the calls come.
    """

    def __init__(self, queues: Queues, queue: str, pause: float = PAUSE) -> None:
        self._queues = queues
        self._queue = queue
        self._pause = pause
        self._lock = threading.Lock()
        self._wanted = self._running = False

    def __call__(self) -> None:
        with self._lock:
            self._wanted = True
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._nudge, name=f"nudges-{self._queue}", daemon=True).start()

    def _nudge(self) -> None:
        while self._takes_up():
            self._queues.nudge(self._queue)  # waits for Valkey at most as long as it says, and never raises
            time.sleep(self._pause)

    def _takes_up(self) -> bool:
        with self._lock:
            self._running, self._wanted = self._wanted, False
            return self._running
