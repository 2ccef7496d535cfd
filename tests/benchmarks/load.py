"""The client, in a process of its own: prepared requests over kept-open connections, as cheaply as Python can.

`python -m tests.benchmarks.load`: reads one JSON line (see `Job`), prepares everything, answers "ready", waits for a
line, fires, and answers one JSON line (`Outcome`). The clock runs between the two.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tests.benchmarks.payloads import SHOP, new_order
from tests.replay.servers import ROOT


@dataclass(frozen=True, slots=True)
class Job:
    """`rate` requests a second at their own times whatever the answers do, or None: each connection asks again at once.

    With a rate the latency counts from the moment the request was due, so a stalled server is not flattered.
    """

    port: int
    first: int  # number of the first order
    count: int
    connections: int = 16
    rate: float | None = None
    shop: str = SHOP


@dataclass(frozen=True, slots=True)
class Outcome:
    seconds: float
    statuses: dict[str, int]
    latencies: list[float]  # seconds, in the order of the answers
    late: float  # seconds by which the client was at worst behind its own schedule

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class Client:
    """Prepares the job's requests in another process; `fire` lets it loose and waits for its outcome."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT,
        )  # fmt: skip
        self._say(json.dumps(asdict(job)))
        self._hear()

    def start(self) -> None:
        self._say("go")

    def finish(self) -> Outcome:
        outcome = Outcome(**json.loads(self._hear()))
        self._process.communicate()
        return outcome

    def fire(self) -> Outcome:
        self.start()
        return self.finish()

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client ended with {self._process.wait()}")
        return line


def fire(job: Job, requests: list[bytes]) -> Outcome:
    selector = selectors.DefaultSelector()
    free: deque[socket.socket] = deque()
    for _ in range(job.connections):
        connection = socket.create_connection(("127.0.0.1", job.port), 30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        free.append(connection)
    asked: dict[socket.socket, float] = {}
    heard: dict[socket.socket, bytes] = {}
    statuses: Counter[str] = Counter()
    latencies: list[float] = []
    late, sent, begun = 0.0, 0, time.perf_counter()
    while len(latencies) < len(requests):
        while free and sent < len(requests):
            now = time.perf_counter()
            due = begun + sent / job.rate if job.rate else now
            if due > now:
                break
            late = max(late, now - due)
            connection = free.popleft()
            asked[connection], heard[connection] = due, b""
            connection.sendall(requests[sent])
            sent += 1
        wait = None
        if job.rate and free and sent < len(requests):
            wait = max(0.0, begun + sent / job.rate - time.perf_counter())
        for key, _ in selector.select(wait):
            connection = key.fileobj  # type: ignore[assignment]
            heard[connection] += connection.recv(65536)
            if status := complete(heard[connection]):
                latencies.append(time.perf_counter() - asked.pop(connection))
                statuses[status] += 1
                free.append(connection)
    return Outcome(time.perf_counter() - begun, dict(statuses), latencies, late)


def complete(answer: bytes) -> str | None:
    """The status of a whole answer; None while some of it is missing. Raises RuntimeError when the server hung up."""
    if not answer:
        raise RuntimeError("the server closed a connection")
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return None
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"),
        0,
    )
    return head[9:12].decode() if len(body) >= length else None


def main() -> None:
    job = Job(**json.loads(sys.stdin.readline()))
    now = datetime.now(UTC)
    requests = [new_order(job.first + index, now).request(job.shop) for index in range(job.count)]
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(fire(job, requests))), flush=True)


if __name__ == "__main__":
    main()
