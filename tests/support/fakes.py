"""Small stand-ins for what a process talks to."""

from __future__ import annotations

from redis import Redis

from plugin.queues import Queues


class RecordingQueues(Queues):
    """Remembers the nudges instead of sending them."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere")
        self.nudges: list[str] = []

    def nudge(self, queue: str) -> bool:
        self.nudges.append(queue)
        return True

    def taken(self, queue: str, connection: Redis | None = None) -> None:
        pass

    def alive(self) -> bool:
        return True
