"""From due rows to mail that left: claim, look once more, say it, send, record. Decides late and sends once."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable
from plugin.channels.email.mime import build
from plugin.channels.email.transport import Transport
from plugin.content.render import render
from plugin.domain.flows import STEPS, MessageClass, State
from plugin.services import bodies, follow_ups, keeping_out, outcomes, rates, rewards
from plugin.services.claims import claim
from plugin.services.compose import compose
from plugin.services.context import Context
from plugin.services.desk import Desk, lay_out
from plugin.services.envelope import mail_of
from plugin.services.leave import Go, Stay, decide
from plugin.services.offer_content import shows_offers
from plugin.services.offer_making import NoTimeLeft, Offering, before_leaving, giving
from plugin.services.outcomes import due, left_behind
from plugin.services.relay import SENDING_LEASE, Letter, Outgoing, Relay, relay
from plugin.services.replanning import plan_first
from plugin.services.suggestions import Suggestions
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from plugin.store.session import database_now
from schemas.settings import ShopSettings

AHEAD = 50  # messages decided and written with one set of queries
PAUSES = (1.0, 5.0, 15.0, 30.0)  # real seconds for which a channel that is down is left alone

log = logging.getLogger(__name__)


@dataclass
class Courier:
    """A process's way out: its transport, and the circuit that keeps it from hammering a server that is down."""

    transport: Transport
    closed_until: float = 0.0  # time.monotonic()
    failures: int = 0
    doubts: int = 0  # unknown outcomes in a row
    suggestions: Suggestions = field(default_factory=Suggestions)
    offering: Offering = field(default_factory=Offering)

    @property
    def paused(self) -> bool:
        return time.monotonic() < self.closed_until

    def tripped(self) -> None:
        self.closed_until = time.monotonic() + PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1

    def passed(self) -> None:
        self.failures = self.doubts = 0

    def doubted(self) -> None:
        """An outcome is unknown. One may be chance; raises Retryable at more, since each is a mail that goes twice."""
        self.doubts += 1
        if self.doubts > 1:
            raise Retryable("the mail server does not say what it accepts", channel_down=True)


def anything_due(ctx: Context) -> bool:
    """Whether a worker would find something to do: due, or left behind by one that died."""
    with ctx.database.reading() as session:
        if session.scalar(select(Message.id).where(*due(ctx.clock.now())).limit(1)):
            return True
        return session.scalar(select(Message.id).where(*left_behind(database_now(session))).limit(1)) is not None


def send_due(ctx: Context, courier: Courier, limit: int = 100) -> int:
    """Claim up to `limit` due messages and deal with each. Returns how many: none while the channel rests."""
    if courier.paused:
        return 0
    outcomes.recover_expired(ctx)
    token = secrets.token_hex(16)
    room = rates.of_provider(ctx, 1 if courier.failures else limit)
    ids = claim(ctx, token, room) if room else []
    rates.give_back(ctx, room - len(ids))
    with relay(ctx, token) as line:
        _work_off(ctx, courier, ids, token, line)
    return len(ids)


def _work_off(ctx: Context, courier: Courier, ids: Sequence[int], token: str, line: Relay) -> None:
    letters: dict[int, Letter] = {}
    givers: set[int] = set()
    courier.offering.begin_batch()
    for position, id_ in enumerate(ids):
        try:
            if position % AHEAD == 0:
                line.settle()
                letters = _write_ahead(ctx, courier, ids[position : position + AHEAD], token)
                line.promised(_promise(ctx, letters, token))
                givers = giving(ctx, ids[position : position + AHEAD])
            _send_one(ctx, courier, id_, token, line, letters.pop(id_, None), gives=id_ in givers)
        except Retryable as exc:  # the channel is down for every message: give the rest back untouched
            courier.tripped()
            log.warning("channel_down", extra={"reason": exc.reason})
            outcomes.release(ctx, ids[position:], token)
            return
        except Exception:  # a fault of ours or of the database: the others must not wait for the lease to end
            with suppress(SQLAlchemyError):
                outcomes.release(ctx, ids[position:], token)
            raise


def _send_one(
    ctx: Context, courier: Courier, id_: int, token: str, line: Relay | None = None, letter: Letter | None = None,
    *, gives: bool = False,
) -> None:  # fmt: skip
    """`gives`: an offer may have to be made first. Raises Retryable only when the channel itself is down."""
    line = line or Relay(ctx, token)
    if letter and line.begin(letter):
        outgoing: Outgoing | None = letter.outgoing
    else:
        line.record()
        outgoing = _prepare_or_say_why(ctx, id_, token, courier.offering if gives else None)
    if outgoing is None:
        return
    try:
        courier.transport.send(outgoing.sender, outgoing.recipient, outgoing.data)
    except Retryable as exc:
        outcomes.retry_later(ctx, outgoing.id, token, exc)
        if exc.channel_down:
            raise
    except Permanent as exc:
        courier.passed()
        outcomes.refused(ctx, outgoing.id, token, exc)
    except OutcomeUnknown as exc:
        outcomes.unknown(ctx, outgoing.id, token, exc.reason)
        courier.doubted()
    else:
        courier.passed()
        line.accepted(outgoing)


def _prepare_or_say_why(ctx: Context, id_: int, token: str, offering: Offering | None) -> Outgoing | None:
    try:
        if offering:
            before_leaving(ctx, id_, token, offering)
        return _prepare(ctx, id_, token)
    except NoTimeLeft:
        outcomes.release(ctx, [id_], token)
    except (OperationalError, InterfaceError):
        raise
    except Retryable as exc:  # the shop's settings are at fault, which the merchant may mend, or its platform is slow
        outcomes.put_off(ctx, id_, token, exc)
    except Exception as exc:  # a poisonous template or row fails alone, with its reason
        log.exception("message_not_prepared", extra={"message_id": id_})
        permanent = exc if isinstance(exc, Permanent) else Permanent(f"could not be written: {type(exc).__name__}")
        outcomes.not_prepared(ctx, id_, token, permanent)
    return None


def _write_ahead(ctx: Context, courier: Courier, ids: Sequence[int], token: str) -> dict[int, Letter]:
    """What can be decided and written before its turn: the others are looked at alone, when it comes.

    Those among them that quiet hours, a cap or a rate may stop: time and other messages decide on these.
    """
    letters: dict[int, Letter] = {}
    if ctx.database.is_sqlite:
        return letters
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        mine = (Message.id.in_(ids), Message.claim_token == token, Message.state == State.QUEUED)
        messages = session.scalars(select(Message).where(*mine)).all()
        try:
            desk = lay_out(session, messages, (courier.suggestions, now))
            for message in messages:
                if letter := _letter(ctx, desk, message, now):
                    letters[message.id] = letter
        except (OperationalError, InterfaceError):
            raise
        except Exception as exc:  # whose fault it is shows when each is looked at alone
            log.warning("not_written_ahead", extra={"kind": type(exc).__name__})
    return letters


def _promise(ctx: Context, letters: dict[int, Letter], token: str) -> list[int]:
    """Those from whose leaving more must be planned, which is now owed in writing."""
    owed = [id_ for id_, letter in letters.items() if letter.outgoing.step in outcomes.PLANS_MORE]
    if owed:
        with ctx.database.transaction() as session:
            follow_ups.promise(session, owed, token)
    return owed


def _letter(ctx: Context, desk: Desk, message: Message, now: datetime) -> Letter | None:
    shop, order = desk.shops[message.shop_id], desk.orders[message.order_id]
    settings, own_class = desk.settings_of(shop), STEPS[message.step].message_class
    # Its plan may be an old one; what it offers is made, and who is kept out recorded, when its turn comes.
    if shop.plans_behind or shows_offers(settings, message.step) or settings.step(message.step).holdout_percent:
        return None
    alone = settings.quiet_hours or settings.cap or rates.limited(ctx, settings)
    if alone and own_class is not MessageClass.TRANSACTIONAL:
        return None
    verdict = decide(desk, shop, settings, order, message, now)
    if not isinstance(verdict, Go) or verdict.message_class is not own_class:
        return None
    view = compose(desk, ctx, shop, settings, order, message, verdict)
    rendered = render(view)
    mail = mail_of(ctx, shop, settings, order, message, view, rendered, verdict.message_class, now)
    outgoing = Outgoing(message.id, message.step, mail.sender_address, mail.to, build(mail))
    kept = bodies.sealed(ctx, rendered, view.products)
    return Letter(outgoing, desk.seals[message.id], now, own_class, order.address, mail.subject, kept)


def _prepare(ctx: Context, id_: int, token: str) -> Outgoing | None:
    """Look once more, write the message, mark it `sending` and commit. None when it may not leave now."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        _one_at_a_time(session, ctx, id_)
        message = session.scalar(
            select(Message)
            .where(Message.id == id_, Message.claim_token == token, Message.state == State.QUEUED)
            .with_for_update()
        )
        if message is None:
            return None  # taken over, moved or cancelled meanwhile
        desk = lay_out(session, [message])
        shop, order = desk.shops[message.shop_id], desk.orders[message.order_id]
        settings = desk.settings_of(shop)
        verdict = decide(desk, shop, settings, order, message, now)
        if isinstance(verdict, Go):
            verdict = _held_back(session, ctx, shop, settings, message, now) or verdict
        if isinstance(verdict, Go) and keeping_out.keep_out(session, shop, settings, message, now):
            keeping_out.withhold(session, ctx, shop, message)
            return None
        if not isinstance(verdict, Go):
            message.state, message.reason, message.ready_at = verdict.state, verdict.reason, verdict.ready_at
            message.claim_token = message.lease_until = None
            return None
        rewards.before_writing(session, ctx, shop, settings, order, message, verdict)
        view = compose(desk, ctx, shop, settings, order, message, verdict)
        rendered = render(view)
        mail = mail_of(ctx, shop, settings, order, message, view, rendered, verdict.message_class, now)
        data = build(mail)
        bodies.keep(session, message.id, bodies.sealed(ctx, rendered, view.products))
        # Asked before anything is changed: a second update of the row would have its customer locked (PostgreSQL checks
        # the references of a row anew that this transaction wrote), and ingest takes these locks the other way round.
        lease_until = database_now(session) + SENDING_LEASE
        message.state, message.reason, message.lease_until = State.SENDING, "being sent", lease_until
        message.message_class = verdict.message_class
        message.attempts += 1
        message.address, message.mail_subject = order.address, mail.subject
        return Outgoing(message.id, message.step, mail.sender_address, mail.to, data)


def _held_back(
    session: Session, ctx: Context, shop: Shop, settings: ShopSettings, message: Message, now: datetime
) -> Stay | None:
    if STEPS[message.step].message_class is MessageClass.TRANSACTIONAL:
        return None
    if held := rates.hold_back(session, ctx, shop, settings):
        until = now + held[0]
        return Stay(State.PLANNED, f"deferred to {until.day} {until:%b %H:%M} UTC: {held[1]}", until)
    return None


def _one_at_a_time(session: Session, ctx: Context, id_: int) -> None:
    """The locks before the message's own: the shop's, so that its settings stay as they are until the message is
    marked, and the customer's, since a cap counts what leaves to one customer in service and marketing mail."""
    m = Message
    row = session.execute(select(m.step, m.customer_id, m.shop_id, m.order_id).where(m.id == id_)).first()
    if row:
        plan_first(session, ctx, row.shop_id, row.order_id)
        keeping_out.hold(session, row.shop_id, row.step, row.order_id)
    if row and row.customer_id and STEPS[row.step].message_class is not MessageClass.TRANSACTIONAL:
        session.execute(select(Customer.id).where(Customer.id == row.customer_id).with_for_update())
