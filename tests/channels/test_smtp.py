from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable, SendError
from plugin.channels.email.smtp import IDLE_SECONDS, MAX_MESSAGES, SmtpTransport
from tests.channels.smtp_server import CLOSE, SILENCE, SmtpServer

MAIL = b"Subject: hello\r\n\r\nA line.\r\n.\r\n.hidden\r\n..two\r\n"
FROM, TO = "shop@example.com", "mina@example.net"


class Seconds:
    """A clock of the machine that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def opened(seconds: Seconds) -> Iterator[list[SmtpTransport]]:
    transports: list[SmtpTransport] = []
    yield transports
    for transport in transports:
        transport.close()


def transport_to(server: SmtpServer, opened: list[SmtpTransport], seconds: Seconds, **options: float) -> SmtpTransport:
    transport = SmtpTransport(server.url, **{"timeout": 5, **options}, monotonic=seconds)  # type: ignore[arg-type]
    opened.append(transport)
    return transport


def failure(transport: SmtpTransport, recipient: str = TO) -> SendError:
    with pytest.raises(SendError) as caught:
        transport.send(FROM, recipient, MAIL)
    reason = caught.value.reason
    assert "@" not in reason
    assert len(reason) < 100
    return caught.value


def test_messages_share_one_connection_and_arrive_as_they_are(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer() as server:
        transport = transport_to(server, opened, seconds)
        for _ in range(3):
            transport.send(FROM, TO, MAIL)
        transport.close()
    assert server.connections == 1
    assert server.verbs().count("EHLO") == 1
    assert f"MAIL FROM:<shop@example.com> SIZE={len(MAIL)}" in server.commands
    assert "RCPT TO:<mina@example.net>" in server.commands
    stuffed = MAIL.replace(b"\r\n.", b"\r\n..")
    assert server.messages == [stuffed] * 3


def test_a_leading_dot_is_doubled_and_a_missing_line_end_added(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer() as server:
        transport_to(server, opened, seconds).send(FROM, TO, b".first\r\nlast")
        assert server.messages == [b"..first\r\nlast\r\n"]


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\n", b"a\n.\r\n"])
def test_a_line_that_does_not_end_in_crlf_never_leaves(data: bytes) -> None:
    with pytest.raises(ValueError, match="CRLF"):
        SmtpTransport("smtp://127.0.0.1:9").send(FROM, TO, data)


RCPT_REFUSED = [
    # the reply, dead address?
    ("550 5.1.1 no such mailbox", True),
    ("550-5.1.1 The email account that you tried to reach does not exist.\r\n550 5.1.1 <mina@example.net>", True),
    ("553 5.1.3 bad destination syntax", True),
    ("550 5.1.10 null MX", True),
    ("551 User not local; please try <mina@example.org>", True),
    ("550 User unknown", True),
    ("550 Requested action not taken: mailbox unavailable", True),
    ("550 5.7.1 user rejects mail from you", False),
    ("550 5.1.8 sender's domain not found", False),
    ("550 mailbox full", False),
    ("550 blocked: your reputation with this user is low", False),
    ("552 5.2.2 mailbox full", False),
    ("554 5.1.1 odd code", False),
    ("550 no", False),
    ("521 this host takes no mail", False),
]


@pytest.mark.parametrize(("reply", "dead"), RCPT_REFUSED)
def test_a_refused_recipient(reply: str, dead: bool, opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer(RCPT=reply) as server:
        transport = transport_to(server, opened, seconds)
        error = failure(transport)
        assert isinstance(error, Permanent)
        assert error.dead_address is dead
        transport.send(FROM, TO, MAIL)
        assert server.connections == 1
        assert server.verbs() == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({"RCPT": "451 4.7.1 greylisted, try again later"}, Retryable, "asks to try again later (451 4.7.1)"),
        ({"RCPT": "452 too many"}, Retryable, "try again later (452)"),
        ({"RCPT": "554 5.7.1 relay access denied"}, Retryable, "does not relay for us"),
        ({"RCPT": "530 5.7.0 authentication required"}, Retryable, "wants a login"),
        ({"MAIL": "530 5.7.0 authentication required"}, Retryable, "wants a login"),
        ({"MAIL": "550 5.7.1 not your domain"}, Retryable, "refuses the shop's sender address (550 5.7.1)"),
        ({"MAIL": "452 4.3.1 disk full"}, Retryable, "does not take mail now"),
        ({"MAIL": "552 5.3.4 too big"}, Permanent, "too large"),
        ({"DATA": "451 later"}, Retryable, "try again later"),
        ({"DATA": "554 no"}, Permanent, "refuses the message (554)"),
        ({"DATA": "250 what?"}, Retryable, "out of turn"),
        ({"DOT": "451 4.3.0 later"}, Retryable, "try again later (451 4.3.0)"),
        ({"DOT": "421 4.3.2 going down"}, Retryable, "try again later (421 4.3.2)"),
        ({"DOT": "554 5.7.1 spam"}, Permanent, "refuses the message (554 5.7.1)"),
        ({"DOT": CLOSE}, OutcomeUnknown, "before the mail server answered"),
        ({"DOT": b"250"}, None, ""),
        ({"DOT": b"25"}, OutcomeUnknown, "cannot be understood"),
        ({"DOT": b"250-ok\r\n"}, OutcomeUnknown, "before the mail server answered"),
        ({"DOT": "what?"}, OutcomeUnknown, "cannot be understood"),
        ({"DOT": "354 more"}, OutcomeUnknown, "cannot be understood"),
        ({"MAIL": CLOSE}, Retryable, "closed the connection"),
        ({"MAIL": "421 idle too long"}, Retryable, "closed the connection"),
        ({"MAIL": "354 what?"}, Retryable, "closed the connection"),
        ({"RCPT": CLOSE}, Retryable, "closed the connection"),
        ({"RCPT": "rubbish"}, Retryable, "closed the connection"),
        ({"DATA": CLOSE}, Retryable, "closed the connection"),
        ({"GREETING": "554 not you"}, Retryable, "takes no connection now (554)"),
        ({"GREETING": "421 busy"}, Retryable, "takes no connection now (421)"),
        ({"GREETING": CLOSE}, Retryable, "cannot be reached"),
        ({"EHLO": CLOSE}, Retryable, "cannot be reached"),
        ({"EHLO": "502 no", "HELO": "502 no"}, Retryable, "takes no connection now (502)"),
    ],
)
def test_what_a_failure_means(
    told: dict[str, object], kind: type[SendError] | None, words: str, opened: list[SmtpTransport], seconds: Seconds
) -> None:
    with SmtpServer(**told) as server:
        transport = transport_to(server, opened, seconds)
        if kind is None:
            transport.send(FROM, TO, MAIL)
        else:
            error = failure(transport)
            assert type(error) is kind
            assert words in error.reason
        seconds.now += 10  # past the pause that follows an unreachable server
        transport.send(FROM, TO, MAIL)
        assert server.messages[-1].startswith(b"Subject: hello")


def test_an_address_is_dead_after_the_message_only_by_its_enhanced_code(
    opened: list[SmtpTransport], seconds: Seconds
) -> None:
    with SmtpServer(DOT=["550 5.1.1 no such user", "550 no such user"]) as server:
        transport = transport_to(server, opened, seconds)
        for dead in (True, False):
            error = failure(transport)
            assert isinstance(error, Permanent)
            assert error.dead_address is dead


@pytest.mark.alone
def test_silence_after_the_message_is_an_unknown_outcome(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer(DOT=SILENCE) as server:
        transport = transport_to(server, opened, seconds, timeout=0.2, answer_timeout=0.3)
        assert isinstance(failure(transport), OutcomeUnknown)
        transport.send(FROM, TO, MAIL)
        assert (server.connections, len(server.messages)) == (2, 2)


@pytest.mark.alone
@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def test_silence_before_the_message_is_tried_again(verb: str, opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer(**{verb: SILENCE}) as server:
        transport = transport_to(server, opened, seconds, timeout=0.2)
        assert isinstance(failure(transport), Retryable)
        assert server.messages == []


def test_a_break_while_the_message_goes_out_is_tried_again(opened: list[SmtpTransport], seconds: Seconds) -> None:
    class StopsReading(SmtpServer):
        def _serve(self, connection: socket.socket) -> None:
            with connection, connection.makefile("rb") as lines:
                for verb in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA"):
                    if verb != "GREETING":
                        lines.readline()
                    self._answer(connection, verb)
                lines.readline()

    with StopsReading(EHLO="250 mail.example") as server:
        transport = transport_to(server, opened, seconds)
        with pytest.raises(Retryable, match="before the message was handed over"):
            transport.send(FROM, TO, (b"x" * 70 + b"\r\n") * 300_000)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [CLOSE, "421 4.4.2 idle too long"])
def test_a_kept_connection_that_is_dead_is_replaced_once(
    verb: str, how: object, opened: list[SmtpTransport], seconds: Seconds
) -> None:
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go"}
    with SmtpServer(**{verb: [usual[verb], how, usual[verb], how, how]}) as server:
        transport = transport_to(server, opened, seconds)
        transport.send(FROM, TO, MAIL)
        transport.send(FROM, TO, MAIL)
        assert (server.connections, len(server.messages)) == (2, 2)
        assert "closed the connection" in failure(transport).reason
        assert len(server.messages) == 2


def test_a_connection_closed_while_idle_is_no_failure(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer() as server:
        transport = transport_to(server, opened, seconds)
        transport.send(FROM, TO, MAIL)
        server.hang_up()
        transport.send(FROM, TO, MAIL)
        assert (server.connections, len(server.messages)) == (2, 2)


def test_a_connection_is_not_kept_for_too_long(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer() as server:
        transport = transport_to(server, opened, seconds)
        transport.send(FROM, TO, MAIL)
        seconds.now += IDLE_SECONDS
        transport.send(FROM, TO, MAIL)
        assert server.connections == 1
        seconds.now += IDLE_SECONDS + 1
        transport.send(FROM, TO, MAIL)
        assert server.connections == 2
        for _ in range(MAX_MESSAGES):
            transport.send(FROM, TO, MAIL)
        assert server.connections == 3


def test_an_unreachable_server_is_left_alone_for_a_moment(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer(GREETING="554 no") as server:
        transport = transport_to(server, opened, seconds)
        for _ in range(3):
            error = failure(transport)
            assert isinstance(error, Retryable)
            assert error.channel_down
        assert server.connections == 1
        seconds.now += 5
        transport.send(FROM, TO, MAIL)


def test_a_refused_connection_may_be_tried_again(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(SmtpTransport(f"smtp://127.0.0.1:{port}", timeout=2))
    assert isinstance(error, Retryable)
    assert error.reason == "the mail server cannot be reached"


def test_an_interrupted_connection_is_not_used_again(opened: list[SmtpTransport], seconds: Seconds) -> None:
    class Limit(Exception):
        pass

    with SmtpServer() as server:
        transport = transport_to(server, opened, seconds)
        transport.send(FROM, TO, MAIL)
        assert transport._smtp is not None

        def interrupted() -> tuple[int, bytes]:
            raise Limit

        transport._smtp.getreply = interrupted  # type: ignore[method-assign]
        with pytest.raises(Limit):
            transport.send(FROM, TO, MAIL)
        transport.send(FROM, TO, MAIL)
        assert server.connections == 2


def test_letters_beyond_ascii_need_a_server_that_takes_them(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer() as server:
        transport_to(server, opened, seconds).send(FROM, "민아@한국.kr", MAIL)
        assert "RCPT TO:<민아@xn--3e0b707e.kr>" in server.commands
        assert any(line.startswith("MAIL") and line.endswith(" SMTPUTF8") for line in server.commands)
    with SmtpServer(EHLO="250 mail.example") as server:
        transport = transport_to(server, opened, seconds)
        error = failure(transport, "민아@한국.kr")
        assert isinstance(error, Permanent)
        assert not error.dead_address
        transport.send(FROM, "mina@한국.kr", MAIL)
        assert "RCPT TO:<mina@xn--3e0b707e.kr>" in server.commands


def test_a_message_larger_than_the_server_takes_is_refused(opened: list[SmtpTransport], seconds: Seconds) -> None:
    with SmtpServer(EHLO="250-mail.example\r\n250 SIZE 20") as server:
        assert isinstance(failure(transport_to(server, opened, seconds)), Permanent)
        assert "MAIL" not in server.verbs()


@pytest.mark.parametrize("recipient", ["", "mina", "a@b.net>\r\nDATA", "a@b.net\r\nRSET", "a b@b.net"])
def test_what_is_no_address_never_reaches_the_server(
    recipient: str, opened: list[SmtpTransport], seconds: Seconds
) -> None:
    with SmtpServer() as server:
        transport = transport_to(server, opened, seconds)
        assert isinstance(failure(transport, recipient), Permanent)
        with pytest.raises(Retryable, match="sender"):
            transport.send("nobody", TO, MAIL)
        assert server.connections == 0
