"""From a shop's order lines and its catalogue to lists of products."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from sqlalchemy.orm import Session

from plugin.services.recommender import lists, maths
from plugin.services.recommender.maths import Numbers
from plugin.services.recommender.parts import read_catalogue, read_parts

COUNTRIES = 60  # that get a list of their own, those with most lines


class Lesson:
    """What a training has read so far and what follows from it. `products`: how many there are to make lists for."""

    def __init__(self, session: Session, shop_id: int) -> None:
        goods = read_catalogue(session, shop_id)
        known = read_parts(session, shop_id, [one.product_id for one in goods])
        self._ids, self._lines, self._countries = known.products, known.lines, known.countries
        unnamed = len(known.products) - len(goods)  # only orders tell of these
        words = [maths.words_of(one.title, lists.folded(one.kind), lists.folded(one.vendor)) for one in goods]
        self._offered = np.array([one.offered for one in goods] + [True] * unnamed, bool)
        self._kinds: defaultdict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(goods):
            if one.kind and one.offered:
                self._kinds[lists.folded(one.kind)].append(number)
        names = maths.names([*words, *[set[str]()] * unnamed])
        self._affinities = maths.Affinities(known.lines, names, self._offered)
        self.products = len(known.products)
        self.orders = len(np.unique(known.lines.orders))

    def some(self, begin: int) -> tuple[list[tuple[str, bytes]], int]:
        """The lists of some products from number `begin` on, by key, and the number of the first that is not among
        them. A product that nothing goes with has none."""
        end = self._affinities.end_of_block(begin)
        made = []
        for number, found in enumerate(self._affinities.neighbours(begin, end), start=begin):
            if len(found[0]):
                made.append((lists.of_product(self._ids[number]), self._packed(*found)))
        return made, min(end, self.products)

    def of_all(self) -> list[tuple[str, bytes]]:
        """The lists of countries and of kinds. That of all countries is always there: it says that the shop learned."""
        lines, offered = self._lines, self._offered
        made = [(lists.of_country(None), self._counted(*maths.popular(lines, offered)))]
        of_country = np.bincount(lines.countries, minlength=len(self._countries))
        for country in np.argsort(-of_country, kind="stable")[:COUNTRIES]:
            code = self._countries[country]
            if code and of_country[country]:
                made.append((lists.of_country(code), self._counted(*maths.popular(lines, offered, int(country)))))
        bought = np.bincount(lines.products, np.exp2(-lines.days / maths.HALF_LIFE), len(offered))
        for kind, numbers in self._kinds.items():
            theirs = np.array(numbers)
            first = theirs[np.argsort(-bought[theirs], kind="stable")][: maths.MOST_POPULAR]
            made.append((lists.of_kind(kind), self._packed(first, bought[first], np.zeros(len(first), np.int64))))
        return made

    def _counted(self, products: Numbers, orders: Numbers) -> bytes:
        return self._packed(products, orders, orders)

    def _packed(self, products: Numbers, scores: Numbers, orders: Numbers) -> bytes:
        rows = zip(products.tolist(), scores.tolist(), orders.tolist(), strict=True)
        return lists.pack([(self._ids[product], score, count) for product, score, count in rows])
