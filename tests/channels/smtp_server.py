"""A mail server on loopback that misbehaves as told: each verb's replies are given as text, bytes or CLOSE."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO

CLOSE = object()  # hang up instead of answering
SILENCE = object()  # say nothing
EHLO = "250-mail.example\r\n250-SIZE 1000000\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN"
PIPELINING = EHLO.replace("250-SIZE", "250-PIPELINING\r\n250-SIZE")
USUAL = {"GREETING": "220 hello", "EHLO": EHLO, "DATA": "354 go ahead", "AUTH": "235 welcome", "QUIT": "221 bye"}


def _message(lines: BinaryIO) -> bytes | None:
    """All up to the final dot; None when the client went before it."""
    message = []
    for line in lines:
        if line == b".\r\n":
            return b"".join(message)
        message.append(line)
    return None


class SmtpServer:
    """`replies[verb]` is used up one by one, then the usual reply is given. "DOT" is the answer to a whole message."""

    def __init__(self, **replies: object) -> None:
        self.replies: dict[str, list[object]] = defaultdict(list)
        for verb, told in replies.items():
            self.replies[verb] = list(told) if isinstance(told, list) else [told]
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> SmtpServer:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in list(self._threads):
            thread.join(5)

    def hang_up(self) -> None:
        """Close all connections, as a server does with idle ones."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def verbs(self) -> list[str]:
        return [line.split()[0].upper() for line in self.commands]

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            if not self._answer(connection, "GREETING"):
                return
            for line in lines:
                command = line.decode(errors="replace").rstrip("\r\n")
                self.commands.append(command)
                verb = command.partition(" ")[0].upper()
                told = self.replies[verb][0] if self.replies[verb] else USUAL.get(verb)
                if not self._answer(connection, verb) or verb == "QUIT":
                    return
                if verb == "DATA" and isinstance(told, str) and told.startswith("354"):
                    message = _message(lines)
                    if message is None:
                        return
                    self.messages.append(message)
                    if not self._answer(connection, "DOT"):
                        return

    def _answer(self, connection: socket.socket, verb: str) -> bool:
        reply = self.replies[verb].pop(0) if self.replies[verb] else USUAL.get(verb, "250 fine")
        if reply is CLOSE:
            return False
        if isinstance(reply, bytes):  # cut off in the middle
            connection.sendall(reply)
            return False
        if reply is not SILENCE:
            connection.sendall(f"{reply}\r\n".encode())
        return True
