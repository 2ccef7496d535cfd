"""The last look before a message leaves: consent, suppression, switches, staleness, quiet hours and caps, as of now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain import gates
from plugin.domain.consent import ConsentWords
from plugin.domain.flows import STEPS, MessageClass, State, class_of
from plugin.domain.windows import capped_until, quiet_until
from plugin.domain.zones import zone_for
from plugin.services.desk import Desk
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import Cap, ShopSettings

GIVE_WAY = timedelta(minutes=1)  # business time until a message that let another one go first looks again


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave. `sells`: promotional blocks may appear in it. `message_class`: what it then counts as."""

    sells: bool
    message_class: MessageClass


@dataclass(frozen=True, slots=True)
class Stay:
    """It may not leave now: what the row becomes."""

    state: State
    reason: str
    ready_at: datetime | None = None


def decide(
    desk: Desk, shop: Shop, settings: ShopSettings, order: Order, message: Message, now: datetime
) -> Go | Stay:
    """Whether a due message may leave at business time `now`."""
    if shop.uninstalled_at:
        return Stay(State.WITHHELD, "the shop uninstalled Dasi")
    if not shop.live:
        return Stay(State.HELD, gates.NOT_LIVE)
    facts = _facts(desk, settings, order)
    if refusal := gates.refusal(message.step, facts):
        return Stay(State.WITHHELD, refusal)
    if message.due_at and gates.is_stale(message.step, message.due_at, now):
        return Stay(State.WITHHELD, gates.stale_reason(message.due_at))
    transactional = STEPS[message.step].message_class is MessageClass.TRANSACTIONAL
    if not transactional and (deferral := _deferral(desk.session, shop, settings, order, message, now)):
        return deferral
    return go(shop, settings, message.step, sells=gates.may_not_market(facts) is None)


def go(shop: Shop, settings: ShopSettings, step: str, *, sells: bool) -> Go:
    """As what a message of this step leaves: the one place that says so."""
    promises = sells and settings.offers.reward is not None and shop.currency is not None
    return Go(sells, class_of(step, promises))


def _facts(desk: Desk, settings: ShopSettings, order: Order) -> gates.GateFacts:
    key = (order.shop_id, order.address or "")
    return gates.GateFacts(
        settings=settings.at(order.placed_at) if order.placed_at else settings,
        consent=desk.consents.get(key, ConsentWords()),
        country_code=order.country_code,
        suppressed=desk.suppressed.get(key),
        has_address=order.address is not None,
        erased=order.redacted_at is not None,
        test=order.test,
    )


def _deferral(
    session: Session, shop: Shop, settings: ShopSettings, order: Order, message: Message, now: datetime
) -> Stay | None:
    zone = zone_for(order.country_code, shop.timezone)
    if settings.quiet_hours and (until := quiet_until(now, settings.quiet_hours, zone)):
        return Stay(State.PLANNED, f"deferred to {until.astimezone(zone):%H:%M} in {_city(zone.key)}", until)
    if settings.cap and message.customer_id:
        return _capped(session, settings.cap, message, now)
    return None


def _capped(session: Session, cap: Cap, message: Message, now: datetime) -> Stay | None:
    """Whether the customer has had enough for now. The caller holds the customer's lock."""
    theirs = (Message.shop_id == message.shop_id, Message.customer_id == message.customer_id, Message.id != message.id)
    counted = (*theirs, Message.message_class != MessageClass.TRANSACTIONAL)
    sent = session.scalars(
        select(Message.sent_at).where(*counted, Message.sent_at.is_not(None))
        .order_by(Message.sent_at.desc()).limit(cap.messages)
    )  # fmt: skip
    leaving = session.scalars(select(Message.id).where(*counted, Message.state == State.SENDING)).all()
    left = [at for at in sent if at] + [now for _ in leaving]
    if until := capped_until(now, cap, left):
        return Stay(State.PLANNED, f"deferred to {until.day} {until:%b %H:%M} UTC: enough messages for now", until)
    first = [step.name for step in STEPS.values() if step.priority < STEPS[message.step].priority]
    due = (Message.state.in_([State.PLANNED, State.QUEUED]), Message.ready_at <= now, Message.step.in_(first))
    ahead = session.scalars(select(Message.id).where(*counted, *due)).all()
    if ahead and capped_until(now, cap, left + [now for _ in ahead]):
        return Stay(State.PLANNED, "deferred: more important mail to the customer goes first", now + GIVE_WAY)
    return None


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")
