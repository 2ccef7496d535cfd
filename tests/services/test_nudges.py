from __future__ import annotations

import threading
import time

from plugin.queues import INGEST
from plugin.services.nudges import Nudges
from tests.support.fakes import RecordingQueues


class SlowQueues(RecordingQueues):
    """Holds each nudge until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def nudge(self, queue: str) -> bool:
        self.begun.release()
        assert self.go_on.acquire(timeout=5)
        return super().nudge(queue)


def eventually(queues: RecordingQueues, count: int) -> bool:
    end = time.monotonic() + 5
    while len(queues.nudges) < count and time.monotonic() < end:
        time.sleep(0.005)
    return len(queues.nudges) == count


def test_what_comes_while_a_nudge_is_under_way_becomes_one_more() -> None:
    queues = SlowQueues()
    nudge = Nudges(queues, INGEST, pause=0)
    nudge()
    assert queues.begun.acquire(timeout=5)
    for _ in range(20):
        nudge()  # waits for nobody
    queues.go_on.release(2)
    assert eventually(queues, 2)
    time.sleep(0.05)
    assert queues.nudges == [INGEST, INGEST]


def test_after_a_rest_it_works_again() -> None:
    queues = RecordingQueues()
    nudge = Nudges(queues, INGEST, pause=0)
    for count in range(1, 4):
        nudge()
        assert eventually(queues, count)
        time.sleep(0.02)
