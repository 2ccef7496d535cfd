"""What mail providers tell afterwards about a message that they took: stdlib only, like the other vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MailWord(StrEnum):
    BOUNCED = "bounced"  # for good: the address does not exist
    UNDELIVERED = "undelivered"  # this message did not arrive, for a reason that says nothing of the address
    COMPLAINED = "complained"  # its reader called it spam
    UNSUBSCRIBED = "unsubscribed"  # through the provider's own link or list


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """One word about one recipient of one message.

    `event_id`: the provider's, the same however often it is told. `key`: the message's key (`X-Entity-Ref-ID`), and
    `rfc_id` the left part of its Message-ID, where the provider hands them back. `status`: RFC 3463, e.g. "5.1.1".
    """

    event_id: str
    word: MailWord
    at: datetime | None
    recipient: str | None
    key: str | None = None
    rfc_id: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider's webhook says: events, or why there are none. Both of a list that holds both."""

    events: tuple[MailEvent, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """SNS asks whether we want a topic's notifications; visiting `url` says yes."""

    topic: str
    url: str
