"""Mail over SMTP (RFC 5321) on a connection that is kept open between messages.

The standard library's smtplib opens the connection and reads the replies; the phases of a message are here, because
smtplib tells a connection lost before the message from one lost after it in the same words.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache

from plugin.channels.email import replies
from plugin.channels.email.connection import LoginRefused, connect, drop, read_url
from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable, SendError
from plugin.channels.email.replies import Reply
from plugin.domain.addresses import sendable

IDLE_SECONDS = 30.0  # servers close what is idle for a minute or more
MAX_MESSAGES = 500  # some servers allow only so many on one connection
ANSWER_SECONDS = 60.0  # a server that reads the message for spam takes its time to answer
PAUSE_SECONDS = 5.0  # an unreachable server is not asked again for each message of a batch
LOGIN_PAUSE_SECONDS = 60.0  # wrong passwords lock accounts


_sendable = lru_cache(maxsize=1024)(sendable)  # the sender's is the same for all of a shop's mail


class _Lost(Exception):
    """The connection was lost, or the server closed it, before any of the message was handed over."""


class SmtpTransport:
    """Sends messages one after the other over one connection. Not for several threads, nor across a fork."""

    def __init__(
        self, url: str, timeout: float = 20, *, answer_timeout: float = ANSWER_SECONDS,
        tls: ssl.SSLContext | None = None, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`timeout`: seconds for each step; `answer_timeout`: for the answer to a whole message. Raises ConfigError.

        `tls` None: the system's certificates, checked. Opens no connection yet.
        """
        self._server = read_url(url)
        self._timeout = timeout
        self._answer_timeout = max(timeout, answer_timeout)
        self._tls = tls
        self._monotonic = monotonic
        self._smtp: smtplib.SMTP | None = None
        self._transactions = 0
        self._used_at = 0.0
        self._unclean = False  # a transaction was begun and not ended: RSET first
        self._pause: tuple[float, Retryable] | None = None

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        """Hand over one message: `data` is a whole mail with CRLF line ends. Returns once the server has accepted it.

        Raises Retryable or Permanent when it was not accepted, OutcomeUnknown when nobody can say, ValueError for a
        line that does not end in CRLF: servers read it differently, and what follows could pass for another message.
        """
        if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
            raise ValueError("a line of the message does not end in CRLF")
        from_address, to_address = _sendable(sender), sendable(recipient)
        if to_address is None:
            raise Permanent("the customer's address is not an e-mail address")
        if from_address is None:
            raise Retryable("the shop's sender address is not an e-mail address")
        try:
            smtp = self._transaction(from_address, to_address, len(data))
            self._hand_over(smtp, _stuffed(data))
        except SendError:
            raise
        except BaseException:  # a job's time limit may strike anywhere: such a connection is in no known state
            self._forget()
            raise
        finally:
            self._transactions += 1
            self._used_at = self._monotonic()

    def close(self) -> None:
        """Say goodbye without waiting for an answer. Never raises; a later `send` connects again."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                smtp.putcmd("QUIT")
            drop(smtp)

    def _ready(self) -> bool:
        """Have a connection. True when it is a kept one, which may turn out to be dead. Raises Retryable."""
        if self._smtp is not None:
            if self._transactions < MAX_MESSAGES and self._monotonic() - self._used_at <= IDLE_SECONDS:
                return True
            self.close()
        if self._pause and self._monotonic() < self._pause[0]:
            raise Retryable(self._pause[1].reason, channel_down=True)
        try:
            self._tls = self._tls or ssl.create_default_context()
            self._smtp = connect(self._server, self._timeout, self._tls)
        except Retryable as exc:
            seconds = LOGIN_PAUSE_SECONDS if isinstance(exc, LoginRefused) else PAUSE_SECONDS
            self._pause = (self._monotonic() + seconds, exc)
            raise
        self._pause = None
        self._transactions, self._used_at, self._unclean = 0, self._monotonic(), False
        return False

    def _transaction(self, sender: str, recipient: str, size: int) -> smtplib.SMTP:
        """A connection that waits for the message. A kept one that turns out dead is replaced, once."""
        try:
            kept = self._ready()
            try:
                return self._begin(sender, recipient, size)
            except _Lost:
                if not kept:
                    raise
            self._ready()
            return self._begin(sender, recipient, size)
        except _Lost:
            raise Retryable("the mail server closed the connection") from None

    def _begin(self, sender: str, recipient: str, size: int) -> smtplib.SMTP:
        """MAIL, RCPT and DATA. Raises _Lost, Retryable or Permanent; nothing of the message has gone out then."""
        smtp = self._smtp
        assert smtp is not None
        options = ""
        if smtp.has_extn("size"):
            most = smtp.esmtp_features["size"]
            if most.isdigit() and 0 < int(most) < size:
                raise Permanent("the message is larger than the mail server takes")
            options += f" SIZE={size}"
        if not (sender + recipient).isascii():
            if not smtp.has_extn("smtputf8"):
                raise Permanent("the mail server cannot write to an address with such letters")
            options += " SMTPUTF8"
        reset = ["RSET"] if self._unclean else []
        self._unclean = True
        replies_to = self._asked(smtp, [*reset, f"MAIL FROM:<{sender}>{options}", f"RCPT TO:<{recipient}>", "DATA"])
        for _ in reset:
            next(replies_to)
        reply = next(replies_to)
        if not reply.good:
            raise replies.of_sender(reply)
        reply = next(replies_to)
        if not reply.good:
            raise replies.of_recipient(reply)
        reply = next(replies_to)
        if reply.code != 354:
            if reply.good:  # a server out of step: nothing that it says on this connection can be relied on
                self._forget()
                raise Retryable("the mail server answers out of turn")
            raise replies.of_data(reply)
        return smtp

    def _asked(self, smtp: smtplib.SMTP, commands: list[str]) -> Iterator[Reply]:
        """The replies to commands, DATA the last of them, which leave together where the server offers that (RFC 2920).

        Raises _Lost when the connection is gone or going.
        """
        if not smtp.has_extn("pipelining"):
            for command in commands:
                self._tell(smtp, command)
                yield self._reply(smtp, command)
            return
        self._tell(smtp, *commands)
        said = [self._reply(smtp, command) for command in commands]
        if said[-1].code == 354 and not all(reply.good for reply in said[:-1]):
            self._forget()  # it waits for a message that nobody is to get
        yield from said

    def _tell(self, smtp: smtplib.SMTP, *commands: str) -> None:
        try:
            smtp.send("".join(f"{command}\r\n" for command in commands).encode())
        except (OSError, smtplib.SMTPException):
            self._forget()
            raise _Lost from None

    def _reply(self, smtp: smtplib.SMTP, command: str) -> Reply:
        try:
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException):
            self._forget()
            raise _Lost from None
        reply = Reply(code, text.decode(errors="replace"))
        if reply.closing or (300 <= reply.code < 400 and command != "DATA"):
            self._forget()
            raise _Lost
        return reply

    def _hand_over(self, smtp: smtplib.SMTP, payload: bytes) -> None:
        """The message and its final dot in one write, then the answer.

        A write that fails did not hand all its octets to the system, and the final dot is the last of them: the server
        cannot have accepted the message. Once the write has succeeded, only an answer can tell.
        """
        assert smtp.sock is not None
        try:
            smtp.sock.sendall(payload)
        except OSError:
            self._forget()
            raise Retryable("the connection broke before the message was handed over") from None
        try:
            smtp.sock.settimeout(self._answer_timeout)
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException):
            self._forget()
            raise OutcomeUnknown("the connection broke before the mail server answered") from None
        self._unclean = False
        reply = Reply(code, text.decode(errors="replace"))
        if reply.closing or reply.code == 354:
            self._forget()
        else:
            smtp.sock.settimeout(self._timeout)
        if reply.good:
            return
        if not 400 <= reply.code < 600:
            raise OutcomeUnknown("the mail server's answer cannot be understood")
        raise replies.of_data(reply)

    def _forget(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            drop(smtp)


def _stuffed(data: bytes) -> bytes:
    """A message with its leading dots doubled and the final dot."""
    body = data.replace(b"\r\n.", b"\r\n..") if b"\r\n." in data else data
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
