"""When more is due than can leave at once: the order in which shops and steps have their turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A due message. `priority`: its step's, the lower leaves first."""

    id: int
    shop_id: int
    priority: int
    ready_at: datetime


def fair_share(due: Iterable[Due], limit: int) -> list[Due]:
    """At most `limit` of them: each shop's most urgent one, then each shop's second, and so on.

    Within a turn the more urgent step goes first, then the older message.
    """
    shops: defaultdict[int, list[Due]] = defaultdict(list)
    for one in due:
        shops[one.shop_id].append(one)
    ranked: list[tuple[int, int, datetime, int, Due]] = []
    for mine in shops.values():
        mine.sort(key=lambda one: (one.priority, one.ready_at, one.id))
        ranked += [(turn, one.priority, one.ready_at, one.id, one) for turn, one in enumerate(mine[:limit])]
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:4])[:limit]]
