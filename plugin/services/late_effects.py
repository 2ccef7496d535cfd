"""What edited settings will do when messages are about to leave: quiet hours, the cap, the language, the delivery time.

These move nothing in the calendar, so planning anew does not show them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from plugin.domain.flows import STEPS, MessageClass, State
from plugin.domain.windows import capped_until, quiet_until
from plugin.domain.zones import zone_for
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import Cap, QuietHours, ShopSettings

MOST = 10_000  # messages of a step, those due first; and sent ones that count for the cap
_GENTLE = tuple(step.name for step in STEPS.values() if step.message_class is not MessageClass.TRANSACTIONAL)
_Due = Row[Any, Any, Any, Any]  # customer, due_at, country, locale


@dataclass(frozen=True, slots=True)
class LateEffects:
    """Numbers of planned messages. `quiet`: will wait for the end of quiet hours and did not before; `free`: the other
    way round. `capped`: the cap will put off. `language`: their order names no language, so they change theirs.

    `unshipped`: orders whose parcels will be expected after the new delivery time; `expected`: parcels under way, which
    keep the day that was worked out for them.
    """

    quiet: int = 0
    free: int = 0
    capped: int = 0
    language: int = 0
    unshipped: int = 0
    expected: int = 0

    @property
    def total(self) -> int:
        return self.quiet + self.free + self.capped + self.language + self.unshipped + self.expected


def late_effects(
    session: Session, shop: Shop, before: ShopSettings, after: ShopSettings, now: datetime
) -> LateEffects:
    """Of the change from one to the other; nothing is read for what stays as it is."""
    quiet = free = capped = language = unshipped = expected = 0
    if (before.quiet_hours, before.cap) != (after.quiet_hours, after.cap):
        dues = [row for step in _GENTLE for row in _planned(session, shop, step)]
        if before.quiet_hours != after.quiet_hours:
            quiet, free = _quiet(shop, dues, before.quiet_hours, after.quiet_hours, now)
        if after.cap and before.cap != after.cap:
            capped = _capped(session, shop, dues, after.cap, now)
    if _language(before, shop) != _language(after, shop):
        language = sum(not row.locale for step in STEPS for row in _planned(session, shop, step))
    if before.delivery_days != after.delivery_days:
        m = Message
        delivered = select(func.count()).where(m.shop_id == shop.id, m.step == "delivered")
        unshipped = session.scalar(delivered.where(m.state == State.WAITING)) or 0
        expected = session.scalar(delivered.where(m.state == State.PLANNED, m.estimated)) or 0
    return LateEffects(quiet, free, capped, language, unshipped, expected)


def _planned(session: Session, shop: Shop, step: str) -> list[_Due]:
    m, o = Message, Order
    rows = (
        select(m.customer_id, m.due_at, o.country_code, o.locale)
        .join(o, o.id == m.order_id)
        .where(m.shop_id == shop.id, m.step == step, m.state == State.PLANNED, m.due_at.is_not(None))
    )
    return list(session.execute(rows.order_by(m.ready_at).limit(MOST)))


def _quiet(
    shop: Shop, dues: list[_Due], before: QuietHours | None, after: QuietHours | None, now: datetime
) -> tuple[int, int]:
    quiet = free = 0
    for _, due_at, country, _ in dues:
        zone, at = zone_for(country, shop.timezone), max(due_at, now)
        held = bool(before and quiet_until(at, before, zone))
        holds = bool(after and quiet_until(at, after, zone))
        quiet += holds and not held
        free += held and not holds
    return quiet, free


def _capped(session: Session, shop: Shop, dues: list[_Due], cap: Cap, now: datetime) -> int:
    """Each customer's messages in the order of their dates, on top of what was sent to them lately."""
    m = Message
    sent = session.execute(
        select(m.customer_id, m.sent_at)
        .where(m.shop_id == shop.id, m.sent_at > now - timedelta(days=cap.days), m.step.in_(_GENTLE))
        .order_by(m.sent_at.desc())
        .limit(MOST)
    )
    left: defaultdict[int, list[datetime]] = defaultdict(list)
    for customer_id, at in sent:
        if customer_id and at:
            left[customer_id].append(at)
    put_off = 0
    for customer_id, due_at, _, _ in sorted(dues, key=lambda row: row.due_at):
        if customer_id:
            at = max(due_at, now)
            until = capped_until(at, cap, left[customer_id])
            put_off += until is not None
            left[customer_id].append(until or at)
    return put_off


def _language(settings: ShopSettings, shop: Shop) -> str:
    """Of messages whose order names none."""
    return (settings.language or shop.locale or "en")[:2].lower()
