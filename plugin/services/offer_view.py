"""What was offered, what came of it, and what stands in the way of the rules: for the page and the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.domain.offers import below_floor
from plugin.platforms.shopify.offers import SCOPES
from plugin.services.context import Context
from plugin.services.offer_making import MADE, OPEN, PROMISED, REFUSED, UNKNOWN
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order
from plugin.store.models.platform import ShopToken
from plugin.store.models.shops import Shop
from schemas.offers import Give, OfferRules

PAGE = 50
DAYS = 90
ATTENTION = timedelta(days=7)
GIVES = ("first_below", "gift", "repeat", "reward")  # the rules' parts that give something


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLine:
    """One offer. `redeemed_by`: the name of the order that used its code; `brought_minor`: that order's total."""

    id: int
    order_id: int
    order_name: str
    tier: str
    kind: str
    minor: int | None
    percent: int | None
    currency: str
    minimum_minor: int | None
    code: str | None
    state: str
    reason: str | None
    asked_at: datetime
    made_at: datetime | None
    expires_at: datetime | None
    redeemed_at: datetime | None
    redeemed_by: str | None
    redeemed_order_id: int | None
    brought_minor: int | None
    brought_currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSums:
    """Of the offers of the last 90 days. `revenue`: currency -> minor units of the orders that used a code."""

    promised: int = 0
    waiting: int = 0
    made: int = 0
    refused: int = 0
    unknown: int = 0
    redeemed: int = 0
    revenue: dict[str, int] = field(default_factory=dict)


def list_offers(session: Session, shop_id: int, before: int | None = None, limit: int = PAGE) -> list[OfferLine]:
    """The newest first, those older than the row `before`."""
    o, used = Offer, Order.__table__.alias("used")
    query = (
        select(o, Order.name, Order.platform_id, used.c.id, used.c.name, used.c.total_minor, used.c.currency)
        .join(Order, Order.id == o.order_id)
        .outerjoin(used, (used.c.shop_id == o.shop_id) & (used.c.platform_id == o.redeemed_order_id))
        .where(o.shop_id == shop_id)
        .order_by(o.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(o.id < before)
    return [
        OfferLine(
            id=row.id, order_id=row.order_id, order_name=name or ref, tier=row.tier, kind=row.kind, minor=row.minor,
            percent=row.percent, currency=row.currency, minimum_minor=row.minimum_minor, code=row.code,
            state=row.state, reason=row.reason, asked_at=row.asked_at, made_at=row.made_at, expires_at=row.expires_at,
            redeemed_at=row.redeemed_at, redeemed_by=by or row.redeemed_order_id, redeemed_order_id=by_id,
            brought_minor=total, brought_currency=currency,
        )
        for row, name, ref, by_id, by, total, currency in session.execute(query)
    ]  # fmt: skip


def sum_offers(session: Session, ctx: Context, shop_id: int) -> OfferSums:
    o, since = Offer, ctx.clock.now() - timedelta(days=DAYS)
    mine = (o.shop_id == shop_id, o.asked_at >= since)
    counts: dict[str, int] = {}
    redeemed = 0
    for state, count, used in session.execute(
        select(o.state, func.count(), func.count(o.redeemed_order_id)).where(*mine).group_by(o.state)
    ):
        counts[state], redeemed = count, redeemed + used
    brought = session.execute(
        select(Order.currency, func.sum(Order.total_minor))
        .join(o, (o.shop_id == Order.shop_id) & (o.redeemed_order_id == Order.platform_id))
        .where(*mine, Order.shop_id == shop_id)
        .group_by(Order.currency)
    )
    return OfferSums(
        promised=counts.get(PROMISED, 0), waiting=sum(counts.get(state, 0) for state in OPEN),
        made=counts.get(MADE, 0), refused=counts.get(REFUSED, 0), unknown=counts.get(UNKNOWN, 0), redeemed=redeemed,
        revenue={currency: int(total) for currency, total in brought if currency and total is not None},
    )  # fmt: skip


def refused_lately(session: Session, ctx: Context, shop_id: int, most: int) -> int:
    """Offers that were not made in the last week, or may not have been; a count that stops at `most`."""
    o = Offer
    since = ctx.clock.now() - ATTENTION
    bad = select(o.id).where(o.shop_id == shop_id, o.asked_at >= since, o.state.in_((REFUSED, UNKNOWN))).limit(most)
    return len(session.scalars(bad).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrances:
    """`scopes`: that the rules need and the shop has not given (empty while it is not known which it has).

    `too_dear`: parts of the rules whose offer is not made, because of the margin floor.
    """

    no_access: bool
    no_currency: bool
    scopes: tuple[str, ...]
    too_dear: tuple[str, ...]


def hindrances(session: Session, shop: Shop, rules: OfferRules) -> Hindrances:
    gives = given_by(rules)
    token = session.get(ShopToken, shop.id)
    needed = {SCOPES[give.kind] for give in gives.values()}
    return Hindrances(
        no_access=bool(gives) and (token is None or token.lapsed_at is not None),
        no_currency=bool(gives) and shop.currency is None,
        scopes=tuple(sorted(needed - set(shop.scopes))) if shop.scopes else (),
        too_dear=tuple(
            name for name, give in gives.items()
            if name in ("first_below", "repeat") and below_floor(give, rules.margin_percent, rules.floor_percent)
        ),
    )  # fmt: skip


def given_by(rules: OfferRules) -> dict[str, Give]:
    """What the rules in force give, by their part."""
    found = {name: getattr(rules, name) for name in GIVES}
    return {name: give for name, give in found.items() if give and (rules.enabled or name == "reward")}
