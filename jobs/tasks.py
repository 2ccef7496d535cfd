"""The job functions: each calls one service, until nothing is left or its turn is over.

A turn is short because a worker empties its queues in turns: reading webhooks must not wait for a long sending, nor the
other way round. What is left is asked for again, so another worker may take part at once.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import time
from collections.abc import Callable

from jobs import state
from jobs.state import State
from plugin.queues import INGEST, SEND, SHOPS
from plugin.services.deliver import send_due
from plugin.services.figure_days import roll_up
from plugin.services.housekeeping import prune
from plugin.services.ingest import ingest_receipts as ingest
from plugin.services.leases import acquire
from plugin.services.mail_events import take_in
from plugin.services.offer_rules import refresh_medians
from plugin.services.recommender.train import ask_nightly
from plugin.services.shop_tokens import refresh_idle
from plugin.services.shop_work import work_off
from plugin.services.small_mail import send_small_mail

TURN = 1.0  # seconds
INGEST_BATCH, SEND_BATCH = 200, 50
HOUSEKEEPING_SECONDS = 55 * 60  # the lease: however many ask, it is done once an hour

log = logging.getLogger(__name__)


def job(function: Callable[[State], None]) -> Callable[[], None]:
    """Give the function this process's state; log what it raises, and never let RQ keep it: it may quote a payload."""

    @functools.wraps(function)
    def run() -> None:
        try:
            function(state.current())
        except Exception:
            log.exception("job_failed", extra={"job": function.__name__})

    return run


@job
def ingest_receipts(here: State) -> None:
    here.context.queues.taken(INGEST)
    more = in_turns(here, lambda: ingest(here.context, limit=INGEST_BATCH))
    more = in_turns(here, lambda: take_in(here.context)) or more
    here.context.queues.nudge(SEND)
    if more:
        here.context.queues.nudge(INGEST)


@job
def send_messages(here: State) -> None:
    here.context.queues.taken(SEND)
    more = in_turns(here, lambda: send_due(here.context, here.courier, limit=SEND_BATCH))
    send_small_mail(here.context, here.courier.transport)
    if more:
        here.context.queues.nudge(SEND)


@job
def work_with_shops(here: State) -> None:
    here.context.queues.taken(SHOPS)
    if in_turns(here, lambda: work_off(here.context)):
        here.context.queues.nudge(SHOPS)


@job
def refresh_idle_tokens(here: State) -> None:
    if refresh_idle(here.context):
        here.context.queues.nudge(SHOPS)


@job
def train_recommenders(here: State) -> None:
    if ask_nightly(here.context):
        here.context.queues.nudge(SHOPS)


@job
def keep_house(here: State) -> None:
    with here.context.database.transaction() as session:
        mine = acquire(session, "housekeeping", f"{socket.gethostname()}:{os.getpid()}"[:60], HOUSEKEEPING_SECONDS)
    if mine:
        prune(here.context)
        roll_up(here.context)
        refresh_medians(here.context)


def in_turns(here: State, work: Callable[[], int]) -> bool:
    """Call `work` until it returns 0 (False) or the turn is over (True: there may be more)."""
    end = time.monotonic() + TURN
    while work():
        if here.stopping or time.monotonic() >= end:
            return True
    return False
