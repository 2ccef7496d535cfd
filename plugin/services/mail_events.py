"""What mail providers told takes effect: the message's state, the address's mark, consent, and new plans from them.

An event changes nothing twice and in any order: marks and consent are merged, reactions are remembered once, and each
event is one row that is dealt with in the transaction of its effects.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, literal, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from plugin.channels.email.providers.signatures import Refused
from plugin.channels.email.providers.sns import Unreachable
from plugin.domain.flows import State
from plugin.secrets import Undecryptable
from plugin.services import address_marks, consent_writeback, plan
from plugin.services.consents import record_consent
from plugin.services.context import Context
from plugin.services.mail_receive import CONFIRM
from plugin.services.mail_targets import Nobody, Target, find_target
from plugin.services.opens import BOUNCED, COMPLAINED, UNSUBSCRIBED, record_reaction
from plugin.services.races import insisting
from plugin.store.models.mail_events import MailWebhook
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from schemas.events import Channel, ConsentSource, ConsentState
from schemas.mail.events import MailWord

ATTEMPTS = 6
BACKOFF = (2, 5, 30, 120, 600)  # seconds of machine time after each failure
_RECEIVED = literal("received", literal_execute=True)  # as it stands, so that the partial index serves

log = logging.getLogger(__name__)


class NotYet(Exception):
    """The message is on its way: its leaving is about to be recorded."""


@dataclass(frozen=True, slots=True)
class _Said:
    """An event as it was read, before any lock. `recipient`: normalised."""

    id: int
    word: str
    at: datetime
    status: str | None
    recipient: str | None
    target: Target


def anything_heard(ctx: Context) -> bool:
    """Whether an event waits for a worker."""
    with ctx.database.reading() as session:
        return session.scalar(select(MailWebhook.id).where(*_waiting()).limit(1)) is not None


def take_in(ctx: Context, limit: int = 100) -> int:
    """Deal with up to `limit` events, each in a transaction of its own. Returns how many.

    Outages of the database are raised: nothing is marked, everything is still there afterwards.
    """
    with ctx.database.reading() as session:
        ids = session.scalars(
            select(MailWebhook.id).where(*_waiting())
            .order_by(MailWebhook.next_attempt_at, MailWebhook.id).limit(limit)
        ).all()  # fmt: skip
    for id_ in ids:
        try:
            _deal_with(ctx, id_)
        except (OperationalError, InterfaceError):
            raise
        except (NotYet, Unreachable) as exc:
            _again(ctx, id_, f"tried again: {type(exc).__name__}")
        except Exception as exc:
            log.exception("mail_event_failed", extra={"mail_event": id_})
            _again(ctx, id_, f"could not be processed: {type(exc).__name__}")
    return len(ids)


def _waiting() -> tuple[ColumnElement[bool], ...]:
    return MailWebhook.state == _RECEIVED, MailWebhook.next_attempt_at <= datetime.now(UTC)


def _deal_with(ctx: Context, id_: int) -> None:
    with ctx.database.reading() as session:
        row = session.get(MailWebhook, id_)
        if row is None or row.state != "received":
            return
        if row.word != CONFIRM:
            try:
                said = _read(ctx, session, row)
            except Nobody as exc:
                said, why = None, str(exc)
            except Undecryptable:
                said, why = None, "encrypted with a key that ENCRYPTION_KEYS no longer holds"
    if row.word == CONFIRM:
        _confirm(ctx, row)
    elif said is None:
        _end(ctx, id_, "kept", why)
    else:
        _apply(ctx, said)


def _read(ctx: Context, session: Session, row: MailWebhook) -> _Said:
    """Raises Nobody, Undecryptable."""
    recipient = ctx.vault.open(row.recipient) if row.recipient else None
    target = find_target(session, row.key, row.rfc_id, recipient, ctx.clock.now())
    # A provider's clock, or a business time that is not the real one, must not put it before the mail or after today.
    now = ctx.clock.now()
    at = min(max(row.at or row.received_at, target.left_at or row.received_at), now)
    return _Said(row.id, row.word or "", at, row.status, recipient, target)


def _confirm(ctx: Context, row: MailWebhook) -> None:
    """Say yes to the topic, which the signature proved to be ours. No lock is held meanwhile."""
    try:
        ctx.amazon.confirm(ctx.vault.open_bytes(row.body or b"").decode())
    except Refused as exc:
        _end(ctx, row.id, "failed", str(exc))
        return
    log.info("sns_confirmed", extra={"mail_event": row.id})
    _end(ctx, row.id, "done", None)


@insisting
def _apply(ctx: Context, said: _Said) -> None:
    target = said.target
    with ctx.database.transaction() as session:
        orders = address_marks.orders_of(session, ctx, target.shop_id, target.address, target.order_id)
        plan.lock_orders(session, orders)
        row = session.scalar(
            select(MailWebhook).where(MailWebhook.id == said.id, MailWebhook.state == _RECEIVED).with_for_update()
        )
        order = session.scalar(select(Order).where(Order.id == target.order_id, Order.shop_id == target.shop_id))
        if row is None:
            return
        _over(row, "done", None)
        row.shop_id, row.order_id = target.shop_id, target.order_id
        if order is None or order.redacted_at:
            row.state, row.reason = "kept", "the customer's data was erased"
            return
        _take_effect(session, ctx, said, order)
        plan.replan(session, ctx, orders)
    log.info("mail_event_done", extra={"mail_event": said.id, "word": said.word, "message_id": target.message_id})


def _take_effect(session: Session, ctx: Context, said: _Said, order: Order) -> None:
    target, now = said.target, ctx.clock.now()
    word = MailWord(said.word)
    if word in (MailWord.BOUNCED, MailWord.UNDELIVERED):
        # A mail that was forwarded may bounce for an address that we never wrote to: ours took it.
        dead = word is MailWord.BOUNCED and said.recipient in (None, target.address)
        _came_back(session, target, dead, said.status)
        _react(session, target, BOUNCED, now)
        if dead:
            left = target.left_at or said.at
            address_marks.mark(session, target.shop_id, target.address, address_marks.DEAD, now, about=left)
        return
    if word is MailWord.COMPLAINED:
        _react(session, target, COMPLAINED, now)
        address_marks.mark(session, target.shop_id, target.address, address_marks.COMPLAINED, now, about=now)
    else:
        _react(session, target, UNSUBSCRIBED, now)
    _opt_out(session, said, order)


def _react(session: Session, target: Target, kind: str, now: datetime) -> None:
    """At the moment we heard, by which the figures find the days to count anew."""
    if target.message_id is not None:
        record_reaction(session, target.message_id, kind, now)


def _came_back(session: Session, target: Target, dead: bool, status: str | None) -> None:
    """What had left did not arrive. Raises NotYet while it is still being recorded as sent."""
    if target.message_id is None:
        return
    mine = (Message.id == target.message_id, Message.shop_id == target.shop_id)
    state = session.scalar(select(Message.state).where(*mine).with_for_update())
    if state in (State.QUEUED, State.SENDING):
        raise NotYet
    what = "there is no such mailbox" if dead else "it could not be delivered"
    reason = f"came back: {what}" + (f" ({status})" if status else "")
    session.execute(
        update(Message).where(*mine, Message.state == State.SENT)
        .values(state=State.FAILED, reason=reason, error=reason)
    )  # fmt: skip


def _opt_out(session: Session, said: _Said, order: Order) -> None:
    """No more service and marketing mail, and the platform hears of it, as from our own page."""
    target = said.target
    told = record_consent(
        session, target.shop_id, Channel.EMAIL, target.address, ConsentState.UNSUBSCRIBED, ConsentSource.PAGE, said.at
    )
    if told:
        consent_writeback.queue(
            session, target.shop_id, target.address, ConsentState.UNSUBSCRIBED, said.at, order.customer_id
        )


def _over(row: MailWebhook, state: str, reason: str | None) -> None:
    """Dealt with: whom it named goes."""
    row.state, row.reason, row.body = state, reason, None
    row.recipient = row.recipient_hash = None


def _end(ctx: Context, id_: int, state: str, reason: str | None) -> None:
    with ctx.database.transaction() as session:
        row = session.get(MailWebhook, id_, with_for_update=True)
        if row is not None and row.state == "received":
            _over(row, state, reason)


def _again(ctx: Context, id_: int, reason: str) -> None:
    with ctx.database.transaction() as session:
        row = session.get(MailWebhook, id_, with_for_update=True)
        if row is None or row.state != "received":
            return
        row.attempts += 1
        row.reason = reason
        if row.attempts >= ATTEMPTS:
            row.state = "failed"
        else:
            row.next_attempt_at = datetime.now(UTC) + timedelta(seconds=BACKOFF[row.attempts - 1])
