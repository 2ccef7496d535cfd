"""Having an offer made by the shop's platform, just before the message that carries it leaves. Never in a transaction.

What is about to be asked for is committed first (`making`), what came of it afterwards. A code is always the same for
the same purpose, so a try whose end nobody saw is repeated; store credit is not, since it would be given twice.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from time import monotonic

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Retryable
from plugin.domain import offers as rules
from plugin.domain.flows import STEPS, State
from plugin.domain.outcomes import backoff
from plugin.domain.zones import zone_for
from plugin.platforms.shopify.errors import AccessDenied, AdminError, Throttled, Unavailable, UserErrors
from plugin.platforms.shopify.offers import SCOPES, Ask, NotOurs, make
from plugin.services.admin_api import admin
from plugin.services.context import Context
from plugin.services.desk import lay_out
from plugin.services.keeping_out import will_keep_out
from plugin.services.leave import Go, decide
from plugin.services.offer_rules import choice_for
from plugin.services.shop_tokens import NoToken
from plugin.services.time_limit import within
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.upserts import add_missing
from schemas.offers import STORE_CREDIT, Give

LIMIT = 5.0  # seconds for which the platform is waited for, and a batch of messages for all its offers together
REST = 60.0  # seconds for which the platform of a shop is left alone after it did not answer
PATIENCE = timedelta(hours=2)  # business time for which a message waits for its offer; then it goes without
PROMISED, EARNED, WAITING, MAKING, MADE, REFUSED, UNKNOWN = (
    "promised", "earned", "waiting", "making", "made", "refused", "unknown"
)  # fmt: skip
OPEN = frozenset({EARNED, WAITING, MAKING})  # still to be made
NO_ANSWER = "Shopify did not answer in time"
END_OF_DAY = time(23, 59, 59)
LOST = "outcome unknown: it may have been given, and is not given again"

log = logging.getLogger(__name__)


@dataclass
class Offering:
    """What a worker remembers of platforms that are slow. `left`: seconds that this batch may yet wait."""

    left: float = LIMIT
    resting: dict[int, float] = field(default_factory=dict)  # shop -> monotonic() until which it is left alone

    def begin_batch(self) -> None:
        self.left = LIMIT

    def rests(self, shop_id: int) -> bool:
        return monotonic() < self.resting.get(shop_id, 0.0)


class NoTimeLeft(Exception):
    """The batch has waited long enough for its offers: the message goes with the next one."""


def giving(ctx: Context, ids: Collection[int]) -> set[int]:
    """Which of these messages may have to have an offer made before they leave. One query, mostly of nothing."""
    with ctx.database.reading() as session:
        found = session.execute(
            select(Message.id, Message.step, Shop.settings)
            .join(Shop, Shop.id == Message.shop_id)
            .where(Message.id.in_(ids), Message.step.in_(rules.MAKES))
        )
        return {
            id_ for id_, step, told in found if step == rules.REWARD or (told.get("offers") or {}).get("enabled")
        }


def before_leaving(ctx: Context, id_: int, token: str, offering: Offering) -> None:
    """Have the offer of this claimed message made, if it is to carry one. Returns when the message may be written.

    Raises Retryable (put the message off: the offer may come yet) and NoTimeLeft.
    """
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        message = session.scalar(
            select(Message).where(Message.id == id_, Message.claim_token == token, Message.state == State.QUEUED)
        )
        wanted = _wanted(session, message, now) if message else None
    if message is None or wanted is None:
        return
    if offering.left <= 0:
        raise NoTimeLeft
    offer = _written_down(ctx, message, wanted, now)
    if offer.state not in OPEN:
        return
    if offering.rests(message.shop_id):
        trouble: str | None = NO_ANSWER
    else:
        begun = monotonic()
        trouble = attempt(ctx, offer.id, min(LIMIT, offering.left))
        offering.left -= monotonic() - begun
        if trouble is not None:
            offering.resting[message.shop_id] = monotonic() + REST
    if trouble is None:
        return
    if _may_wait(message, offer, now):
        raise Retryable(f"the offer in it is not made yet: {trouble}")
    _settle(ctx, offer.id, REFUSED, f"{trouble}, for too long")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """`give` None: there is a row already, whatever the rules say by now."""

    purpose: str
    tier: str
    give: Give | None


def _wanted(session: Session, message: Message, now: datetime) -> _Wanted | None:
    """What the message is to offer; None when it may not leave now, may not sell, or the rules give nothing.

    A reward was promised: it is made whatever the rules say by now.
    """
    desk = lay_out(session, [message])
    shop, order = desk.shops[message.shop_id], desk.orders[message.order_id]
    settings = desk.settings_of(shop)
    verdict = decide(desk, shop, settings, order, message, now)
    if not isinstance(verdict, Go) or will_keep_out(session, shop, settings, message):
        return None
    what_for = rules.purpose(message.step, order.platform_id)
    if find(session, shop.id, what_for) is not None:
        return _Wanted(what_for, "", None)
    if message.step == rules.REWARD or not verdict.sells:
        return None
    choice = choice_for(session, shop, settings, order)
    if choice.give is None or shop.currency is None:
        return None
    return _Wanted(what_for, choice.tier, choice.give)


def find(session: Session, shop_id: int, what_for: str) -> Offer | None:
    return session.scalar(select(Offer).where(Offer.shop_id == shop_id, Offer.purpose == what_for))


def _written_down(ctx: Context, message: Message, wanted: _Wanted, now: datetime) -> Offer:
    with ctx.database.transaction() as session:
        if wanted.give is not None:
            shop = session.get_one(Shop, message.shop_id)
            row = row_of(ctx, shop, message.order_id, wanted.purpose, wanted.tier, wanted.give, now)
            add_missing(session, Offer, [row | {"state": WAITING}], ["shop_id", "purpose"])
        offer = find(session, message.shop_id, wanted.purpose)
        assert offer is not None
        return offer


def row_of(
    ctx: Context, shop: Shop, order_id: int, what_for: str, tier: str, give: Give, now: datetime
) -> dict[str, object]:
    """A new offer's columns, but for its state."""
    code = None
    if give.kind != STORE_CREDIT:
        code = rules.code_for(ctx.settings.secret_key, shop.code, what_for, give.kind)
    return {
        "shop_id": shop.id, "order_id": order_id, "purpose": what_for, "tier": tier, "kind": give.kind,
        "minor": give.minor, "percent": give.percent, "currency": shop.currency or "", "days": give.days,
        "minimum_minor": give.minimum_minor, "code": code, "asked_at": now, "attempts": 0,
    }  # fmt: skip


def _may_wait(message: Message, offer: Offer, now: datetime) -> bool:
    """Whether another try would come in time: within the patience, and before the message is too late to go at all.

    A reward's message is of no use without it.
    """
    again = now + backoff(message.attempts + 1)
    stale_at = message.due_at + STEPS[message.step].stale_after if message.due_at else again
    patience = timedelta.max if message.step == rules.REWARD else PATIENCE
    return again <= stale_at and again - offer.asked_at <= patience


def attempt(ctx: Context, offer_id: int, seconds: float) -> str | None:
    """Ask the platform once. None: it is settled, made or not; else why it may be tried again."""
    ask = _begin(ctx, offer_id)
    if ask is None:
        return None
    shop_id, wanted = ask
    try:
        made = within(seconds, lambda: make(admin(ctx, shop_id, patience=0), wanted))
    except (Throttled, Unavailable) as exc:
        if wanted.kind == STORE_CREDIT and isinstance(exc, Unavailable) and exc.unknown:
            _settle(ctx, offer_id, UNKNOWN, LOST)
            return None
        log.info("offer_put_off", extra={"shop": shop_id, "kind": type(exc).__name__})
        _settle(ctx, offer_id, WAITING, str(exc))
        return str(exc)
    except (AdminError, NoToken, NotOurs) as exc:
        log.warning("offer_refused", extra={"shop": shop_id, "kind": type(exc).__name__})
        _settle(ctx, offer_id, REFUSED, _plainly(exc, wanted.kind))
        return None
    with ctx.database.transaction() as session:
        offer = session.get_one(Offer, offer_id, with_for_update=True)
        offer.state, offer.reason, offer.platform_id = MADE, None, (made.platform_id or "")[:120] or None
        offer.made_at, offer.expires_at = ctx.clock.now(), made.ends_at
    return None


def _begin(ctx: Context, offer_id: int) -> tuple[int, Ask] | None:
    """Commit that it is being asked for. None when nothing is to be asked."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        offer = session.get_one(Offer, offer_id, with_for_update=True)
        if offer.state not in OPEN:
            return None
        order = session.get_one(Order, offer.order_id)
        ref = session.scalar(select(Customer.platform_id).where(Customer.id == order.customer_id))
        if offer.kind == STORE_CREDIT and offer.state == MAKING:
            offer.state, offer.reason = UNKNOWN, LOST
            return None
        if order.redacted_at or (offer.kind == STORE_CREDIT and ref is None):
            offer.state, offer.reason = REFUSED, "there is no customer to give it to"
            return None
        offer.state, offer.attempts = MAKING, offer.attempts + 1
        return offer.shop_id, Ask(
            kind=offer.kind, code=offer.code, minor=offer.minor, percent=offer.percent, currency=offer.currency,
            minimum_minor=offer.minimum_minor, customer_ref=ref, starts_at=now,
            ends_at=_end_of_day(now + timedelta(days=offer.days), order, session.get_one(Shop, offer.shop_id)),
        )  # fmt: skip


def _end_of_day(moment: datetime, order: Order, shop: Shop) -> datetime:
    """The customer is told a day, and may use it till the end of that day where they live."""
    zone = zone_for(order.country_code, shop.timezone)
    return datetime.combine(moment.astimezone(zone).date(), END_OF_DAY, zone).astimezone(UTC)


def _settle(ctx: Context, offer_id: int, state: str, reason: str) -> None:
    with ctx.database.transaction() as session:
        offer = session.get_one(Offer, offer_id, with_for_update=True)
        if offer.state in OPEN:
            offer.state, offer.reason = state, reason[:300]


def _plainly(exc: Exception, kind: str) -> str:
    if isinstance(exc, NoToken):
        return "Dasi has no access to the shop: open the app once in Shopify"
    if isinstance(exc, AccessDenied):
        return f"the shop has not given Dasi the permission {SCOPES[kind]}"
    if isinstance(exc, NotOurs):
        return "another discount of the shop has this code"
    if isinstance(exc, UserErrors):
        return f"Shopify refused it: {exc}"
    return f"Shopify did not make it: {exc}"
