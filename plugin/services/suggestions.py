"""What to suggest to whom, searched for once for the same products instead of once for each message."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from plugin.services.recommend import Recommendation, recommend
from plugin.store.models.shops import Shop

SPARE = 4  # more than wanted, so that a customer who has some of them needs no search of their own
KEPT_FOR = timedelta(minutes=1)  # business time: what sold out a minute ago may still be shown
MOST = 2000  # answers kept, about 2 kB each

_Key = tuple[int, tuple[str, ...], int]


@dataclass
class Suggestions:
    """A worker's memory of what goes with what. Not for several threads."""

    _kept: dict[_Key, tuple[datetime, list[Recommendation]]] = field(default_factory=dict)

    def find(
        self, session: Session, shop: Shop, had: Collection[str], seeds: Sequence[str], limit: int, now: datetime
    ) -> list[Recommendation]:
        """At most `limit` products that go with `seeds` and are not in `had`, at business time `now`."""
        key, wide = (shop.id, tuple(seeds), limit), limit + SPARE
        kept = self._kept.get(key)
        if kept is None or not timedelta() <= now - kept[0] < KEPT_FOR:
            self._kept.pop(key, None)  # so that it becomes the youngest
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = now, recommend(session, shop, exclude=seeds, seeds=seeds, limit=wide)
        fresh = [one for one in kept[1] if one.product_id not in had]
        if len(fresh) >= limit or len(kept[1]) < wide:
            return fresh[:limit]
        return recommend(session, shop, exclude={*had, *seeds}, seeds=seeds, limit=limit)
