"""Products that go together, learned from the shop's own purchases. Everything here only reads.

Several sources, one after the other until there are enough: what the shop's training found to go with the seeds, the
best sellers of their kind, what is popular where the customer lives, then anywhere, and what is new. A shop that was
never trained is asked live for what was bought together. What can be had is looked up at this very moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from plugin.services.ratings import ratings
from plugin.services.recommender import choose, live
from plugin.services.recommender.candidates import NEW, POPULAR, SIMILAR, TOGETHER, Candidate
from plugin.services.recommender.choose import Facts, Taste
from plugin.services.recommender.learned import MAX_SEEDS, Learned
from plugin.services.recommender.lists import folded
from plugin.store.models.orders import Product, Purchase
from plugin.store.models.shops import Shop
from schemas.events import Money
from schemas.fields import clean_text, web_url
from schemas.money import in_currency

# Made once: to put a statement together takes longer than to ask it. Columns, because entities cost twice as much.
_P = Product
_PRODUCTS = select(
    _P.platform_id, _P.title, _P.handle, _P.url, _P.image_url, _P.price_minor, _P.currency, _P.published, _P.in_stock,
    _P.product_type, _P.vendor, _P.deleted,
).where(_P.shop_id == bindparam("shop"), _P.platform_id.in_(bindparam("products", expanding=True)))  # fmt: skip
_LAST_PURCHASE = (
    select(Purchase.title, Purchase.price_minor, Purchase.currency)
    .where(Purchase.shop_id == bindparam("shop"), Purchase.product_id == bindparam("product"))
    .order_by(Purchase.placed_at.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A product to suggest.

    `reason`: together (bought with `because` in `buyers` orders), similar (called like `because`, or of its kind),
    popular (in `buyers` orders lately) or new; `because` is the title of a seed, `buyers` 0 where no orders speak.
    `rating` is the mean satisfaction (1 to 5) of `rating_count` survey answers, None with fewer than 3 of them.
    """

    product_id: str
    title: str
    url: str
    image_url: str | None
    price: Money | None
    buyers: int
    reason: str
    because: str | None = None
    rating: float | None = None
    rating_count: int = 0


def recommend(
    session: Session,
    shop: Shop,
    *,
    exclude: Collection[str],
    seeds: Sequence[str],
    limit: int = 4,
    rate: bool = True,
    country: str | None = None,
    price_at_most: Money | None = None,
) -> list[Recommendation]:
    """At most `limit` products that go with `seeds` (the products of an order, most telling first), best first.

    `exclude`: platform ids never to suggest, e.g. all that the customer has; the seeds are excluded anyway. Neither are
    deleted, unpublished or sold-out products suggested; one that the catalogue never told of counts as available.
    `country`: the customer's, ISO code. `price_at_most`: leaves out what costs more, or has no price in its currency.
    The first of many are the same as if fewer had been asked for. `rate` False: `rated` is left to the caller.
    """
    seeds = list(dict.fromkeys(seeds))
    search = _Search(session, shop, seeds[:MAX_SEEDS], {*exclude, *seeds}, country, price_at_most)
    chosen = choose.mixed(search.pools(), search.described, limit)
    return rated(chosen, ratings(session, shop, [one.product_id for one in chosen])) if rate else chosen


class _Search:
    """One search: what it knows of products so far, and what it shall not find."""

    def __init__(
        self, session: Session, shop: Shop, seeds: Sequence[str], unwanted: set[str], country: str | None,
        price_at_most: Money | None,
    ) -> None:  # fmt: skip
        self._session, self._shop, self._seeds, self._unwanted = session, shop, seeds, unwanted
        self._country, self._price_at_most = country, price_at_most
        self._products: dict[str, Any] = {}
        self._names: dict[str, str] = {}  # of seeds that were asked for

    def pools(self) -> Iterator[list[tuple[str, Candidate]]]:
        """One source after the other, each asked when those before it did not do."""
        for found in self._sources():
            self._know([*self._seeds, *(one.product_id for one in found)])
            taste = Taste([self._facts(seed) for seed in self._seeds])
            ranked = sorted(found, key=lambda one: taste.rank(one, self._facts(one.product_id)))
            self._unwanted.update(one.product_id for one in found)
            yield [(folded(self._facts(one.product_id).kind), one) for one in ranked]

    def _sources(self) -> Iterator[list[Candidate]]:
        session, shop, unwanted = self._session, self._shop, self._unwanted
        learned = Learned(session, shop, self._seeds, self._country)
        if not learned:
            yield live.together(session, shop, self._seeds, unwanted)
            if self._country:
                yield live.popular(session, shop, unwanted, self._country)
            yield live.popular(session, shop, unwanted)
        else:
            yield learned.together(unwanted)
            if learned.unknown:
                yield live.together(session, shop, learned.unknown, unwanted)
            kinds = {seed: self._facts(seed).kind for seed in self._seeds if self._facts(seed).kind}
            yield learned.of_the_kind(kinds, unwanted)
            if self._country:
                yield learned.popular(unwanted, self._country)
            yield learned.popular(unwanted)
        yield live.newest(session, shop, unwanted)

    def _know(self, product_ids: Sequence[str]) -> None:
        """Look products up, once each; None: the catalogue never told of it."""
        asked = [id_ for id_ in product_ids if id_ not in self._products]
        if asked:
            told = self._session.execute(_PRODUCTS, {"shop": self._shop.id, "products": asked})
            self._products |= dict.fromkeys(asked) | {row.platform_id: row for row in told}

    def _facts(self, product_id: str) -> Facts:
        row = self._products.get(product_id)
        return Facts(row.product_type or "", row.vendor or "", row.price_minor) if row is not None else Facts()

    def described(self, one: Candidate) -> Recommendation | None:
        """A candidate as the customer sees it; None when it cannot be bought, has no name or is too dear."""
        row = self._products.get(one.product_id)
        made = self._of_the_catalogue(one, row) if row is not None else self._as_last_bought(one)
        if made is None or self._too_dear(made.price):
            return None
        return replace(made, because=self._title_of(one.because)) if one.because else made

    def _too_dear(self, price: Money | None) -> bool:
        most = self._price_at_most
        return most is not None and (price is None or price.currency != most.currency or price.minor > most.minor)

    def _of_the_catalogue(self, one: Candidate, row: Any) -> Recommendation | None:
        title = _title(row.title)
        if row.deleted or not row.published or row.in_stock is False or not title:
            return None
        return Recommendation(
            product_id=one.product_id, title=title, url=web_url(row.url) or _page(self._shop, row.handle, title),
            image_url=web_url(row.image_url), price=_catalogue_price(self._shop, row),
            buyers=one.buyers, reason=one.reason,
        )  # fmt: skip

    def _as_last_bought(self, one: Candidate) -> Recommendation | None:
        """A product that only orders told of, by its latest purchase; its price if that was in the shop's currency."""
        last = self._last_purchase(one.product_id)
        title = _title(last.title) if last is not None else ""
        if last is None or not title:
            return None
        price = _money(last.price_minor, last.currency) if last.currency == self._shop.currency else None
        return Recommendation(
            product_id=one.product_id, title=title, url=_page(self._shop, None, title), image_url=None, price=price,
            buyers=one.buyers, reason=one.reason,
        )  # fmt: skip

    def _last_purchase(self, product_id: str) -> Any:
        return self._session.execute(_LAST_PURCHASE, {"shop": self._shop.id, "product": product_id}).one_or_none()

    def _title_of(self, product_id: str) -> str | None:
        """A seed's, for the reason; a deleted product keeps its name."""
        if product_id not in self._names:
            row = self._products.get(product_id) or self._last_purchase(product_id)
            self._names[product_id] = _title(row.title) if row is not None else ""
        return self._names[product_id] or None


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


def _catalogue_price(shop: Shop, product: Any) -> Money | None:
    """A price told without a currency is the shop's own; it is not shown until we know which that is."""
    if product.price_minor is None or not (product.currency or shop.currency):
        return None
    return in_currency(Money(product.price_minor, product.currency or ""), shop.currency or "")


def _money(minor: int | None, currency: str | None) -> Money | None:
    return Money(minor, currency) if minor is not None and currency else None


def _title(told: str) -> str:
    return " ".join(clean_text(told, 200).split())


__all__ = ["NEW", "POPULAR", "SIMILAR", "TOGETHER", "Recommendation", "rated", "recommend"]
