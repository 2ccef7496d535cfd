"""Where the server offers it, the commands before a message leave in one write, and what they mean stays the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable, SendError
from plugin.channels.email.smtp import SmtpTransport
from tests.channels.smtp_server import CLOSE, PIPELINING, SmtpServer

MAIL = b"Subject: hello\r\n\r\nA line.\r\n"
FROM, TO = "shop@example.com", "mina@example.net"
DATA_REFUSED = "503 5.5.1 no valid recipients"


@pytest.fixture
def opened() -> Iterator[list[SmtpTransport]]:
    transports: list[SmtpTransport] = []
    yield transports
    for transport in transports:
        transport.close()


def to(server: SmtpServer, opened: list[SmtpTransport]) -> SmtpTransport:
    transport = SmtpTransport(server.url, timeout=5)
    opened.append(transport)
    return transport


def offering(**replies: object) -> SmtpServer:
    return SmtpServer(EHLO=[PIPELINING] * 9, **replies)


def test_messages_arrive_as_without(opened: list[SmtpTransport]) -> None:
    with offering() as server:
        transport = to(server, opened)
        for _ in range(3):
            transport.send(FROM, TO, MAIL)
        assert server.verbs() == ["EHLO"] + ["MAIL", "RCPT", "DATA"] * 3
        assert server.messages == [MAIL] * 3
        assert server.connections == 1


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ({"RCPT": "550 5.1.1 no such mailbox", "DATA": DATA_REFUSED}, Permanent),
        ({"RCPT": "451 4.7.1 greylisted", "DATA": DATA_REFUSED}, Retryable),
        ({"MAIL": "550 5.7.1 not from you", "RCPT": "503 MAIL first", "DATA": DATA_REFUSED}, Retryable),
        ({"DATA": "451 4.3.0 not now"}, Retryable),
    ],
)
def test_a_refusal_is_read_to_its_end_and_the_connection_kept(
    replies: dict[str, object], kind: type[SendError], opened: list[SmtpTransport]
) -> None:
    with offering(**replies) as server:
        transport = to(server, opened)
        with pytest.raises(kind):
            transport.send(FROM, TO, MAIL)
        transport.send(FROM, TO, MAIL)
        assert server.verbs() == ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"]
        assert server.messages == [MAIL]
        assert server.connections == 1


def test_a_server_that_waits_for_a_message_to_nobody_gets_none(opened: list[SmtpTransport]) -> None:
    """RFC 2920 lets a server answer 354 although it refused the only recipient."""
    with offering(RCPT="550 5.1.1 no such mailbox") as server:
        transport = to(server, opened)
        with pytest.raises(Permanent) as caught:
            transport.send(FROM, TO, MAIL)
        assert caught.value.dead_address
        transport.send(FROM, TO, MAIL)
        assert server.messages == [MAIL]
        assert server.connections == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", [CLOSE, "421 4.3.2 going down", "nonsense"])
def test_a_connection_that_goes_before_the_message_is_no_unknown_outcome(
    verb: str, reply: object, opened: list[SmtpTransport]
) -> None:
    with offering(**{verb: reply}) as server:
        transport = to(server, opened)
        with pytest.raises(Retryable):
            transport.send(FROM, TO, MAIL)
        transport.send(FROM, TO, MAIL)
        assert server.messages == [MAIL]


def test_a_kept_connection_that_went_is_replaced(opened: list[SmtpTransport]) -> None:
    with offering() as server:
        transport = to(server, opened)
        transport.send(FROM, TO, MAIL)
        server.replies["MAIL"] = [CLOSE]
        transport.send(FROM, TO, MAIL)
        assert len(server.messages) == 2
        assert server.connections == 2


def test_an_answer_that_does_not_come_is_an_unknown_outcome(opened: list[SmtpTransport]) -> None:
    with offering(DOT=CLOSE) as server, pytest.raises(OutcomeUnknown):
        to(server, opened).send(FROM, TO, MAIL)
