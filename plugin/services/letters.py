"""The desk's letters leave: each is claimed, written and marked before its data goes out, and recorded afterwards.

A process that dies between leaves an unknown outcome: the letter goes again with the same Message-ID, once.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, literal, select
from sqlalchemy.orm import Session

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable, SendError
from plugin.channels.email.transport import Transport
from plugin.domain import gates
from plugin.domain.outcomes import backoff
from plugin.services.consents import suppressions_of
from plugin.services.context import Context
from plugin.services.issue_opening import ACKNOWLEDGEMENT, SOLVED
from plugin.services.letter_writing import write
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskLetter
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.session import database_now

LEASE = timedelta(minutes=5)
TRIES = 8
UNTIL_LIVE = timedelta(hours=1)  # business time until a letter of a shop that is not live looks again
BATCH = 50
_PLANNED = literal("planned", literal_execute=True)  # as it stands, so that the partial indexes serve
_SENDING = literal("sending", literal_execute=True)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Outgoing:
    id: int
    sender: str
    to: str
    data: bytes


def any_letter(ctx: Context) -> bool:
    """Whether a worker would find one to send: due, or left behind by one that died."""
    with ctx.database.reading() as session:
        due = select(DeskLetter.id).where(DeskLetter.state == _PLANNED, DeskLetter.ready_at <= ctx.clock.now())
        if session.scalar(due.limit(1)) is not None:
            return True
        return session.scalar(_left_behind(database_now(session)).limit(1)) is not None


def send_letters(ctx: Context, transport: Transport) -> int:
    """Send what is due, at most 50. Returns how many left."""
    _recover(ctx)
    sent = 0
    for _ in range(BATCH):
        token = secrets.token_hex(16)
        found = _prepare(ctx, token)
        if found is None:
            break
        if isinstance(found, _Outgoing):
            try:
                sent += _send(ctx, transport, found, token)
            except Retryable:  # the channel is down for all
                break
    return sent


def _prepare(ctx: Context, token: str) -> _Outgoing | bool | None:
    """The next letter, marked `sending`; True when it may not leave now; None when nothing is due."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        letter = session.scalar(
            select(DeskLetter)
            .where(DeskLetter.state == _PLANNED, DeskLetter.ready_at <= now)
            .order_by(DeskLetter.ready_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if letter is None:
            return None
        shop, order = session.get_one(Shop, letter.shop_id), session.get_one(Order, letter.order_id)
        issue = session.get_one(Issue, letter.issue_id)
        if reason := _why_never(session, letter, issue, order, shop):
            letter.state, letter.reason = "cancelled", reason
            return True
        if not shop.live:
            letter.ready_at, letter.reason = now + UNTIL_LIVE, gates.NOT_LIVE
            return True
        letter.attempts += 1
        try:
            sender, data = write(session, ctx, letter, issue, order, shop, _earlier(session, letter))
        except Permanent as exc:
            letter.state, letter.reason = "failed", exc.reason
            return True
        except Retryable as exc:
            _again(letter, exc.reason, now)
            return True
        letter.state, letter.reason, letter.claim_token = "sending", "being sent", token
        letter.lease_until = database_now(session) + LEASE
        return _Outgoing(letter.id, sender, order.email or "", data)


def _why_never(session: Session, letter: DeskLetter, issue: Issue, order: Order, shop: Shop) -> str | None:
    """A letter answers the customer, so consent does not matter; the other gates do, as for all mail."""
    if shop.uninstalled_at:
        return "the shop uninstalled Dasi"
    if order.redacted_at:
        return "the customer's data was erased"
    if order.test:
        return "a test order"
    if not order.email or not order.address:
        return "no address to write to"
    if suppressions_of(session, shop.id, {order.address}).get(order.address):
        return "the address takes no mail"
    if letter.kind == ACKNOWLEDGEMENT and issue.closed_at:
        return "it was settled before"
    if letter.kind == SOLVED and not issue.closed_at:
        return "the issue is open again"
    return None


def _earlier(session: Session, letter: DeskLetter) -> list[DeskLetter]:
    sent = (DeskLetter.issue_id == letter.issue_id, DeskLetter.state == "sent")
    return list(session.scalars(select(DeskLetter).where(*sent).order_by(DeskLetter.sent_at, DeskLetter.id)))


def _send(ctx: Context, transport: Transport, outgoing: _Outgoing, token: str) -> int:
    """1 when it was accepted. Raises Retryable when the channel itself is down."""
    try:
        transport.send(outgoing.sender, outgoing.to, outgoing.data)
    except SendError as exc:
        log.warning("letter_not_sent", extra={"letter": outgoing.id, "reason": exc.reason})
        with ctx.database.transaction() as session:
            if (letter := _mine(session, outgoing.id, token)) is not None:
                _record_trouble(letter, exc, ctx.clock.now())
        if isinstance(exc, Retryable) and exc.channel_down:
            raise
        return 0
    with ctx.database.transaction() as session:
        if (letter := _mine(session, outgoing.id, token)) is not None:
            letter.state, letter.reason, letter.sent_at = "sent", "sent", ctx.clock.now()
            letter.claim_token = letter.lease_until = None
    return 1


def _record_trouble(letter: DeskLetter, exc: SendError, now: datetime) -> None:
    if isinstance(exc, Permanent):
        letter.state, letter.reason = "failed", exc.reason
    elif isinstance(exc, OutcomeUnknown):
        _after_unknown(letter, now)
    else:
        if isinstance(exc, Retryable) and exc.channel_down:
            letter.attempts -= 1
        _again(letter, exc.reason, now)
    letter.claim_token = letter.lease_until = None


def _again(letter: DeskLetter, reason: str, now: datetime) -> None:
    over = letter.attempts >= TRIES
    letter.state, letter.reason = ("failed", reason) if over else ("planned", f"will be tried again: {reason}")
    letter.ready_at = now + backoff(letter.attempts)


def _after_unknown(letter: DeskLetter, now: datetime) -> None:
    _again(letter, "outcome unknown", now)


def _mine(session: Session, id_: int, token: str) -> DeskLetter | None:
    mine = (DeskLetter.id == id_, DeskLetter.claim_token == token)
    return session.scalar(select(DeskLetter).where(*mine).with_for_update())


def _left_behind(machine_now: datetime) -> Select[int]:
    return select(DeskLetter.id).where(DeskLetter.state == _SENDING, DeskLetter.lease_until < machine_now)


def _recover(ctx: Context) -> None:
    """What a process that died was sending: nobody knows whether it left."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        expired = _left_behind(database_now(session)).with_for_update(skip_locked=True)
        for letter in session.scalars(select(DeskLetter).where(DeskLetter.id.in_(expired))):
            _after_unknown(letter, now)
            letter.claim_token = letter.lease_until = None
