"""The clock process: asks workers to look when something is due, and sweeps up what nobody was told of.

It only ever nudges, and a nudge carries no data, so any number of clocks may run at once. A nudge enqueues its queue's
job unless one is already waiting there; the job takes that mark away when it starts. So while a backlog lasts, each
turn of this loop brings one more worker to it, until every worker has a job and one waits: nobody counts workers.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from jobs.processes import Child, end
from plugin.config import Settings
from plugin.queues import INGEST, SEND, SHOPS
from plugin.services.context import Context, build
from plugin.services.deliver import anything_due
from plugin.services.errands import anything_waiting
from plugin.services.mail_events import anything_heard
from plugin.services.small_mail import anything_small
from plugin.services.sweep import anything_unprocessed

TICK = 0.25  # real seconds, whatever the speed of business time
SWEEP_EVERY = 1.0

log = logging.getLogger(__name__)


@dataclass
class Presence:
    """Logs when something goes and when it is back, not each time it is missed."""

    name: str
    here: bool = field(default=True, init=False)

    def seen(self, here: bool) -> bool:
        if here != self.here:
            self.here = here
            log.log(logging.INFO if here else logging.WARNING, f"{self.name}_{'back' if here else 'away'}")
        return here


class Clock:
    """The loop's body. `turn` never raises for a database or a Valkey that is away."""

    def __init__(
        self,
        ctx: Context,
        due: Callable[[Context], bool] = lambda ctx: anything_due(ctx) or anything_small(ctx),
        unprocessed: Callable[[Context], bool] = lambda ctx: anything_unprocessed(ctx) or anything_heard(ctx),
        errands: Callable[[Context], bool] = anything_waiting,
    ) -> None:
        self.ctx = ctx
        self._due, self._unprocessed, self._errands = due, unprocessed, errands
        self._sweep_at = 0.0
        self._database, self._valkey = Presence("database"), Presence("valkey")

    def turn(self, now: float) -> None:
        """`now`: time.monotonic()."""
        wanted = []
        try:
            if now >= self._sweep_at:
                self._sweep_at = now + SWEEP_EVERY
                if self._unprocessed(self.ctx):
                    wanted.append(INGEST)
                if self._errands(self.ctx):
                    wanted.append(SHOPS)
            if self._due(self.ctx):
                wanted.append(SEND)
        except SQLAlchemyError:
            self._database.seen(False)
            return
        self._database.seen(True)
        if wanted and self._valkey.seen(self.ctx.queues.alive()):
            for queue in wanted:
                self.ctx.queues.nudge(queue)


def run(settings: Settings) -> None:
    """Until SIGINT or SIGTERM; runs RQ's cron scheduler in a child beside it."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    ctx = build(settings)
    clock = Clock(ctx)
    cron = Child("cron", [sys.executable, "-m", "jobs.cli", "_cron"], dict(os.environ))
    cron.start()
    log.info("clock_ready")
    try:
        while not stopped.wait(TICK):
            clock.turn(time.monotonic())
            cron.tend()
    finally:
        end([cron], 0.8)
        ctx.database.dispose()
