"""Remembering something beside an answer: a slow or absent database costs the customer a moment at most."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

WAIT_SECONDS = 0.3  # an answer waits so long for what it tells to be written
MAX_WAITING = 50  # that may queue behind a database that does not answer; more are let go

log = logging.getLogger(__name__)


class Beside:
    """Writes on one thread of its own, which the first call starts, so that a forked server inherits none.

    `what`: "click", "open"; for the log.
    """

    def __init__(self, what: str, wait: float = WAIT_SECONDS) -> None:
        self._what = what
        self._wait = wait
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{what}s")

    def remember(self, message_id: int, write: Callable[[], object]) -> None:
        """Never raises; usually done when it returns, else soon after."""
        if not self._places.acquire(blocking=False):
            log.warning(f"{self._what}_dropped", extra={"message_id": message_id})
            return
        try:
            written = self._thread.submit(self._write, message_id, write)
        except RuntimeError:  # the process is ending
            self._places.release()
            return
        try:
            written.result(self._wait)
        except NotYet:
            log.info(f"{self._what}_waits", extra={"message_id": message_id})

    def _write(self, message_id: int, write: Callable[[], object]) -> None:
        try:
            write()
        except Exception:  # whatever it was, it is a count that is wrong by one and no one's way is barred
            log.warning(f"{self._what}_lost", exc_info=True, extra={"message_id": message_id})
        finally:
            self._places.release()
