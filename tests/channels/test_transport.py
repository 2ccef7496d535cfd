from __future__ import annotations

import pytest

from plugin.channels.email.connection import read_url
from plugin.channels.email.errors import Retryable
from plugin.channels.email.smtp import SmtpTransport
from plugin.channels.email.transport import open_transport
from plugin.config import ConfigError


@pytest.mark.parametrize("email_url", [None, "", "  "])
def test_without_a_setting_messages_wait(email_url: str | None) -> None:
    transport = open_transport(email_url)
    with pytest.raises(Retryable) as caught:
        transport.send("shop@example.com", "mina@example.net", b"")
    assert caught.value.reason == "no EMAIL_URL is set"
    assert caught.value.channel_down
    transport.close()


def test_opening_connects_to_nothing() -> None:
    transport = open_transport("smtp://127.0.0.1:1")
    assert isinstance(transport, SmtpTransport)
    transport.close()


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25, None, None),
        ("smtp://u:p@mail.example.com", "mail.example.com", 587, "u", "p"),
        ("smtps://u:p@mail.example.com/", "mail.example.com", 465, "u", "p"),
        ("smtp://shop%40example.com:p%2F%23%40@[::1]:2525", "::1", 2525, "shop@example.com", "p/#@"),
        ("SMTP://127.0.0.1:2525?tls=never", "127.0.0.1", 2525, None, None),
    ],
)
def test_where_an_email_url_points(url: str, host: str, port: int, user: str | None, password: str | None) -> None:
    server = read_url(url)
    assert (server.host, server.port, server.user, server.password) == (host, port, user, password)
    assert "p/#@" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com", "http://mail.example.com", "smtp://", "smtp://:25", "smtp://user:sec/ret@mail.example.com",
        "smtp://user:12/secret@mail.example.com", "smtp://user:secret#1@mail.example.com",
        "smtp://user:secret?1@mail.example.com", "smtp://user:secret@mail.example.com:0x19",
        "smtp://user:secret@mail.example.com:99999", "smtp://user@mail.example.com", "smtp://:secret@mail.example.com",
        "smtp://user:secret@mail.example.com?tls=no", "smtps://user:secret@mail.example.com?tls=never",
        "smtp://user:secret@[::1", "postmark://secret", "smtp://mail example.com",
    ],
)  # fmt: skip
def test_a_wrong_email_url_is_one_clear_line_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_transport(url)
    line = str(caught.value)
    assert line.startswith("EMAIL_URL ")
    assert "\n" not in line
    assert "secret" not in line
