"""The demo's own processes: the shop and its clock in one, the mail catcher in the other."""

from __future__ import annotations

import logging
import signal
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from sqlalchemy.exc import OperationalError

from plugin.config import ConfigError, Settings
from plugin.platforms.demo import catalogue
from plugin.platforms.demo.books import BookStore
from plugin.platforms.demo.inbox import Catcher
from plugin.platforms.demo.webhooks import Courier
from plugin.services import context, demo, demo_clock
from plugin.services.context import Context
from plugin.services.demo_clock import Patience

TICK = 0.05  # real seconds
IDLE_TICK = 0.2  # at real time or in a pause nobody sees more than this
QUIET = timedelta(days=21)  # business time
RETRY = 1.0  # real seconds until a refused webhook is tried again

log = logging.getLogger(__name__)


def prepare(ctx: Context) -> None:
    """Seed the clock, register the demo shop live with its settings, and write its opening news into the outbox.

    To be called after the migrations and before any other process starts. May be called at every start.
    """
    demo_clock.seed_clock(ctx)
    demo.register_shop(ctx)
    demo.open_shop(ctx)


def run_catcher(settings: Settings, stop: threading.Event | None = None) -> None:
    """Take every mail that is sent to EMAIL_URL's port, until told to stop. Raises ConfigError without EMAIL_URL."""
    parts = urlsplit(settings.email_url or "")
    if parts.scheme != "smtp" or not parts.port:
        raise ConfigError("the demo's mail catcher needs EMAIL_URL=smtp://127.0.0.1:PORT")
    handler = Catcher(demo.inbox_folder(settings))
    controller = Controller(handler, hostname=parts.hostname or "127.0.0.1", port=parts.port, ready_timeout=30)
    controller.start()
    try:
        _until(stop or _stop_on_signals())
    finally:
        controller.stop()


def run_clock_driver(settings: Settings, stop: threading.Event | None = None) -> None:
    """Move the clock on, do the shop's deeds when they are due, deliver its webhooks, until told to stop."""
    stop = stop or _stop_on_signals()
    ctx = context.build(settings)
    driver = Driver(ctx)
    try:
        while not stop.wait(driver.pause):
            try:
                driver.turn()
            except OperationalError:  # a busy database: the next turn is a twentieth of a second away
                log.warning("demo_clock_database_busy")
    finally:
        driver.close()
        ctx.database.dispose()


class Driver:
    """One turn: deliver what is on its way, do what is due, move the clock."""

    def __init__(self, ctx: Context) -> None:
        if not ctx.settings.shopify_api_secret:
            raise ConfigError("SHOPIFY_API_SECRET is not set: the demo signs its webhooks with it")
        self.ctx = ctx
        self.store = BookStore(ctx.settings.data_dir)
        self.pause = TICK
        self._patience = Patience()
        self._last = time.monotonic()
        self._deliver_after = 0.0
        self._idle_since: datetime | None = None
        self._written: tuple[datetime, str | None] | None = None
        self._courier = Courier(
            ctx.settings.public_url, catalogue.DOMAIN, ctx.settings.shopify_api_secret, ctx.settings.shopify_api_version
        )

    def turn(self) -> None:
        with self.ctx.database.reading() as session:
            row = demo_clock.read_clock(session)
            if row is None:
                return
            now, speed = row.now, row.speed
        demo.do_due_deeds(self.ctx, self.store, now)
        self._deliver()
        self._move(now, speed)
        self.pause = TICK if speed > 1 or self.store.read().outbox else IDLE_TICK

    def close(self) -> None:
        self._courier.close()

    def _deliver(self) -> None:
        """Empty the outbox in its order; what is not accepted waits a second, and everything behind it as well."""
        waiting = time.monotonic() < self._deliver_after or not self.store.read().outbox
        if not waiting and not demo.deliver_webhooks(self.store, self._courier):
            self._deliver_after = time.monotonic() + RETRY

    def _move(self, now: datetime, speed: float) -> None:
        elapsed, self._last = time.monotonic() - self._last, time.monotonic()
        with self.ctx.database.reading() as session:
            found = demo_clock.blockers(session, self.store.read(), now)
        tick = demo_clock.step(now, speed, elapsed, found, self._patience.waited)
        self._patience.spend(tick.holding, min(elapsed, demo_clock.LONGEST_STEP), (blocker.key for blocker in found))
        if (tick.now, tick.held_by) != self._written:
            demo_clock.advance(self.ctx, tick)
            self._written = (tick.now, tick.held_by)
        self._rest(speed, bool(found), tick.now)

    def _rest(self, speed: float, something_to_come: bool, now: datetime) -> None:
        """A fast clock with nothing to come goes back to real time, so that no visitor finds it years ahead."""
        if something_to_come or speed <= demo.REAL_TIME:
            self._idle_since = None
            return
        self._idle_since = self._idle_since or now
        if now - self._idle_since > QUIET:
            demo_clock.set_speed(self.ctx, demo.REAL_TIME)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _until(stop: threading.Event) -> None:
    while not stop.wait(3600):
        pass
