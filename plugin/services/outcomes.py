"""Recording what became of a message: every change is conditional on the claim that made it ours."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, literal, select, text, update
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Permanent, Retryable
from plugin.domain.flows import MessageClass, State, check_transition
from plugin.domain.outcomes import after_unknown_outcome, backoff
from plugin.services import address_marks, follow_ups
from plugin.services.context import Context
from plugin.services.plan import lock_orders, plan_orders
from plugin.services.races import insisting
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from plugin.store.session import database_now

UNKNOWN = "outcome unknown"
# Written into the statements as they stand, because only then do the partial indexes serve whatever plan is kept.
_PLANNED = literal(str(State.PLANNED), literal_execute=True)
_LEASED = [literal(str(state), literal_execute=True) for state in (State.QUEUED, State.SENDING)]
PLANS_MORE = frozenset({"cross_sell"})  # steps whose leaving is a fact that others are planned from

log = logging.getLogger(__name__)


def due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which messages may leave at business time `now`."""
    return Message.state == _PLANNED, Message.ready_at <= now


def left_behind(machine_now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which messages a worker claimed and never came back for."""
    return Message.state.in_(_LEASED), Message.lease_until < machine_now


@insisting
def sent(ctx: Context, id_: int, token: str, *, owed: bool = False) -> None:
    """It was accepted. The cross-sell's leaving is a fact from which the follow-up's date is planned, at once, unless
    that is `owed` in writing."""
    now = ctx.clock.now()
    values = {"state": State.SENT, "sent_at": now, "accepted_at": datetime.now(UTC), "error": None, **when_sent(now)}
    _record(ctx, id_, token, values, owed=owed)


def when_sent(now: datetime) -> dict[str, str]:
    return {"reason": f"sent {now.day} {now:%b %H:%M} UTC"}


def log_recorded(id_: int, step: str, recorded: bool) -> None:
    """Of a message that left; `recorded` False: the claim was somebody else's by then."""
    if recorded:
        log.info("message_recorded", extra={"message_id": id_, "step": step, "state": str(State.SENT)})
    else:
        log.warning("claim_lost", extra={"message_id": id_})


@insisting
def retry_later(ctx: Context, id_: int, token: str, why: Retryable) -> None:
    """Nothing was accepted. The attempt is not counted when the channel was at fault."""
    with ctx.database.transaction() as session:
        message = _mine(session, id_, token)
        if message is None:
            return
        if why.channel_down:
            message.attempts -= 1
        else:
            message.ready_at = ctx.clock.now() + backoff(message.attempts)
        _become(message, State.PLANNED, f"will be tried again: {why.reason}", error=why.reason)


@insisting
def put_off(ctx: Context, id_: int, token: str, why: Retryable) -> None:
    """It could not be written now, but may be later."""
    with ctx.database.transaction() as session:
        message = _mine(session, id_, token, State.QUEUED)
        if message is not None:
            message.attempts += 1
            message.ready_at = ctx.clock.now() + backoff(message.attempts)
            _become(message, State.PLANNED, f"will be tried again: {why.reason}", error=why.reason)


@insisting
def refused(ctx: Context, id_: int, token: str, why: Permanent) -> None:
    _record(ctx, id_, token, {"state": State.FAILED, "reason": why.reason, "error": why.reason}, dead=why.dead_address)


@insisting
def not_prepared(ctx: Context, id_: int, token: str, why: Permanent) -> None:
    """It could not even be written: nothing went out, and nothing will until somebody mends it."""
    with ctx.database.transaction() as session:
        more = _hold_what_follows(session, id_)
        message = _mine(session, id_, token, State.QUEUED)
        if message is not None:
            message.state = State.SENDING  # the table knows no way from queued to failed but through an attempt
            message.attempts += 1
            _become(message, State.FAILED, why.reason, error=why.reason)
            _plan_what_follows(session, ctx, more)


@insisting
def unknown(ctx: Context, id_: int, token: str, why: str) -> None:
    """The data went out and no answer came. The rule is plugin.domain.outcomes.after_unknown_outcome."""
    with ctx.database.transaction() as session:
        more = _hold_what_follows(session, id_)
        message = _mine(session, id_, token)
        if message is not None:
            log.warning("outcome_unknown", extra={"message_id": id_, "step": message.step})
            _give_up_or_repeat(ctx, message, why)
            _plan_what_follows(session, ctx, more)


def release(ctx: Context, ids: Collection[int], token: str) -> None:
    """Give claimed rows back untouched: they are due as before."""
    mine = (Message.id.in_(ids), Message.claim_token == token, Message.state == State.QUEUED)
    with ctx.database.transaction() as session:
        locked = session.scalars(select(Message.id).where(*mine).order_by(Message.id).with_for_update()).all()
        session.execute(
            update(Message)
            .where(Message.id.in_(locked))
            .values(state=State.PLANNED, claim_token=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )


def recover_expired(ctx: Context) -> int:
    """Rows that a dead worker left in `sending`: their outcome is unknown. Returns how many there were.

    What it owed of the plans of those that had left is made up for too.
    """
    with ctx.database.reading() as session:
        now = database_now(session)
        expired = session.scalars(select(Message.id).where(*left_behind(now), Message.state == State.SENDING)).all()
        owed = follow_ups.left_behind(session, now)
    follow_ups.recover(ctx, owed)
    for id_ in expired:
        with ctx.database.transaction() as session:
            more = _hold_what_follows(session, id_)
            message = session.scalar(
                select(Message)
                .where(Message.id == id_, Message.state == State.SENDING, Message.lease_until < database_now(session))
                .with_for_update(skip_locked=True)
            )
            if message is not None:
                log.warning("outcome_unknown", extra={"message_id": id_, "step": message.step})
                _give_up_or_repeat(ctx, message, "the sender stopped before the answer")
                _plan_what_follows(session, ctx, more)
    return len(expired)


def _hold_what_follows(session: Session, id_: int) -> tuple[int, int] | None:
    """Lock the order whose plan a message's outcome changes, before the message itself: (shop, order)."""
    row = session.execute(select(Message.step, Message.shop_id, Message.order_id).where(Message.id == id_)).first()
    if row is None or row.step not in PLANS_MORE:
        return None
    lock_orders(session, [row.order_id])
    return row.shop_id, row.order_id


def _plan_what_follows(session: Session, ctx: Context, held: tuple[int, int] | None) -> None:
    if held:
        plan_orders(session, ctx, session.get_one(Shop, held[0]), [held[1]])


def _give_up_or_repeat(ctx: Context, message: Message, why: str) -> None:
    state = after_unknown_outcome(MessageClass(message.message_class))
    if state is State.PLANNED:
        message.ready_at = ctx.clock.now() + backoff(message.attempts)
        _become(message, state, f"goes again: {UNKNOWN}", error=why)
    else:
        _become(message, state, UNKNOWN, error=why)


def _mine(session: Session, id_: int, token: str, state: State = State.SENDING) -> Message | None:
    return session.scalar(
        select(Message).where(Message.id == id_, Message.claim_token == token, Message.state == state).with_for_update()
    )


def _become(message: Message, state: State, reason: str, error: str | None) -> None:
    check_transition(State(message.state), state)
    message.state, message.reason, message.error = state, reason[:300], error
    message.claim_token = message.lease_until = None


def _record(ctx: Context, id_: int, token: str, values: dict[str, Any], dead: bool = False, owed: bool = False) -> None:
    """One commit for one fact, with what is planned from it. Where nothing is, a crash of the database may lose it: it
    then becomes an unknown outcome."""
    with ctx.database.transaction() as session:
        row = session.execute(
            select(Message.step, Message.order_id, Message.shop_id, Message.address).where(Message.id == id_)
        ).one()
        plans_more = (row.step in PLANS_MORE and not owed) or dead
        orders = {row.order_id}
        if dead and row.address:
            orders = address_marks.orders_of(session, ctx, row.shop_id, row.address, row.order_id)
        if plans_more:
            lock_orders(session, orders)
        elif not owed and not ctx.database.is_sqlite:
            session.execute(text("SET LOCAL synchronous_commit TO off"))
        recorded = session.execute(
            update(Message)
            .where(Message.id == id_, Message.claim_token == token, Message.state == State.SENDING)
            .values(claim_token=None, lease_until=None, **values)
            .returning(Message.id)
        ).first()
        if recorded is None:
            log.warning("claim_lost", extra={"message_id": id_})
            return
        if dead and row.address:
            now = ctx.clock.now()
            address_marks.mark(session, row.shop_id, row.address, address_marks.DEAD, now, about=now)
        if plans_more:
            plan_orders(session, ctx, session.get_one(Shop, row.shop_id), orders)
    log.info("message_recorded", extra={"message_id": id_, "step": row.step, "state": str(values["state"])})

