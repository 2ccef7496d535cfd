"""The order in which candidates are shown: what fits best first, but not four of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from plugin.services.recommender.candidates import Candidate
from plugin.services.recommender.lists import folded

SAME_VENDOR = 1.15  # tips the scales between near ties
DEARER, CHEAPER = 3.0, 0.1  # than the dearest and the cheapest seed: beyond it …
OUT_OF_BAND = 0.5  # … it takes so much more to be suggested
TOGETHER_SEEN = 4  # a message shows so many …
OF_A_KIND = (2, 3)  # … of which so many may be of one kind; the second only before a weaker source is asked

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the choice knows of a product. `kind`: its product type, "" when unknown; `minor`: its price."""

    kind: str = ""
    vendor: str = ""
    minor: int | None = None


class Taste:
    """What the seeds say about how well a candidate fits."""

    def __init__(self, seeds: Sequence[Facts]) -> None:
        self._kinds = {folded(seed.kind) for seed in seeds} - {""}
        self._vendors = {folded(seed.vendor) for seed in seeds} - {""}
        prices = [seed.minor for seed in seeds if seed.minor]
        self._band = (min(prices) * CHEAPER, max(prices) * DEARER) if prices else None

    def rank(self, one: Candidate, facts: Facts) -> tuple[bool, float]:
        """To sort by. Its own collection comes first, which among platforms is the product type."""
        score = one.score
        if folded(facts.vendor) in self._vendors:
            score *= SAME_VENDOR
        if self._band and facts.minor is not None and not self._band[0] <= facts.minor <= self._band[1]:
            score *= OUT_OF_BAND
        return folded(facts.kind) not in self._kinds, -score


def mixed(
    pools: Iterator[Sequence[tuple[str, Candidate]]], make: Callable[[Candidate], Made | None], limit: int
) -> list[Made]:
    """At most `limit` from pools of (kind, candidate), each pool ranked, the better pools first.

    In each four that are shown together not more than two are of one kind, three before a worse pool is opened, four
    only when there is nothing else. `make` says None for what turns out not to be had. The first of many are the same
    as if fewer had been asked for.
    """
    opened: list[list[tuple[str, Candidate]]] = []
    chosen: list[Made] = []
    shown: list[str] = []  # the kinds of the four at hand

    def take(most: int) -> bool:
        for pool in opened:
            for place, (kind, candidate) in enumerate(pool):
                if kind and shown.count(kind) >= most:
                    continue
                del pool[place]
                made = make(candidate)
                if made is not None:
                    chosen.append(made)
                    shown.append(kind)
                return True
        return False

    exhausted = False
    while len(chosen) < limit:
        if len(shown) == TOGETHER_SEEN:
            shown.clear()
        if any(take(most) for most in OF_A_KIND):
            continue
        if not exhausted:
            following = next(pools, None)
            exhausted = following is None
            opened.append(list(following or ()))
        elif not take(TOGETHER_SEEN):
            break
    return chosen
