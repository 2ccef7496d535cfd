"""How a rehearsal is cut into parts, by customer (a guest is known by the address): each is complete in itself."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from plugin.domain.rehearsal import Tally
from plugin.store.models import orders
from plugin.store.models.shops import Shop

READ_AHEAD = 6  # parts: about as many as a page's request has time for

o = orders.Order


@dataclass(frozen=True)
class Progress:
    """How far a rehearsal is: `done` of `parts`, of the orders placed from `since` until `until`.

    `durations`: how long parcels take, by carrier and country, as far as anybody asked: the same in every part.
    """

    since: datetime
    until: datetime
    parts: int
    done: int = 0
    tally: Tally = field(default_factory=Tally)
    durations: dict[tuple[str | None, str | None], timedelta] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.done >= self.parts

    def dump(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(), "until": self.until.isoformat(), "parts": self.parts, "done": self.done,
            "tally": self.tally.dump(),
            "durations": [[*key, duration.total_seconds()] for key, duration in self.durations.items()],
        }  # fmt: skip

    @classmethod
    def load(cls, data: dict[str, Any]) -> Progress:
        """What `dump` gave. Raises KeyError, TypeError or ValueError for anything else."""
        since, until = datetime.fromisoformat(data["since"]), datetime.fromisoformat(data["until"])
        durations = {(carrier, country): timedelta(seconds=taken) for carrier, country, taken in data["durations"]}
        return cls(since, until, data["parts"], data["done"], Tally.load(data["tally"]), durations)


def rehearsed(shop: Shop, progress: Progress) -> tuple[ColumnElement[bool], ...]:
    """The orders that it is about."""
    return o.shop_id == shop.id, o.placed_at.between(progress.since, progress.until), o.version.is_not(None)


def parts_left(session: Session, shop: Shop, progress: Progress) -> Iterator[list[list[int]]]:
    """The parts not done yet, each as its people: the row ids of a person's orders. Some are read ahead together."""
    for first in range(progress.done, progress.parts, READ_AHEAD):
        together = range(first, min(first + READ_AHEAD, progress.parts))
        found: dict[int, defaultdict[int | str, list[int]]] = {part: defaultdict(list) for part in together}
        number = o.customer_id % progress.parts
        mine = or_(o.customer_id.is_(None), number.between(together[0], together[-1]))
        for id_, customer_id, address in session.execute(
            select(o.id, o.customer_id, o.address).where(*rehearsed(shop, progress), mine)
        ):
            person = customer_id or address or -id_
            part = (zlib.crc32(person.encode()) if isinstance(person, str) else abs(person)) % progress.parts
            if part in found:
                found[part][person].append(id_)
        for people in found.values():
            yield list(people.values())
