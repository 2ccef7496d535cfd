"""TLS and login against a real server (aiosmtpd) with a certificate made here."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from plugin.channels.email.errors import Retryable
from plugin.channels.email.smtp import SmtpTransport
from tests.channels.smtp_server import SmtpServer

MAIL = b"Subject: hello\r\n\r\nA line.\r\n"
FROM, TO = "shop@example.com", "mina@example.net"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

PASSWORD = "pä:ss/w@rd 비밀"
PASSWORD_QUOTED = "p%C3%A4%3Ass%2Fw%40rd%20%EB%B9%84%EB%B0%80"


class Inbox:
    def __init__(self) -> None:
        self.received: list[tuple[bytes, bool]] = []

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.content, session.ssl is not None))
        return "250 OK"


def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop@user", PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@contextmanager
def running(inbox: Inbox, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """A server on a port of its own, in a thread of its own."""
    loop = asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        make = partial(SMTP, inbox, hostname="mail.example", authenticator=check, loop=loop, **options)
        return await loop.create_server(make, "127.0.0.1", 0, ssl=ssl_context)

    async def wind_up() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(5)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(wind_up(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@contextmanager
def transport(url: str, tls: ssl.SSLContext | None = None) -> Iterator[SmtpTransport]:
    opened = SmtpTransport(url, timeout=5, tls=tls)
    try:
        yield opened
    finally:
        opened.close()


def test_starttls_is_used_when_offered(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    inbox, login = Inbox(), f"shop%40user:{PASSWORD_QUOTED}"
    with (
        running(inbox, tls_context=server_tls, require_starttls=True) as port,
        transport(f"smtp://{login}@localhost:{port}", trusting) as opened,
    ):
        opened.send(FROM, TO, MAIL)
        opened.send(FROM, TO, MAIL)
    assert inbox.received == [(MAIL, True)] * 2


def test_implicit_tls(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    inbox, login = Inbox(), f"shop%40user:{PASSWORD_QUOTED}"
    with (
        running(inbox, ssl_context=server_tls, auth_require_tls=False, auth_required=True) as port,
        transport(f"smtps://{login}@localhost:{port}", trusting) as opened,
    ):
        opened.send(FROM, TO, MAIL)
    assert [content for content, _ in inbox.received] == [MAIL]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("fault", ["unknown issuer", "other host"])
def test_a_certificate_that_cannot_be_trusted_stops_the_message(
    scheme: str, fault: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    inbox = Inbox()
    options = {"tls_context": server_tls} if scheme == "smtp" else {"ssl_context": server_tls}
    host, tls = ("localhost", None) if fault == "unknown issuer" else ("127.0.0.1", trusting)
    with (
        running(inbox, **options) as port,
        transport(f"{scheme}://{host}:{port}", tls) as opened,
        pytest.raises(Retryable, match="certificate cannot be trusted") as caught,
    ):
        opened.send(FROM, TO, MAIL)
    assert caught.value.channel_down
    assert inbox.received == []


def test_tls_may_be_switched_off_for_a_server_in_the_house(server_tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with running(inbox, tls_context=server_tls) as port, transport(f"smtp://127.0.0.1:{port}?tls=never") as opened:
        opened.send(FROM, TO, MAIL)
    assert inbox.received == [(MAIL, False)]


def test_a_refused_starttls_does_not_go_on_in_the_clear() -> None:
    with (
        SmtpServer(EHLO="250-mail.example\r\n250 STARTTLS", STARTTLS="454 not now") as server,
        transport(server.url) as opened,
        pytest.raises(Retryable, match=r"no connection now \(454\)"),
    ):
        opened.send(FROM, TO, MAIL)
    assert "MAIL" not in server.verbs()


def test_a_plain_port_behind_smtps_is_a_clear_failure() -> None:
    with (
        SmtpServer() as server,
        transport(server.url.replace("smtp:", "smtps:")) as opened,
        pytest.raises(Retryable, match="TLS"),
    ):
        opened.send(FROM, TO, MAIL)


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "LOGIN PLAIN"])
def test_login_without_tls_stays_on_this_machine(mechanisms: str) -> None:
    inbox, login = Inbox(), f"shop%40user:{PASSWORD_QUOTED}"
    exclude = [name for name in ("PLAIN", "LOGIN") if name not in mechanisms]
    with (
        running(inbox, auth_require_tls=False, auth_required=True, auth_exclude_mechanism=exclude) as port,
        transport(f"smtp://{login}@127.0.0.1:{port}") as opened,
    ):
        opened.send(FROM, TO, MAIL)
    assert inbox.received == [(MAIL, False)]


def test_a_refused_login_is_the_fault_of_the_setting_and_not_repeated() -> None:
    with (
        SmtpServer(AUTH=["535 5.7.8 mina@example.net: bad credentials", "235 ok"]) as server,
        transport(server.url.replace("://", "://user:wrong@")) as opened,
    ):
        for _ in range(3):
            with pytest.raises(Retryable, match="refuses the login in EMAIL_URL") as caught:
                opened.send(FROM, TO, MAIL)
            assert caught.value.channel_down
            assert "@" not in caught.value.reason
        assert server.connections == 1
        assert server.messages == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"AUTH": "454 4.7.0 later"}, "cannot check the login now"),
        ({"EHLO": "250-mail.example\r\n250 AUTH CRAM-MD5"}, "no login that we know"),
        ({"EHLO": "250 mail.example"}, "no login that we know"),
    ],
)
def test_a_login_that_cannot_be(told: dict[str, object], words: str) -> None:
    with (
        SmtpServer(**told) as server,
        transport(server.url.replace("://", "://user:pass@")) as opened,
        pytest.raises(Retryable, match=words),
    ):
        opened.send(FROM, TO, MAIL)


@pytest.mark.parametrize("option", ["", "?tls=never"])
def test_a_password_leaves_this_machine_in_the_clear_only_when_told_so(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.channels.email.connection._is_loopback", lambda own: False)
    with SmtpServer() as server, transport(server.url.replace("://", "://user:pass@") + option) as opened:
        if option:
            opened.send(FROM, TO, MAIL)
        else:
            with pytest.raises(Retryable, match="the password was not sent"):
                opened.send(FROM, TO, MAIL)
    assert ("AUTH" in server.verbs()) is bool(option)
