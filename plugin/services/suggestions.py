"""What to suggest to whom, searched for once for the same products instead of once for each message."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from plugin.services.ratings import ratings
from plugin.services.recommend import Recommendation, rated, recommend
from plugin.store.models.shops import Shop

WIDE = 12  # searched for at once: the most that a message asks for, and some that its customer may have already
KEPT_FOR = timedelta(minutes=5)  # business time: what sold out a moment ago may still be shown
MOST = 1000  # answers kept of each kind; a search's take about 6 kB

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass
class _Memory(Generic[_Key, _Value]):
    """Answers for a while of business time, the oldest given up first."""

    _kept: dict[_Key, tuple[datetime, _Value]] = field(default_factory=dict)

    def get(self, key: _Key, now: datetime) -> tuple[_Value] | None:
        found = self._kept.get(key)
        if found is None or not timedelta() <= now - found[0] < KEPT_FOR:
            return None
        return (found[1],)

    def put(self, key: _Key, now: datetime, value: _Value) -> None:
        self._kept.pop(key, None)  # so that it becomes the youngest
        if len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = now, value

    def __len__(self) -> int:
        return len(self._kept)


@dataclass
class Suggestions:
    """A worker's memory of what goes with what. Not for several threads."""

    _searches: _Memory[tuple[int, tuple[str, ...], str | None], list[Recommendation]] = field(default_factory=_Memory)
    _ratings: _Memory[tuple[int, str], tuple[float, int] | None] = field(default_factory=_Memory)

    def find(
        self, session: Session, shop: Shop, had: Collection[str], seeds: Sequence[str], limit: int, now: datetime,
        country: str | None = None,
    ) -> list[Recommendation]:  # fmt: skip
        """At most `limit` products that go with `seeds` and are not in `had`, for a customer in `country`, at business
        time `now`."""
        key, wide = (shop.id, tuple(seeds), country), max(WIDE, limit)
        kept = self._searches.get(key, now)
        if kept is None:
            kept = (recommend(session, shop, exclude=seeds, seeds=seeds, limit=wide, rate=False, country=country),)
            self._searches.put(key, now, kept[0])
        fresh = [one for one in kept[0] if one.product_id not in had]
        if len(fresh) < limit and len(kept[0]) >= wide:
            fresh = recommend(
                session, shop, exclude={*had, *seeds}, seeds=seeds, limit=limit, rate=False, country=country
            )
        return self._rated(session, shop, fresh[:limit], now)

    def _rated(
        self, session: Session, shop: Shop, chosen: Sequence[Recommendation], now: datetime
    ) -> list[Recommendation]:
        known: dict[str, tuple[float, int]] = {}
        unknown = []
        for one in chosen:
            kept = self._ratings.get((shop.id, one.product_id), now)
            if kept is None:
                unknown.append(one.product_id)
            elif kept[0] is not None:
                known[one.product_id] = kept[0]
        found = ratings(session, shop, unknown)
        for product_id in unknown:
            self._ratings.put((shop.id, product_id), now, found.get(product_id))
        return rated(chosen, known | found)
