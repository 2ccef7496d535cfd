"""What /metrics tells: counted in the database and in Valkey at the scrape, so any of several processes may answer.

`docs/operations.md` says what to watch of it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from plugin.domain.flows import State
from plugin.services import measures
from plugin.services.context import Context
from plugin.services.tallies import Tallies

KEEP_SECONDS = 5.0  # a second scrape within this long sees the first one's counts
KEEP_CENSUS_SECONDS = 30.0  # what looks at many rows
MAX_TOPICS = 60  # the topic's header is not signed, so its values are bounded
QUANTILES = (0.5, 0.95, 0.99)

_TOPIC = re.compile(r"[a-z_]{1,40}/[a-z_]{1,40}", re.ASCII)
_topics: set[str] = set()
_tallies: Tallies | None = None


def webhook(topic: str | None, status: int) -> None:
    """Count one answered webhook. Only an accepted one is counted under its topic."""
    if _tallies:
        outcome = "accepted" if status < 400 else "refused" if status < 500 else "failed"
        _tallies.add("webhooks", outcome, (_label(topic) if outcome == "accepted" else "any").replace("/", "."))


def count_in(ctx: Context) -> None:
    """From now on this process counts its webhooks where `ctx` has its queues."""
    global _tallies
    _tallies = Tallies(ctx.queues.redis)


def _label(topic: str | None) -> str:
    if not topic or not _TOPIC.fullmatch(topic):
        return "other"
    if topic not in _topics and len(_topics) >= MAX_TOPICS:
        return "other"
    _topics.add(topic)
    return topic


class Everything(Collector):
    """All families. Raises SQLAlchemyError while collecting when the database is down; without Valkey its own lack."""

    def __init__(self, ctx: Context, seconds: Callable[[], float] = time.monotonic) -> None:
        self._ctx = ctx
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._census: list[Metric] = []
        self._until = self._census_until = 0.0

    def describe(self) -> list[Metric]:
        return []  # registering must not ask the database

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if self._seconds() >= self._until:
                self._look()
                self._until = self._seconds() + KEEP_SECONDS
            kept = [*self._kept, *self._census]
        yield from kept

    def _look(self) -> None:
        with self._ctx.database.reading() as session:
            now = self._ctx.clock.now()
            found = [
                *_receipts(measures.receipts(session)),
                *_calendar(measures.calendar(session, now)),
                *_ways(measures.ways(session, now)),
            ]
            if self._seconds() >= self._census_until:
                self._census = list(_census(session))
                self._census_until = self._seconds() + KEEP_CENSUS_SECONDS
        self._kept = [*found, *_valkey(self._ctx)]


def registry(ctx: Context) -> list[CollectorRegistry]:
    """The registries of one app."""
    shared = CollectorRegistry()
    shared.register(Everything(ctx))
    return [shared]


def _receipts(found: measures.Receipts) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "dasi_receipts",
        f"Webhooks kept but not done: received (to be ingested), failed, rejected; at most {measures.MOST:,} each.",
        labels=["state"],
    )
    for state in ("received", "failed", "rejected"):
        by_state.add_metric([state], getattr(found, state))
    yield by_state
    yield _gauge(
        "dasi_receipts_unprocessed_age_seconds",
        "How long the unprocessed receipt whose turn is next has waited (real time); 0 when none waits.",
        found.oldest_seconds,
    )
    yield _gauge(
        "dasi_receipts_newest_id", "The id of the newest receipt: it grows with every webhook kept.", found.newest_id
    )


def _calendar(found: measures.Calendar) -> Iterator[Metric]:
    yield _gauge(
        "dasi_messages_due",
        f"Messages that may leave now and that no worker has claimed; at most {measures.MOST:,}.",
        found.due,
    )
    yield _gauge(
        "dasi_messages_due_lag_seconds",
        "How long (business time) the oldest due message has waited to be claimed; 0 when none is due.",
        found.lag_seconds,
    )
    claimed = GaugeMetricFamily(
        "dasi_messages_claimed",
        "Messages that a worker has: queued (claimed), sending (may be on their way).",
        labels=["state"],
    )
    claimed.add_metric(["queued"], found.queued)
    claimed.add_metric(["sending"], found.sending)
    yield claimed
    yield _gauge(
        "dasi_messages_newest_id",
        "The id of the newest message: it grows with every message planned.",
        found.newest_id,
    )


def _ways(found: measures.Ways) -> Iterator[Metric]:
    quantiles = GaugeMetricFamily(
        "dasi_accepted_to_sent_seconds",
        "From an order's accepted webhook to its thank-you handed over (real time), of the newest orders of the last "
        "ten minutes; those under way count with the time so far.",
        labels=["quantile"],
    )
    for share in QUANTILES:
        quantiles.add_metric([str(share)], found.percentile(share))
    yield quantiles
    yield _gauge(
        "dasi_accepted_to_sent_orders", "How many orders dasi_accepted_to_sent_seconds speaks of.", len(found.seconds)
    )


def _census(session: Session) -> Iterator[Metric]:
    found = measures.census(session)
    exact = "" if found.share == 1 else " Estimated from a part of them."
    by_state = GaugeMetricFamily("dasi_messages", f"Messages by state, the archive's apart.{exact}", labels=["state"])
    for one in State:
        by_state.add_metric([one], found.states.get(one, 0))
    yield by_state
    by_reason = GaugeMetricFamily(
        "dasi_messages_kept_back", f"Messages that have not left, by state and kind of reason.{exact}",
        labels=["state", "reason"],
    )  # fmt: skip
    for (state, reason), count in sorted(found.reasons.items()):
        by_reason.add_metric([state, reason], count)
    yield by_reason
    yield _gauge(
        "dasi_messages_looked_at_share",
        "The share of all messages that dasi_messages and dasi_messages_kept_back are counted from; 1: they are exact.",
        found.share,
    )


def _valkey(ctx: Context) -> Iterator[Metric]:
    """The counters are all processes' together, and begin at zero when Valkey is wiped."""
    try:
        found = measures.valkey(ctx.queues.redis)
    except (RedisError, OSError):
        yield _gauge("dasi_valkey_up", UP, 0)
        return
    yield _gauge("dasi_valkey_up", UP, 1)
    yield _gauge("dasi_workers", "Worker processes that are registered.", found.workers)
    jobs = GaugeMetricFamily(
        "dasi_jobs", "Jobs that wait in each queue: a job is a batch, so few wait.", labels=["queue"]
    )
    for queue, length in found.queued.items():
        jobs.add_metric([queue], length)
    yield from (jobs, *_counters(found.tallies))


UP = "1 when Valkey answers; without it the families that it keeps are missing."
# (family, what it means, tally, label): each label value is a field of the tally's name.
COUNTERS = (
    ("dasi_webhooks_ingested", "Receipts worked off: understood, rejected or failed.", "ingested", None),
    (
        "dasi_messages_recorded",
        "Attempts that ended: sent (the mail server took it) or failed (it never will).",
        "recorded",
        "state",
    ),
    (
        "dasi_messages_not_written",
        "Messages that failed because nothing could be written from them.",
        "not_written",
        None,
    ),
    ("dasi_outcomes_unknown", "Messages handed over without an answer: each may have left.", "unknown", None),
    ("dasi_channel_down", "Times a worker left the mail server alone for a while.", "channel_down", None),
    ("dasi_jobs_failed", "Jobs that raised: a fault of the program or of the database.", "job_failed", None),
)
ALWAYS = {"recorded": ("sent", "failed")}  # label values that are there before they first happen


def _counters(tallies: dict[str, int]) -> Iterator[Metric]:
    webhooks = CounterMetricFamily(
        "dasi_webhooks", "Webhooks answered, by outcome (accepted, refused, failed) and topic.",
        labels=["outcome", "topic"],
    )  # fmt: skip
    for name, count in sorted(tallies.items()):
        counter, _, labels = name.partition("/")
        if counter == "webhooks":
            outcome, _, topic = labels.partition("/")
            webhooks.add_metric([outcome, topic.replace(".", "/")], count)
    yield webhooks
    for family, meaning, tally, label in COUNTERS:
        if label is None:
            yield CounterMetricFamily(family, meaning, value=tallies.get(tally, 0))
            continue
        counts = dict.fromkeys(ALWAYS.get(tally, ()), 0)
        counts |= {name.partition("/")[2]: n for name, n in tallies.items() if name.startswith(f"{tally}/")}
        labelled = CounterMetricFamily(family, meaning, labels=[label])
        for value, count in sorted(counts.items()):
            labelled.add_metric([value], count)
        yield labelled


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
