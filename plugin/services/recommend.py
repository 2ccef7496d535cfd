"""Products that go together, learned from the shop's own purchases. Everything here only reads.

Three sources, one after the other until there are enough: what was bought together with the seeds, what was popular
lately, what is new. Within each, products of a seed's own collection (its product type) come first. All queries are
bounded in rows and run on an index, so that the cost does not grow with the shop's history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from urllib.parse import quote, quote_plus

from sqlalchemy import BindParameter, Integer, bindparam, func, select
from sqlalchemy.orm import Session

from plugin.services.ratings import ratings
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.shops import Shop
from schemas.events import Money
from schemas.fields import clean_text, web_url
from schemas.money import in_currency

TOGETHER, POPULAR, NEW = "together", "popular", "new"

MAX_SEEDS = 5
ORDERS = 300  # the latest, shared out among the seeds; on a shop's real year 100 suggest as well as 500
CANDIDATES = 24  # of each source: enough to lose some to stock and still fill a mail
MIN_TOGETHER = 2  # orders: one is chance …
YOUNG = 10  # … but in a shop whose seed was bought so rarely it is all there is to learn from
SHRINK = 3.0  # orders of doubt: a pair seen c times counts c / (c + 3)
SAME_VENDOR = 1.15  # tips the scales between near ties
POPULAR_DAYS = 90
POPULAR_ROWS = 3000
MAX_UNWANTED = 500  # rows read to make up for what is excluded


_EVER = datetime(1970, 1, 1, tzinfo=UTC)

# Made once: to put a statement together takes longer than to ask it.
_shop: BindParameter[int] = bindparam("shop")
_product: BindParameter[str] = bindparam("product")
_products_given: BindParameter[list[str]] = bindparam("products", expanding=True)
_orders = func.count().label("orders")
# The latest orders that contain a product; test orders teach nothing.
_ORDERS_WITH = (
    select(Purchase.order_id)
    .join(Order, Order.id == Purchase.order_id)
    .where(Purchase.shop_id == _shop, Purchase.product_id == _product, Order.test.is_(False))
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
    select(Purchase.product_id)
    .where(Purchase.shop_id == _shop, Purchase.placed_at >= bindparam("since"))
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
_NEWEST_PRODUCTS = (
    select(Product.platform_id)
    .where(Product.shop_id == _shop, Product.deleted.is_(False), Product.published.is_(True))
    .where(Product.in_stock.is_not(False))
    .order_by(Product.platform_id.desc())
    .limit(bindparam("most", type_=Integer()))
)
_PRODUCTS = select(Product).where(Product.shop_id == _shop, Product.platform_id.in_(_products_given))
_LAST_PURCHASE = (
    select(Purchase.title, Purchase.price_minor, Purchase.currency)
    .where(Purchase.shop_id == _shop, Purchase.product_id == _product)
    .order_by(Purchase.placed_at.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A product to suggest. `reason`: together, popular or new; `buyers`: the orders that speak for it, 0 when new.

    `rating` is the mean satisfaction (1 to 5) of `rating_count` survey answers, None with fewer than 3 of them.
    """

    product_id: str
    title: str
    url: str
    image_url: str | None
    price: Money | None
    buyers: int
    reason: str
    rating: float | None = None
    rating_count: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    product_id: str
    reason: str
    buyers: int
    score: float


def recommend(
    session: Session, shop: Shop, *, exclude: Collection[str], seeds: Sequence[str], limit: int = 4, rate: bool = True
) -> list[Recommendation]:
    """At most `limit` products that go with `seeds` (the products of an order, most telling first), best first.

    `exclude`: platform ids never to suggest, e.g. all that the customer has; the seeds are excluded anyway. Neither are
    deleted, unpublished or sold-out products suggested; one that the catalogue never told of counts as available.
    The first of many are the same as if fewer had been asked for. `rate` False: `rated` is left to the caller.
    """
    seeds = list(dict.fromkeys(seeds))
    unwanted = {*exclude, *seeds}
    seeds = seeds[:MAX_SEEDS]
    known = _products(session, shop, seeds)
    kinds = {_folded(product.product_type) for product in known.values()} - {""}
    vendors = {_folded(product.vendor) for product in known.values()} - {""}

    def rank(one: _Candidate) -> tuple[bool, float]:
        product = known.get(one.product_id)
        same_kind = product is not None and _folded(product.product_type) in kinds
        same_vendor = product is not None and _folded(product.vendor) in vendors
        return not same_kind, -one.score * (SAME_VENDOR if same_vendor else 1)

    chosen: list[Recommendation] = []
    for source in (_together, _popular, _newest):
        found = source(session, shop, seeds, unwanted)
        known |= _products(session, shop, [one.product_id for one in found])
        for one in sorted(found, key=rank):
            unwanted.add(one.product_id)
            made = _described(session, shop, one, known.get(one.product_id))
            if made is not None:
                chosen.append(made)
            if len(chosen) >= limit:
                break
        if len(chosen) >= limit:
            break
    return rated(chosen, ratings(session, shop, [one.product_id for one in chosen])) if rate else chosen


def _together(session: Session, shop: Shop, seeds: Sequence[str], unwanted: Collection[str]) -> list[_Candidate]:
    """What was bought with the seeds: the cosine of the pair, so that what everybody buys does not win, shrunk."""
    each = ORDERS // max(len(seeds), 1)
    pairs: dict[str, list[tuple[int, int]]] = {}  # candidate -> (orders with both, orders with the seed)
    for seed in seeds:
        most = CANDIDATES + 1 + min(len(unwanted), MAX_UNWANTED)
        told = session.execute(_BOUGHT_WITH, {"shop": shop.id, "product": seed, "each": each, "most": most})
        counts = {row.product_id: row.orders for row in told}
        of_seed = max(counts.values(), default=0)  # the seed is in every one of them
        least = 1 if of_seed <= YOUNG else MIN_TOGETHER
        good = [(other, both) for other, both in counts.items() if both >= least and other not in unwanted]
        for other, both in good[:CANDIDATES]:
            pairs.setdefault(other, []).append((both, of_seed))
    totals = _totals(session, shop, pairs, _sampled_since(session, shop, seeds, each))
    found = []
    for other, seen in pairs.items():
        score = 0.0
        for both, of_seed in seen:
            of_other = max(totals.get(other, 0), both)
            score += both / sqrt(of_seed * of_other) * both / (both + SHRINK)
        found.append(_Candidate(other, TOGETHER, max(both for both, _ in seen), score))
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


def _popular(session: Session, shop: Shop, seeds: Sequence[str], unwanted: Collection[str]) -> list[_Candidate]:
    """What was bought most in the 90 days before the shop's newest order, of at most 3,000 purchases."""
    newest = session.execute(_NEWEST_ORDER, {"shop": shop.id}).scalar()
    if newest is None:
        return []
    most = CANDIDATES + min(len(unwanted), MAX_UNWANTED)
    told = session.execute(
        _POPULAR, {"shop": shop.id, "since": newest - timedelta(days=POPULAR_DAYS), "rows": POPULAR_ROWS, "most": most}
    )
    good = [(product_id, buyers) for product_id, buyers in told if product_id not in unwanted]
    return [_Candidate(product_id, POPULAR, buyers, buyers) for product_id, buyers in good[:CANDIDATES]]


def _newest(session: Session, shop: Shop, seeds: Sequence[str], unwanted: Collection[str]) -> list[_Candidate]:
    """The catalogue's newest: platforms number their products one after the other."""
    most = CANDIDATES + min(len(unwanted), MAX_UNWANTED)
    rows = session.execute(_NEWEST_PRODUCTS, {"shop": shop.id, "most": most}).scalars()
    good = [product_id for product_id in rows if product_id not in unwanted]
    return [_Candidate(product_id, NEW, 0, 1 / (1 + place)) for place, product_id in enumerate(good[:CANDIDATES])]


def _products(session: Session, shop: Shop, product_ids: Collection[str]) -> dict[str, Product]:
    if not product_ids:
        return {}
    told = session.execute(_PRODUCTS, {"shop": shop.id, "products": list(product_ids)})
    return {product.platform_id: product for product in told.scalars()}


def _described(session: Session, shop: Shop, one: _Candidate, product: Product | None) -> Recommendation | None:
    """A candidate as the customer sees it; None when it cannot be bought or has no name."""
    if product is None:
        return _as_last_bought(session, shop, one)
    title = _title(product.title)
    if product.deleted or not product.published or product.in_stock is False or not title:
        return None
    return Recommendation(
        product_id=one.product_id, title=title, url=web_url(product.url) or _page(shop, product.handle, title),
        image_url=web_url(product.image_url), price=_catalogue_price(shop, product),
        buyers=one.buyers, reason=one.reason,
    )  # fmt: skip


def _as_last_bought(session: Session, shop: Shop, one: _Candidate) -> Recommendation | None:
    """A product that only orders told of, by its latest purchase; with its price if that was in the shop's currency."""
    last = session.execute(_LAST_PURCHASE, {"shop": shop.id, "product": one.product_id}).one_or_none()
    title = _title(last.title) if last else ""
    if last is None or not title:
        return None
    price = _money(last.price_minor, last.currency) if last.currency == shop.currency else None
    return Recommendation(
        product_id=one.product_id, title=title, url=_page(shop, None, title), image_url=None, price=price,
        buyers=one.buyers, reason=one.reason,
    )  # fmt: skip


def rated(chosen: Sequence[Recommendation], known: Mapping[str, tuple[float, int]]) -> list[Recommendation]:
    """The same with their customers' ratings, by product as `ratings` gives them."""
    return [
        replace(one, rating=known[one.product_id][0], rating_count=known[one.product_id][1])
        if one.product_id in known else one for one in chosen
    ]  # fmt: skip


def _page(shop: Shop, handle: str | None, title: str) -> str:
    """The product's page by its handle, else the shop's search for its title."""
    store = f"https://{shop.storefront or shop.domain}"
    return f"{store}/products/{quote(handle, safe='')}" if handle else f"{store}/search?q={quote_plus(title)}"


def _catalogue_price(shop: Shop, product: Product) -> Money | None:
    """A price told without a currency is the shop's own; it is not shown until we know which that is."""
    if product.price_minor is None or not (product.currency or shop.currency):
        return None
    return in_currency(Money(product.price_minor, product.currency or ""), shop.currency or "")


def _money(minor: int | None, currency: str | None) -> Money | None:
    return Money(minor, currency) if minor is not None and currency else None


def _title(told: str) -> str:
    return " ".join(clean_text(told, 200).split())


def _folded(word: str | None) -> str:
    return (word or "").strip().casefold()
