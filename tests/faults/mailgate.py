"""A gate before the sink's SMTP port: counts connections, and can fall silent as a hung mail server does."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress


class MailGate:
    """Relays to `target` from a thread of its own. `silent`: what comes in is taken, nothing is ever answered.

    A message that was under way when the silence began still reaches the sink: its sender cannot know.
    """

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.connections: list[float] = []  # time.monotonic() of each
        self.silent = False
        self._held: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def open(self) -> str:
        """The EMAIL_URL to reach it by."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the mail gate did not open")
        return f"smtp://user:pass@127.0.0.1:{self.port}"

    def since(self, moment: float) -> int:
        return sum(at >= moment for at in self.connections)

    def speak(self) -> None:
        """End the silence as a restarted server would: whoever still waits is cut off."""
        self.silent = False
        self._loop.call_soon_threadsafe(self._cut)

    def cut(self) -> None:
        """Whoever waits for an answer loses the connection; who connects anew still gets none."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _cut(self) -> None:
        for writer in self._held:
            writer.transport.abort()
        self._held.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in (left := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(time.monotonic())
        if self.silent:
            self._held.add(writer)
            with suppress(OSError):
                while await reader.read(1 << 16):
                    pass
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 20)
        await asyncio.gather(self._carry(reader, back, back), self._carry(there, writer, writer, answers=True))

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, close: asyncio.StreamWriter, *,
        answers: bool = False,
    ) -> None:  # fmt: skip
        with suppress(OSError):
            while chunk := await source.read(1 << 16):
                if answers and self.silent:
                    self._held.add(sink)
                    continue
                sink.write(chunk)
                await sink.drain()
        if sink not in self._held:
            close.close()
