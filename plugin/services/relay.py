"""On PostgreSQL one statement, hence one commit, says that a message has left and that the next one is about to.

Messages are decided and written ahead, some at a time. What lies between that and the leaving is bridged by the seal:
the statement marks a message `sending` only if its claim still holds and every row that it was decided and written from
is the one that was read. Whatever it does not mark is looked at alone, with all the locks.

Nothing is lost by telling of two messages at once: the first is recorded as soon as the second may begin, each worker
has at most one message marked `sending`, and the commit is a durable one, so a record is never behind a later mark.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from plugin.services import outcomes
from plugin.services.context import Context
from plugin.services.desk import Seal

SENDING_LEASE = timedelta(minutes=5)  # longer than a mail server may keep us waiting in one sending
FRESH = timedelta(minutes=5)  # business time for which what was decided ahead holds, if nothing else changed

log = logging.getLogger(__name__)

# The token speaks for the message's own row: every change of the plan takes it away.
_PASS_ON = text("""
WITH left_now AS (
  UPDATE messages SET state = 'sent', reason = :reason, sent_at = :now, accepted_at = :accepted_at, error = NULL,
         claim_token = NULL, lease_until = NULL
  WHERE id = CAST(:left_id AS bigint) AND claim_token = :token AND state = 'sending' RETURNING id
), begun AS (
  UPDATE messages SET state = 'sending', reason = 'being sent', attempts = attempts + 1, mail_subject = :subject,
         address = :address, message_class = :message_class, lease_until = clock_timestamp() + :lease
  WHERE id = (
    SELECT m.id FROM messages m JOIN orders o ON o.id = m.order_id JOIN shops s ON s.id = m.shop_id
    WHERE m.id = :id AND m.claim_token = :token AND m.state = 'queued'
      AND CAST(s.xmin AS text) = :shop AND CAST(o.xmin AS text) = :order
      AND (SELECT CAST(c.xmin AS text) FROM consents c
           WHERE c.shop_id = o.shop_id AND c.channel = 'email' AND c.address = o.address)
          IS NOT DISTINCT FROM CAST(:consent AS text)
      AND (SELECT string_agg(CAST(p.xmin AS text), ',' ORDER BY p.id) FROM parcels p WHERE p.order_id = o.id)
          IS NOT DISTINCT FROM CAST(:parcels AS text)
      AND NOT EXISTS (SELECT 1 FROM suppressions x
                      WHERE x.shop_id = o.shop_id AND x.channel = 'email' AND x.address = o.address)
    FOR UPDATE OF m SKIP LOCKED
  ) RETURNING id
)
SELECT (SELECT id FROM left_now), (SELECT id FROM begun)
""")


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


class Relay:
    """The marks and records of one claimed batch. `connection` None: each message is marked and recorded alone."""

    def __init__(self, ctx: Context, token: str, connection: Connection | None = None) -> None:
        self._ctx, self._token, self._connection = ctx, token, connection
        self._left: Outgoing | None = None  # accepted, and its record goes with the next mark

    def begin(self, letter: Letter) -> bool:
        """Record what left before and mark this one `sending`. False when it must be looked at alone."""
        now = self._ctx.clock.now()
        if self._connection is None or not timedelta() <= now - letter.written_at <= FRESH:
            return False
        left, seal = self._left, letter.seal
        values = outcomes.when_sent(now) | {
            "left_id": left.id if left else None, "token": self._token, "id": letter.outgoing.id, "now": now,
            "accepted_at": datetime.now(UTC), "subject": letter.subject, "address": letter.address,
            "message_class": letter.message_class, "lease": SENDING_LEASE, "shop": seal.shop, "order": seal.order,
            "consent": seal.consent, "parcels": seal.parcels,
        }  # fmt: skip
        try:
            recorded, begun = self._connection.execute(_PASS_ON, values).one()
        except DBAPIError as exc:  # a race for locks, or the database went: the long way has its own tries
            log.warning("relay_broke", extra={"kind": type(exc.orig).__name__})
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None
            return False
        if left:
            self._left = None
            outcomes.log_recorded(left.id, left.step, recorded is not None)
        return begun is not None

    def accepted(self, outgoing: Outgoing) -> None:
        """It left. Its record goes with the next message's mark, or now where more follows from it."""
        if self._connection is None or outgoing.step in outcomes.PLANS_MORE:
            outcomes.sent(self._ctx, outgoing.id, self._token)
        else:
            self._left = outgoing

    def record(self) -> None:
        """Record what left, if that is still to be done."""
        left, self._left = self._left, None
        if left:
            outcomes.sent(self._ctx, left.id, self._token)


@contextmanager
def relay(ctx: Context, token: str) -> Iterator[Relay]:
    """For one batch. Whatever ends it, what left is recorded."""
    if ctx.database.is_sqlite:
        yield Relay(ctx, token)
        return
    with ctx.database.engine.connect() as connection:
        made = Relay(ctx, token, connection.execution_options(isolation_level="AUTOCOMMIT"))
        try:
            yield made
        finally:
            made.record()
