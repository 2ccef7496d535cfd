"""On PostgreSQL one statement, hence one commit, says that a message has left and that the next one is about to.

Messages are decided and written ahead, some at a time. What lies between that and the leaving is bridged by the seal:
the statement marks a message `sending` only if its claim still holds and every row that it was decided and written from
is the one that was read. Whatever it does not mark is looked at alone, with all the locks.

Nothing is lost by telling of two messages at once: the first is recorded as soon as the second may begin, each worker
has at most one message marked `sending`, and the commit is a durable one, so a record is never behind a later mark.
The message's body is kept by the same commit. What follows from a message is planned at the batch's end (`follow_ups`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from plugin.services import follow_ups, outcomes
from plugin.services.context import Context
from plugin.services.desk import Seal

SENDING_LEASE = timedelta(minutes=5)  # longer than a mail server may keep us waiting in one sending
FRESH = timedelta(minutes=5)  # business time for which what was decided ahead holds, if nothing else changed

log = logging.getLogger(__name__)

# The token speaks for the message's own row: every change of the plan takes it away. The placeholders are the driver's,
# since this is asked once for each message.
_PASS_ON = """
WITH left_now AS (
  UPDATE messages SET state = 'sent', reason = %(reason)s, sent_at = %(now)s, accepted_at = %(accepted_at)s,
         error = NULL, claim_token = NULL, lease_until = NULL
  WHERE id = %(left_id)s::bigint AND claim_token = %(token)s AND state = 'sending' RETURNING id
), begun AS (
  UPDATE messages SET state = 'sending', reason = 'being sent', attempts = attempts + 1, mail_subject = %(subject)s,
         address = %(address)s, message_class = %(message_class)s, lease_until = clock_timestamp() + %(lease)s
  WHERE id = (
    SELECT m.id FROM messages m JOIN orders o ON o.id = m.order_id JOIN shops s ON s.id = m.shop_id
    WHERE m.id = %(id)s::bigint AND m.claim_token = %(token)s AND m.state = 'queued'
      AND CAST(s.xmin AS text) = %(shop)s AND CAST(o.xmin AS text) = %(order)s
      AND (SELECT CAST(c.xmin AS text) FROM consents c
           WHERE c.shop_id = o.shop_id AND c.channel = 'email' AND c.address = o.address)
          IS NOT DISTINCT FROM %(consent)s::text
      AND (SELECT string_agg(CAST(p.xmin AS text), ',' ORDER BY p.id) FROM parcels p WHERE p.order_id = o.id)
          IS NOT DISTINCT FROM %(parcels)s::text
      AND NOT EXISTS (SELECT 1 FROM suppressions x
                      WHERE x.shop_id = o.shop_id AND x.channel = 'email' AND x.address = o.address)
    FOR UPDATE OF m SKIP LOCKED
  ) RETURNING id
), kept AS (
  INSERT INTO message_bodies (message_id, made_at, body)
  SELECT id, %(accepted_at)s::timestamptz, %(body)s::bytea FROM begun
)
SELECT (SELECT id FROM left_now), (SELECT id FROM begun)
"""


_OF_LETTER = ("id", "subject", "address", "message_class", "shop", "order", "consent", "parcels", "body")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is marked `sending`: what goes out, and to whom."""

    id: int
    step: str
    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A message written ahead, and what it was written from."""

    outgoing: Outgoing
    seal: Seal
    written_at: datetime  # business time
    message_class: str
    address: str | None
    subject: str
    body: bytes  # sealed, to be kept


class Relay:
    """The marks and records of one claimed batch. `connection` None: each message is marked and recorded alone.

    The connection is the driver's own, in autocommit: of what one statement takes, SQLAlchemy's share would be half.
    """

    def __init__(self, ctx: Context, token: str, connection: psycopg.Connection[Any] | None = None) -> None:
        self._ctx, self._token, self._connection = ctx, token, connection
        self._left: Outgoing | None = None  # accepted, and its record goes with the next mark
        self._promised: set[int] = set()  # messages from whose leaving more must be planned, soon
        self._follow: list[int] = []  # those of them that left

    def begin(self, letter: Letter) -> bool:
        """Record what left before and mark this one `sending`. False when it must be looked at alone."""
        now = self._ctx.clock.now()
        if not timedelta() <= now - letter.written_at <= FRESH:
            return False
        seal = letter.seal
        return self._pass_on(now, {
            "id": letter.outgoing.id, "subject": letter.subject, "address": letter.address,
            "message_class": letter.message_class, "shop": seal.shop, "order": seal.order, "consent": seal.consent,
            "parcels": seal.parcels, "body": letter.body,
        })  # fmt: skip

    def _pass_on(self, now: datetime, values: dict[str, Any]) -> bool:
        """Whether the message of these values is marked now. Without a connection nothing happens."""
        if self._connection is None:
            return False
        left = self._left
        values |= outcomes.when_sent(now)
        values |= {
            "left_id": left.id if left else None, "token": self._token, "now": now, "accepted_at": datetime.now(UTC),
            "lease": SENDING_LEASE,
        }  # fmt: skip
        try:
            told = self._connection.execute(_PASS_ON, values).fetchone()
        except psycopg.Error as exc:  # a race for locks, or the database went: the long way has its own tries
            log.warning("relay_broke", extra={"kind": type(exc).__name__})
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
            return False
        recorded, begun = told or (None, None)
        if left:
            self._left = None
            outcomes.log_recorded(left.id, left.step, recorded is not None)
        return begun is not None

    def promised(self, ids: Collection[int]) -> None:
        """What follows from these messages is owed in writing, so it may wait for the batch's end."""
        self._promised |= set(ids)

    def accepted(self, outgoing: Outgoing) -> None:
        """It left. Its record goes with the next message's mark, or now where more follows from it at once."""
        owed = outgoing.id in self._promised
        if self._connection is None or (outgoing.step in outcomes.PLANS_MORE and not owed):
            outcomes.sent(self._ctx, outgoing.id, self._token)
            return
        self._left = outgoing
        if owed:
            self._follow.append(outgoing.id)

    def record(self) -> None:
        """Record what left, if that is still to be done."""
        if self._left:
            self._pass_on(self._ctx.clock.now(), dict.fromkeys(_OF_LETTER))
        left, self._left = self._left, None
        if left:
            outcomes.sent(self._ctx, left.id, self._token, owed=left.id in self._promised)

    def settle(self) -> None:
        """Record what left, and plan what follows from all that did."""
        self.record()
        if self._promised:
            follow_ups.keep(self._ctx, self._follow, self._token)
            self._promised, self._follow = set(), []


@contextmanager
def relay(ctx: Context, token: str) -> Iterator[Relay]:
    """For one batch. Whatever ends it, what left is recorded."""
    if ctx.database.is_sqlite:
        yield Relay(ctx, token)
        return
    with ctx.database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        made = Relay(ctx, token, connection.connection.driver_connection)
        try:
            yield made
        finally:
            made.settle()
