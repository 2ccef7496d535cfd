"""What was done, counted by all processes together: each adds up its own and hands it over to Valkey once a second.

Nothing depends on these counts: they are for graphs and alerts. Without Valkey a process keeps its own until it is
back; a killed process loses its last second; a wiped Valkey begins at zero, as Prometheus expects of a counter.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import Counter
from collections.abc import Mapping

from redis import Redis
from redis.exceptions import RedisError

KEY = "dasi:tallies"  # a hash: "counter/label/label" -> how many
EVERY = 1.0  # seconds between two deliveries
LONGEST_PAUSE = 30.0  # seconds, while Valkey is away
MOST_NAMES = 500  # of one process; a name too many is counted as `other`

# Log events -> the counter, and the field of the record that labels it. The log names each event once and for all.
FROM_LOG: dict[str, tuple[str, str | None]] = {
    "message_recorded": ("recorded", "state"),
    "message_not_prepared": ("not_written", None),
    "outcome_unknown": ("unknown", None),
    "channel_down": ("channel_down", None),
    "receipts_ingested": ("ingested", None),
    "receipt_failed": ("receipt_trouble", None),
    "receipt_rejected": ("receipt_trouble", None),
    "job_failed": ("job_failed", None),
}
_LISTENED = ("plugin.services", "jobs.tasks")


class Tallies:
    """One process's counts on their way to Valkey. Safe for threads; never raises and never waits."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._names: set[str] = set()
        self._wanted = threading.Event()
        self._carrier: threading.Thread | None = None

    def add(self, *name: str, count: int = 1) -> None:
        """Count under a counter's name and its labels."""
        whole = "/".join(name)
        with self._lock:
            if whole not in self._names:
                if len(self._names) >= MOST_NAMES:
                    whole = f"{name[0]}/other"
                self._names.add(whole)
            self._counts[whole] += count
            if self._carrier is None:
                self._carrier = threading.Thread(target=_carry, args=(weakref.ref(self), self._wanted), daemon=True)
                self._carrier.start()
        self._wanted.set()

    def deliver(self) -> bool:
        """Hand over what is counted. False when Valkey did not take it: it is kept."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return True
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                for name, count in counts.items():
                    pipe.hincrby(KEY, name, count)
                pipe.execute()
        except (RedisError, OSError):
            with self._lock:
                self._counts.update(counts)
            return False
        return True


def _carry(tallies: weakref.ref[Tallies], wanted: threading.Event) -> None:
    """The delivering thread: it ends with its tallies."""
    pause = EVERY
    while wanted.wait(LONGEST_PAUSE) or tallies():
        time.sleep(pause)
        if (mine := tallies()) is None:
            return
        wanted.clear()
        if mine.deliver():
            pause = EVERY
        else:
            pause = min(pause * 2, LONGEST_PAUSE)
            wanted.set()
        del mine


class Listener(logging.Handler):
    """Counts what the log tells of."""

    def __init__(self, tallies: Tallies) -> None:
        super().__init__(logging.INFO)
        self._tallies = tallies

    def emit(self, record: logging.LogRecord) -> None:
        found = FROM_LOG.get(record.msg) if isinstance(record.msg, str) else None
        if found:
            counter, field = found
            labels = (str(getattr(record, field, "other")),) if field else ()
            self._tallies.add(counter, *labels, count=int(getattr(record, "count", 1)))


def listen(tallies: Tallies) -> None:
    """Count what this process logs from now on, whatever part of it is written out."""
    root = logging.getLogger()
    for handler in root.handlers:  # what was not written before is not written now
        handler.setLevel(max(handler.level, root.level))
    for name in _LISTENED:
        logger = logging.getLogger(name)
        logger.handlers[:] = [h for h in logger.handlers if not isinstance(h, Listener)]
        logger.addHandler(Listener(tallies))
        logger.setLevel(logging.INFO)


def read(redis: Redis) -> dict[str, int]:
    """All processes' counts together. Raises RedisError."""
    found: Mapping[bytes, bytes] = redis.hgetall(KEY)  # type: ignore[assignment]
    return {name.decode(): int(count) for name, count in found.items()}
