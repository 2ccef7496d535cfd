"""What /metrics tells: gauges counted from the database at the scrape, so that any of several web processes may answer.

The one thing that only the process knows, the webhooks it answered, carries the process's id as a label.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.messages import Message
from plugin.store.models.shops import Receipt

KEEP_SECONDS = 5.0  # a second scrape within this long sees the first one's counts
MAX_TOPICS = 60  # the topic's header is not signed, so its values are bounded
MESSAGE_STATES = ("planned", "waiting", "held", "queued", "sending", "sent", "failed", "cancelled", "withheld")

_TOPIC = re.compile(r"[a-z_]{1,40}/[a-z_]{1,40}", re.ASCII)
_OWN = CollectorRegistry()
_WEBHOOKS = Counter(
    "dasi_webhooks",
    "Webhooks that this process answered, by topic and outcome (accepted, refused, failed).",
    ("topic", "outcome", "process"),
    registry=_OWN,
)
_topics: set[str] = set()


def webhook(topic: str | None, status: int) -> None:
    """Count one answered webhook. Only an accepted one is counted under its topic."""
    outcome = "accepted" if status < 400 else "refused" if status < 500 else "failed"
    _WEBHOOKS.labels(_label(topic) if outcome == "accepted" else "any", outcome, str(os.getpid())).inc()


def _label(topic: str | None) -> str:
    if not topic or not _TOPIC.fullmatch(topic):
        return "other"
    if topic not in _topics and len(_topics) >= MAX_TOPICS:
        return "other"
    _topics.add(topic)
    return topic


class FromDatabase(Collector):
    """Counts by queries that read an index each. Raises SQLAlchemyError while collecting when the database is down."""

    def __init__(self, ctx: Context, seconds: Callable[[], float] = time.monotonic) -> None:
        self._ctx = ctx
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0

    def describe(self) -> list[Metric]:
        return []  # registering must not ask the database

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if self._seconds() >= self._until:
                with self._ctx.database.reading() as session:
                    self._kept = [*_receipts(session), *_messages(session, self._ctx.clock.now())]
                self._until = self._seconds() + KEEP_SECONDS
            kept = self._kept
        yield from kept


def registry(ctx: Context) -> list[CollectorRegistry]:
    """The registries of one app: what the database knows, then what the process knows."""
    shared = CollectorRegistry()
    shared.register(FromDatabase(ctx))
    return [shared, _OWN]


def _receipts(session: Session) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "dasi_receipts", "Receipts that are not done: received (unprocessed), failed, rejected.", labels=["state"]
    )
    waiting, oldest = session.execute(
        select(func.count(), func.min(Receipt.accepted_at)).where(Receipt.state == _literal("received"))
    ).one()
    by_state.add_metric(["received"], waiting)
    # The predicate repeats the partial index's, word for word.
    bad = Receipt.state.in_([_literal("failed"), _literal("rejected")])
    counts = _by_state(session, select(Receipt.state, func.count()).where(bad).group_by(Receipt.state))
    for state in ("failed", "rejected"):
        by_state.add_metric([state], counts.get(state, 0))
    yield by_state
    yield GaugeMetricFamily(
        "dasi_receipts_unprocessed_age_seconds",
        "How long the oldest unprocessed receipt has waited (real time); 0 when none waits.",
        value=max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0,
    )
    yield GaugeMetricFamily(
        "dasi_receipts_newest_id",
        "The id of the newest receipt: it grows with every webhook kept.",
        value=session.execute(select(func.max(Receipt.id))).scalar() or 0,
    )


def _messages(session: Session, now: datetime) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("dasi_messages", "Messages by state.", labels=["state"])
    counts = _by_state(session, select(Message.state, func.count()).group_by(Message.state))
    for state in sorted(set(MESSAGE_STATES) | set(counts)):
        by_state.add_metric([state], counts.get(state, 0))
    yield by_state
    ready = session.execute(select(func.min(Message.ready_at)).where(Message.state == _literal("planned"))).scalar()
    yield GaugeMetricFamily(
        "dasi_messages_due_lag_seconds",
        "How long (business time) the oldest due message has waited to be claimed; 0 when none is due.",
        value=max(0.0, (now - ready).total_seconds()) if ready else 0.0,
    )


def _by_state(session: Session, statement: Select[str, int]) -> dict[str, int]:
    return {state: count for state, count in session.execute(statement)}  # noqa: C416


def _literal(state: str) -> object:
    """A constant written into the statement: partial indexes are not used for bound values."""
    return literal(state, literal_execute=True)
