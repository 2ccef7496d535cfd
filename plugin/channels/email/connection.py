"""An SMTP connection made ready for messages: greeted, encrypted, logged in."""

from __future__ import annotations

import smtplib
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from plugin.channels.email.errors import Retryable
from plugin.config import ConfigError


@dataclass(frozen=True, slots=True)
class Server:
    """Where EMAIL_URL points."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    implicit_tls: bool
    plain: bool  # never TLS


class LoginRefused(Retryable):
    """The server does not accept the user and the password."""


def read_url(url: str) -> Server:
    """Read `smtp://user:pass@host:port` or `smtps://…`; `?tls=never` for a server in the same house without a
    certificate. Ports: 465 for smtps, 587 with a login, else 25. Raises ConfigError, which never shows the password.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("EMAIL_URL cannot be read: write marks such as / # @ : in the password as %2F …") from None
    if parts.scheme not in ("smtp", "smtps"):
        raise ConfigError("EMAIL_URL must begin with smtp:// or smtps://")
    if not host or not host.isprintable() or " " in host:
        raise ConfigError("EMAIL_URL names no mail server: smtp://user:password@host:port")
    if parts.path not in ("", "/") or parts.fragment:
        raise ConfigError("EMAIL_URL must end after the port: write / # and ? in the password as %2F %23 %3F")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options not in ({}, {"tls": "never"}) or (options and parts.scheme == "smtps"):
        raise ConfigError("EMAIL_URL takes only one option, smtp://…?tls=never")
    if bool(parts.username) != bool(parts.password):
        raise ConfigError("EMAIL_URL must name both a user and a password, or neither")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    implicit = parts.scheme == "smtps"
    return Server(host, port or (465 if implicit else 587 if user else 25), user, password, implicit, bool(options))


def connect(server: Server, timeout: float, tls: ssl.SSLContext) -> smtplib.SMTP:
    """A connection that is greeted, encrypted where the server can, and logged in. Raises Retryable (the channel's)."""
    try:
        smtp = _open(server, timeout, tls)
        try:
            _prepare(smtp, server, tls)
        except BaseException:
            drop(smtp)
            raise
    except ssl.SSLCertVerificationError:
        raise Retryable("the mail server's certificate cannot be trusted", channel_down=True) from None
    except ssl.SSLError:
        raise Retryable("the mail server does not speak TLS as it should", channel_down=True) from None
    except smtplib.SMTPResponseException as exc:
        raise Retryable(f"the mail server takes no connection now ({exc.smtp_code})", channel_down=True) from None
    except (OSError, UnicodeError, smtplib.SMTPException):
        raise Retryable("the mail server cannot be reached", channel_down=True) from None
    return smtp


def drop(smtp: smtplib.SMTP) -> None:
    """Close without a word. Never raises."""
    with suppress(OSError):
        smtp.close()


def _open(server: Server, timeout: float, tls: ssl.SSLContext) -> smtplib.SMTP:
    # The name is set below: smtplib would ask the resolver for it, which may take seconds.
    if server.implicit_tls:
        return smtplib.SMTP_SSL(server.host, server.port, local_hostname="localhost", timeout=timeout, context=tls)
    return smtplib.SMTP(server.host, server.port, local_hostname="localhost", timeout=timeout)


def _prepare(smtp: smtplib.SMTP, server: Server, tls: ssl.SSLContext) -> None:
    """EHLO, STARTTLS, EHLO, AUTH."""
    assert smtp.sock is not None
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the end of a message must not wait for an ACK
    own = smtp.sock.getsockname()[0]
    smtp.local_hostname = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
    smtp.ehlo_or_helo_if_needed()
    encrypted = server.implicit_tls
    if not encrypted and not server.plain and smtp.has_extn("starttls"):
        # A refused STARTTLS raises: mail and password do not go on in the clear.
        smtp.starttls(context=tls)
        smtp.ehlo_or_helo_if_needed()
        encrypted = True
    if server.user is None or server.password is None:
        return
    if not encrypted and not server.plain and not _is_loopback(own):
        raise Retryable("the mail server offers no encryption: the password was not sent", channel_down=True)
    _log_in(smtp, server.user, server.password)


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """AUTH PLAIN, else LOGIN (UTF-8, which smtplib's own cannot write). Raises Retryable."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, _ = smtp.docmd("AUTH", "PLAIN " + _base64(f"\0{user}\0{password}"))
    elif "LOGIN" in offered:
        code, _ = smtp.docmd("AUTH", "LOGIN")
        for word in (user, password):
            if code == 334:
                code, _ = smtp.docmd(_base64(word))
    else:
        raise Retryable("the mail server offers no login that we know (PLAIN, LOGIN)", channel_down=True)
    if code not in (235, 503):
        if 400 <= code < 500:
            raise Retryable(f"the mail server cannot check the login now ({code})", channel_down=True)
        raise LoginRefused(f"the mail server refuses the login in EMAIL_URL ({code})", channel_down=True)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _is_loopback(own: str) -> bool:
    """Does the connection stay within this machine? Its own end then has a loopback address too."""
    return own.startswith("127.") or own in ("::1", "::ffff:127.0.0.1")
