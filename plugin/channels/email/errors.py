"""Why a message did not go out. Reasons are short, in plain words, and never hold an address or a server's own text."""

from __future__ import annotations


class SendError(Exception):
    """The base of the three below."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retryable(SendError):
    """Nothing was accepted; the same message may be tried again later.

    `channel_down`: the trouble is the channel's or its settings', not this message's, so every other message would meet
    it too: stop the batch, and do not count the attempt against the message.
    """

    def __init__(self, reason: str, *, channel_down: bool = False) -> None:
        super().__init__(reason)
        self.channel_down = channel_down


class Permanent(SendError):
    """Refused for good. `dead_address`: the address has no mailbox, so nothing more should be written to it."""

    def __init__(self, reason: str, *, dead_address: bool = False) -> None:
        super().__init__(reason)
        self.dead_address = dead_address


class OutcomeUnknown(SendError):
    """The whole message was handed over and no answer came: it may have been accepted or not."""
