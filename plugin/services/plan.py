"""Plans orders anew and brings the calendar in line, inside the transaction of the facts it follows from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from plugin.domain.delivery_estimate import LEARN_FROM, expected_duration
from plugin.domain.flows import STEPS, YOU_TOLD_US, State, check_transition
from plugin.domain.reconcile import Changes, reconcile
from plugin.domain.timeline import Planned, plan
from plugin.services import histories
from plugin.services.context import Context
from plugin.services.restored import before_restore
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

CAMPAIGN = timedelta(days=120)  # no order's messages reach further than this behind its placing
AT_ONCE = 500  # orders planned with one set of queries
_TABLE = cast(Table, Message.__table__)
DURATIONS = 2000  # newest deliveries that an estimate is learned from: with more, the prior has no weight left


def keep_shops(session: Session, shop_ids: Collection[int]) -> list[Shop]:
    """These shops as they are now, kept so until we commit: whoever changes one waits for the plans under way.

    Taken before any lock on customers and orders. What does not change the plan (a shop's name) waits for nobody.
    """
    found = select(Shop).where(Shop.id.in_(shop_ids)).order_by(Shop.id).execution_options(populate_existing=True)
    return list(session.scalars(found.with_for_update(read=True, key_share=True)))


def lock_orders(session: Session, order_ids: Iterable[int]) -> None:
    """Take the locks under which these orders are planned: the shops', the customers', their own, each in key order."""
    ids = sorted(set(order_ids))
    keep_shops(session, session.scalars(select(Order.shop_id).where(Order.id.in_(ids)).distinct()).all())
    for _ in range(5):
        known = set(session.scalars(select(Order.customer_id).where(Order.id.in_(ids), Order.customer_id.is_not(None))))
        session.execute(select(Customer.id).where(Customer.id.in_(known)).order_by(Customer.id).with_for_update())
        locked = session.scalars(
            select(Order).where(Order.id.in_(ids)).order_by(Order.id).with_for_update()
            .execution_options(populate_existing=True)
        ).all()  # fmt: skip
        if {order.customer_id for order in locked if order.customer_id} <= known:
            return
    raise RuntimeError("an order keeps changing its customer")


def replan(session: Session, ctx: Context, order_ids: Collection[int]) -> None:
    """Plan these orders and their customers' other recent orders, whose locks the caller holds. Does not commit."""
    session.flush()
    rows = session.scalars(select(Order).where(Order.id.in_(list(order_ids)))).all()
    customer_ids = {row.customer_id for row in rows if row.customer_id}
    for shop_id in sorted({row.shop_id for row in rows}):
        shop = session.get_one(Shop, shop_id)
        ids = {row.id for row in rows if row.shop_id == shop_id}
        plan_orders(session, ctx, shop, ids | recent_orders(session, ctx, shop, customers=customer_ids))


def recent_orders(
    session: Session, ctx: Context, shop: Shop, *, customers: Collection[int] = (), addresses: Collection[str] = ()
) -> set[int]:
    """Orders of these customers, or written to these addresses, that may still have something to send."""
    conditions: list[ColumnElement[bool]] = []
    if customers:
        conditions.append(Order.customer_id.in_(customers))
    if addresses:
        conditions.append(Order.address.in_(addresses))
    since = ctx.clock.now() - CAMPAIGN
    # What was mended may be told much later; the customers' own messages are few, and on an index.
    told_later = select(Message.order_id).where(Message.customer_id.in_(customers), Message.step == YOU_TOLD_US)
    recent = Order.placed_at >= since
    found: set[int] = set()
    for condition in conditions:
        late = or_(recent, Order.id.in_(told_later)) if customers else recent
        found |= set(session.scalars(select(Order.id).where(Order.shop_id == shop.id, condition, late)))
    return found


def plan_orders(session: Session, ctx: Context, shop: Shop, order_ids: Collection[int]) -> None:
    """Recompute and reconcile exactly these orders, whose locks the caller holds."""
    session.flush()
    settings, now = load_settings(shop.settings), ctx.clock.now()
    ids = sorted(order_ids)
    for start in range(0, len(ids), AT_ONCE):
        rows = session.scalars(
            select(Order).where(
                Order.shop_id == shop.id,
                Order.id.in_(ids[start : start + AT_ONCE]),
                Order.version.is_not(None),
                Order.archived_at.is_(None),  # its messages are in the archive: a plan would make them anew
            )
        ).all()
        _fix_estimates(session, shop, settings, rows, now)
        changes = []
        for planning in histories.read(session, shop, rows):
            planned = plan(settings, planning.history)
            changes.append((planning.order, reconcile(planning.stored, planned, now)))
        _apply(session, changes)
        before_restore(session, shop, ids[start : start + AT_ONCE])


def _fix_estimates(
    session: Session, shop: Shop, settings: ShopSettings, rows: Collection[Order], now: datetime
) -> None:
    """Give each parcel its expected delivery when it is first planned; it does not move afterwards."""
    by_id = {row.id: row for row in rows}
    parcels = session.scalars(
        select(Parcel).where(Parcel.order_id.in_(by_id), Parcel.estimated_at.is_(None), Parcel.shipped_at.is_not(None))
    ).all()
    learned: dict[tuple[str | None, str | None], timedelta] = {}
    for parcel in parcels:
        parcel.country_code = by_id[parcel.order_id].country_code
        key = parcel.carrier, parcel.country_code
        if key not in learned:
            learned[key] = learned_duration(session, shop.id, settings, now, *key)
        assert parcel.shipped_at is not None
        parcel.estimated_at = parcel.shipped_at + learned[key]
    session.flush()


def learned_duration(
    session: Session,
    shop_id: int,
    settings: ShopSettings,
    now: datetime,
    carrier: str | None,
    country_code: str | None,
) -> timedelta:
    """From shipping to delivery, by what this carrier did in this country in the last 90 days."""
    if carrier is None:
        return expected_duration((), settings.delivery_days)
    rows = session.execute(
        select(Parcel.shipped_at, Parcel.delivered_at)
        .where(
            Parcel.shop_id == shop_id,
            Parcel.carrier == carrier,
            Parcel.country_code == country_code if country_code else Parcel.country_code.is_(None),
            Parcel.delivered_at > now - LEARN_FROM,
        )
        .order_by(Parcel.delivered_at.desc())
        .limit(DURATIONS)
    )
    durations = [delivered - shipped for shipped, delivered in rows if shipped and delivered and delivered >= shipped]
    return expected_duration(durations, settings.delivery_days)


def _apply(session: Session, changes: Iterable[tuple[Order, Changes]]) -> None:
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    removed: list[int] = []
    for order, change in changes:
        added += [_new_row(order, message) for message in change.add]
        removed += [row.id for row in change.remove]
        for row, message in change.change:
            check_transition(row.state, message.state)
            changed.append({"row": row.id, **_plan_values(message)})
    if added:
        session.execute(insert(Message), added)
    if changed:
        values: dict[str, Any] = {name: bindparam(name) for name in changed[0] if name != "row"}
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("row")).values(values)
        session.connection().execute(statement, changed)  # one statement, many rows; the ORM's objects are not asked
    if removed:
        session.execute(delete(Message).where(Message.id.in_(removed)))


def _new_row(order: Order, message: Planned) -> dict[str, Any]:
    return {
        "shop_id": order.shop_id,
        "order_id": order.id,
        "customer_id": order.customer_id,
        "flow": STEPS[message.step].flow,
        "step": message.step,
        "subject": message.subject,
        "channel": "email",
        "copy": message.copy,
        "message_class": message.message_class,
        "attempts": 0,
        **_plan_values(message),
    }


def _plan_values(message: Planned) -> dict[str, Any]:
    """What the plan decides. A message that moved starts afresh: no claim, no deferral."""
    return {
        "state": message.state,
        "reason": message.reason,
        "due_at": message.due_at,
        "ready_at": message.due_at if message.state is State.PLANNED else None,
        "parcels": list(message.parcels),
        "estimated": message.estimated,
        "claim_token": None,
        "lease_until": None,
    }
