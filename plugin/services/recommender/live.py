"""What goes together, as the shop's purchases tell it this moment: for shops and products that no training has seen.

All queries are bounded in rows and run on an index, so that the cost does not grow with the shop's history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt

from sqlalchemy import BindParameter, Integer, bindparam, func, or_, select
from sqlalchemy.orm import Session

from plugin.services.recommender.candidates import CANDIDATES, MAX_UNWANTED, NEW, POPULAR, TOGETHER, Candidate
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.shops import Shop

MAX_SEEDS = 5
ORDERS = 300  # the latest, shared out among the seeds; on a shop's real year 100 suggest as well as 500
EACH = 24  # candidates of a seed
MIN_TOGETHER = 2  # orders: one is chance …
YOUNG = 10  # … but in a shop whose seed was bought so rarely it is all there is to learn from
SHRINK = 3.0  # orders of doubt: a pair seen c times counts c / (c + 3)
POPULAR_DAYS = 90
POPULAR_ROWS = 3000
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

# Made once: to put a statement together takes longer than to ask it.
_shop: BindParameter[int] = bindparam("shop")
_product: BindParameter[str] = bindparam("product")
_products_given: BindParameter[list[str]] = bindparam("products", expanding=True)
_orders = func.count().label("orders")
# Tests and what was called off teach nothing.
TEACHES = (
    Order.test.is_(False),
    Order.cancelled_at.is_(None),
    Order.deleted_at.is_(None),
    or_(Order.financial_status.is_(None), Order.financial_status.not_in(["voided", "expired"])),
)
# The latest orders that contain a product.
_ORDERS_WITH = (
    select(Purchase.order_id)
    .join(Order, Order.id == Purchase.order_id)
    .where(Purchase.shop_id == _shop, Purchase.product_id == _product, *TEACHES)
    .order_by(Purchase.placed_at.desc())
    .limit(bindparam("each", type_=Integer()))
)
# The orders are this shop's; asking their purchases for the shop too would leave the covering index.
_BOUGHT_WITH = (
    select(Purchase.product_id, _orders)
    .where(Purchase.order_id.in_(_ORDERS_WITH))
    .group_by(Purchase.product_id)
    .order_by(_orders.desc(), Purchase.product_id)
    .limit(bindparam("most", type_=Integer()))
)
_PLACED = (
    select(Purchase.placed_at)
    .where(Purchase.shop_id == _shop, Purchase.product_id == _product)
    .order_by(Purchase.placed_at.desc())
    .offset(bindparam("skipped", type_=Integer()))
    .limit(1)
)
_TOTALS = (
    select(Purchase.product_id, _orders)
    .where(Purchase.shop_id == _shop, Purchase.product_id.in_(_products_given))
    .where(Purchase.placed_at >= bindparam("since"))
    .group_by(Purchase.product_id)
)
_NEWEST_ORDER = select(func.max(Purchase.placed_at)).where(Purchase.shop_id == _shop)
_RECENT = (
    select(Purchase.product_id, Order.country_code)
    .join(Order, Order.id == Purchase.order_id)
    .where(Purchase.shop_id == _shop, Purchase.placed_at >= bindparam("since"), *TEACHES)
    .order_by(Purchase.placed_at.desc())
    .limit(bindparam("rows", type_=Integer()))
    .subquery()
)
_POPULAR = (
    select(_RECENT.c.product_id, _orders)
    .group_by(_RECENT.c.product_id)
    .order_by(_orders.desc(), _RECENT.c.product_id)
    .limit(bindparam("most", type_=Integer()))
)
_POPULAR_THERE = _POPULAR.where(_RECENT.c.country_code == bindparam("country"))
_NEWEST_PRODUCTS = (
    select(Product.platform_id)
    .where(Product.shop_id == _shop, Product.deleted.is_(False), Product.published.is_(True))
    .where(Product.in_stock.is_not(False))
    .order_by(Product.platform_id.desc())
    .limit(bindparam("most", type_=Integer()))
)


def together(session: Session, shop: Shop, seeds: Sequence[str], unwanted: Collection[str]) -> list[Candidate]:
    """What was bought with the first five seeds: a shrunk cosine, so that what everybody buys does not win."""
    seeds = seeds[:MAX_SEEDS]
    each = ORDERS // max(len(seeds), 1)
    pairs: dict[str, list[tuple[int, int, str]]] = {}  # candidate -> (orders with both, with the seed, the seed)
    for seed in seeds:
        most = EACH + 1 + min(len(unwanted), MAX_UNWANTED)
        told = session.execute(_BOUGHT_WITH, {"shop": shop.id, "product": seed, "each": each, "most": most})
        counts = {row.product_id: row.orders for row in told}
        of_seed = max(counts.values(), default=0)  # the seed is in every one of them
        least = 1 if of_seed <= YOUNG else MIN_TOGETHER
        good = [(other, both) for other, both in counts.items() if both >= least and other not in unwanted]
        for other, both in good[:EACH]:
            pairs.setdefault(other, []).append((both, of_seed, seed))
    totals = _totals(session, shop, pairs, _sampled_since(session, shop, seeds, each))
    found = []
    for other, seen in pairs.items():
        score = 0.0
        for both, of_seed, _ in seen:
            of_other = max(totals.get(other, 0), both)
            score += both / sqrt(of_seed * of_other) * both / (both + SHRINK)
        both, _, seed = max(seen, key=lambda told: told[0])
        found.append(Candidate(other, TOGETHER, both, score, seed))
    return found


def _sampled_since(session: Session, shop: Shop, seeds: Sequence[str], each: int) -> datetime | None:
    """When the oldest of the seeds' sampled orders was placed; None when they reach back to the beginning."""
    oldest: list[datetime] = []
    for seed in seeds:
        moment = session.execute(_PLACED, {"shop": shop.id, "product": seed, "skipped": each - 1}).scalar()
        if moment is None:
            return None
        oldest.append(moment)
    return min(oldest, default=None)


def _totals(session: Session, shop: Shop, product_ids: Collection[str], since: datetime | None) -> dict[str, int]:
    """How many orders contain each product, since a moment."""
    if not product_ids:
        return {}
    told = session.execute(_TOTALS, {"shop": shop.id, "products": list(product_ids), "since": since or _EVER})
    return {row.product_id: row.orders for row in told}


def popular(session: Session, shop: Shop, unwanted: Collection[str], country: str | None = None) -> list[Candidate]:
    """What was bought most in the 90 days before the shop's newest order, of at most 3,000 purchases; `country`: of
    those that went there."""
    newest = session.execute(_NEWEST_ORDER, {"shop": shop.id}).scalar()
    if newest is None:
        return []
    most = CANDIDATES + min(len(unwanted), MAX_UNWANTED)
    since = newest - timedelta(days=POPULAR_DAYS)
    values = {"shop": shop.id, "since": since, "rows": POPULAR_ROWS, "most": most}
    query = _POPULAR_THERE if country else _POPULAR
    told = session.execute(query, {**values, "country": country} if country else values)
    good = [(product_id, buyers) for product_id, buyers in told if product_id not in unwanted]
    return [Candidate(product_id, POPULAR, buyers, buyers) for product_id, buyers in good[:CANDIDATES]]


def newest(session: Session, shop: Shop, unwanted: Collection[str]) -> list[Candidate]:
    """The catalogue's newest: platforms number their products one after the other."""
    most = CANDIDATES + min(len(unwanted), MAX_UNWANTED)
    rows = session.execute(_NEWEST_PRODUCTS, {"shop": shop.id, "most": most}).scalars()
    good = [product_id for product_id in rows if product_id not in unwanted]
    return [Candidate(product_id, NEW, 0, 1 / (1 + place)) for place, product_id in enumerate(good[:CANDIDATES])]
