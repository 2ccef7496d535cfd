"""Remembering clicks beside the redirect: a slow or absent database costs the customer a moment at most."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

from plugin.services.answers import record_click
from plugin.services.context import Context

WAIT_SECONDS = 0.3  # a redirect waits so long for its click to be written
MAX_WAITING = 50  # clicks that may queue behind a database that does not answer; more are let go

log = logging.getLogger(__name__)


class Clicks:
    """Writes on one thread of its own, which the first click starts, so that a forked server inherits none."""

    def __init__(self, wait: float = WAIT_SECONDS) -> None:
        self._wait = wait
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clicks")

    def remember(self, ctx: Context, message_id: int, target: str, by_scanner: bool) -> None:
        """Never raises; usually done when it returns, else soon after."""
        if not self._places.acquire(blocking=False):
            log.warning("click_dropped", extra={"message_id": message_id})
            return
        try:
            written = self._thread.submit(self._write, ctx, message_id, target, by_scanner)
        except RuntimeError:  # the process is ending
            self._places.release()
            return
        try:
            written.result(self._wait)
        except NotYet:
            log.info("click_waits", extra={"message_id": message_id})

    def _write(self, ctx: Context, message_id: int, target: str, by_scanner: bool) -> None:
        try:
            record_click(ctx, message_id, target, by_scanner)
        except Exception:  # whatever it was, it is a count that is wrong by one and no one's way is barred
            log.warning("click_lost", exc_info=True, extra={"message_id": message_id})
        finally:
            self._places.release()
