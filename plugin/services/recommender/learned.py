"""What a shop's training found, looked up when it is needed: one query by primary key, whatever the shop's size."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from plugin.services.recommender import lists
from plugin.services.recommender.candidates import CANDIDATES, POPULAR, SIMILAR, TOGETHER, Candidate
from plugin.services.recommender.lists import BadList, Entry
from plugin.store.models.recommender import ProductList, Recommender
from plugin.store.models.shops import Shop

MAX_SEEDS = 40

# Made once: to put a statement together takes longer than to ask it.
_LISTS = (
    select(ProductList.key, ProductList.packed)
    .join(Recommender, Recommender.shop_id == ProductList.shop_id)
    .where(ProductList.shop_id == bindparam("shop"), ProductList.generation == Recommender.generation)
    .where(Recommender.shop_id == bindparam("shop"), ProductList.key.in_(bindparam("keys", expanding=True)))
)

log = logging.getLogger(__name__)


class Learned:
    """The lists that matter to some seeds. Falsy for a shop that was never trained."""

    def __init__(self, session: Session, shop: Shop, seeds: Sequence[str], country: str | None) -> None:
        self._session, self._shop, self._seeds = session, shop, seeds[:MAX_SEEDS]
        keys = [lists.of_product(seed) for seed in self._seeds]
        self._lists = self._read({*keys, lists.of_country(None), lists.of_country(country)})

    def __bool__(self) -> bool:
        return bool(self._lists)

    @property
    def unknown(self) -> list[str]:
        """The seeds that the training had nothing to tell of: new since, or never bought with anything."""
        return [seed for seed in self._seeds if lists.of_product(seed) not in self._lists]

    def together(self, unwanted: Collection[str]) -> list[Candidate]:
        """What was bought with the seeds, or is called alike: each seed adds what it has to say."""
        told = [(seed, self._lists.get(lists.of_product(seed), [])) for seed in self._seeds]
        scores: defaultdict[str, float] = defaultdict(float)
        for _, entries in told:
            for product_id, score, _ in entries:
                scores[product_id] += score
        for product_id in scores.keys() & unwanted:
            del scores[product_id]
        best = dict.fromkeys(nsmallest(CANDIDATES, scores, key=lambda one: (-scores[one], one)), (0, 0.0, ""))
        for seed, entries in told:
            for product_id, score, orders in entries:
                if product_id in best and (orders > 0, score) > (best[product_id][0] > 0, best[product_id][1]):
                    best[product_id] = orders, score, seed
        return [
            Candidate(product_id, TOGETHER if orders else SIMILAR, orders, scores[product_id], seed)
            for product_id, (orders, _, seed) in best.items()
        ]

    def of_the_kind(self, kinds: Mapping[str, str], unwanted: Collection[str]) -> list[Candidate]:
        """The best sellers of the seeds' own `kinds` (product types by seed): for what nobody bought anything with."""
        of_kinds = self._read({lists.of_kind(kind) for kind in kinds.values()}) if kinds else {}
        found: dict[str, Candidate] = {}
        for seed, kind in kinds.items():
            for product_id, score, _ in of_kinds.get(lists.of_kind(kind), ()):
                if product_id not in unwanted:
                    found.setdefault(product_id, Candidate(product_id, SIMILAR, 0, score, seed))
        return sorted(found.values(), key=lambda one: -one.score)[:CANDIDATES]

    def popular(self, unwanted: Collection[str], country: str | None = None) -> list[Candidate]:
        """What was in most orders lately; `country`: as it was given, of those that went there."""
        told = self._lists.get(lists.of_country(country), ())
        good = [entry for entry in told if entry[0] not in unwanted][:CANDIDATES]
        return [Candidate(product_id, POPULAR, orders, score) for product_id, score, orders in good]

    def _read(self, keys: Collection[str]) -> dict[str, list[Entry]]:
        found = {}
        for key, packed in self._session.execute(_LISTS, {"shop": self._shop.id, "keys": sorted(keys)}):
            try:
                found[key] = lists.unpack(packed)
            except BadList:
                log.warning("product_list_unreadable", extra={"shop": self._shop.id})
        return found
