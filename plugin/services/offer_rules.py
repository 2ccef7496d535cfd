"""The shop's rules applied to one customer, and the median order that they compare with."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from plugin.domain.offers import FEWEST, Buyer, Choice, choose
from plugin.services.context import Context
from plugin.services.facts.orders import CALLED_OFF
from plugin.store.models.offers import OrderMedian
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for
from schemas.events import Money
from schemas.settings import ShopSettings

RECENT = timedelta(days=180)  # of which orders the median is taken
MOST = 5000  # newest orders that are looked at
FRESH = timedelta(hours=20)  # a median that is younger is left as it is


def choice_for(session: Session, shop: Shop, settings: ShopSettings, order: Order) -> Choice:
    """What the rules say of the customer who placed this order, by what they bought before it."""
    spent = Money(order.total_minor, order.currency) if order.total_minor is not None and order.currency else None
    buyer = Buyer(
        bought_before=_bought_before(session, shop, order),
        spent=spent,
        median_minor=_median(session, shop, spent.currency) if spent else None,
        own_currency=spent is not None and spent.currency == shop.currency,
    )
    return choose(settings.offers, buyer)


def _bought_before(session: Session, shop: Shop, order: Order) -> bool:
    """A guest is known by the address."""
    o = Order
    if order.customer_id:
        who = o.customer_id == order.customer_id
    elif order.address:
        who = o.address == order.address
    else:
        return False
    earlier = select(o.id).where(o.shop_id == shop.id, who, o.placed_at < order.placed_at, *_counting()).limit(1)
    return session.scalar(earlier) is not None


def _counting() -> tuple[ColumnElement[bool], ...]:
    o = Order
    return (
        o.test.is_(False), o.cancelled_at.is_(None), o.deleted_at.is_(None),
        or_(o.financial_status.is_(None), o.financial_status.not_in(CALLED_OFF)),
    )  # fmt: skip


def _median(session: Session, shop: Shop, currency: str) -> int | None:
    """As last counted. None before that, and of a shop with too few orders."""
    found = session.get(OrderMedian, (shop.id, currency))
    return found.median_minor if found and found.orders >= FEWEST else None


def count_medians(session: Session, shop_id: int, now: datetime) -> None:
    """Count the shop's medians anew, by currency, from its newest orders. Does not commit."""
    o = Order
    recent = (
        select(o.currency, o.total_minor)
        .where(o.shop_id == shop_id, o.placed_at >= now - RECENT, o.total_minor.is_not(None), *_counting())
        .order_by(o.placed_at.desc())
        .limit(MOST)
    )
    totals: dict[str, list[int]] = {}
    for currency, minor in session.execute(recent):
        if currency and minor is not None:
            totals.setdefault(currency, []).append(minor)
    session.execute(delete(OrderMedian).where(OrderMedian.shop_id == shop_id, OrderMedian.currency.not_in(totals)))
    for currency, minors in sorted(totals.items()):
        values = {"median_minor": int(statistics.median(minors)), "orders": len(minors), "counted_at": now}
        row = insert_for(session, OrderMedian).values(shop_id=shop_id, currency=currency, **values)
        session.execute(row.on_conflict_do_update(index_elements=["shop_id", "currency"], set_=values))


def refresh_medians(ctx: Context) -> int:
    """Those of every shop whose rules are in force, once a day; each in a transaction of its own. Returns how many."""
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        counted = select(OrderMedian.shop_id, func.max(OrderMedian.counted_at)).group_by(OrderMedian.shop_id)
        when = {shop_id: at for shop_id, at in session.execute(counted)}  # noqa: C416 (dict() of rows is not typed)
        shops = session.execute(select(Shop.id, Shop.settings).where(Shop.uninstalled_at.is_(None)))
        offering = [id_ for id_, told in shops if (told.get("offers") or {}).get("enabled")]
    due = [id_ for id_ in offering if id_ not in when or now - when[id_] >= FRESH]
    for shop_id in due:
        with ctx.database.transaction() as session:
            count_medians(session, shop_id, now)
    return len(due)


def own_median(session: Session, shop: Shop) -> int | None:
    """In the shop's own currency, for the page of the rules."""
    return _median(session, shop, shop.currency) if shop.currency else None
