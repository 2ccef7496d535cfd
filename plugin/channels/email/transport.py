"""The way out for mail, chosen by EMAIL_URL."""

from __future__ import annotations

from typing import Protocol

from plugin.channels.email.errors import Retryable
from plugin.channels.email.smtp import SmtpTransport


class Transport(Protocol):
    """Hands whole messages to a mail server or a provider."""

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        """Returns once the message is accepted. Raises Retryable, Permanent or OutcomeUnknown."""
        ...

    def close(self) -> None:
        """Let go of the connection, if one is open. Never raises."""
        ...


class NoTransport:
    """Nothing can be sent until EMAIL_URL is set."""

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        raise Retryable("no EMAIL_URL is set", channel_down=True)

    def close(self) -> None:
        pass


def open_transport(email_url: str | None) -> Transport:
    """A transport that connects when it first sends. Raises ConfigError for an EMAIL_URL that is wrong."""
    return SmtpTransport(email_url) if email_url and email_url.strip() else NoTransport()
