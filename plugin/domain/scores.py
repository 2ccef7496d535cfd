"""CSAT and NPS with what the numbers allow to be said: shares and differences with 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

Z = 1.959964  # of a 95 % interval
FEW = 30  # answers or people; with fewer the interval says little, and the page says so
PROMOTER, DETRACTOR, CONTENT = 9, 6, 4  # NPS 9–10 and 0–6; CSAT 4–5


@dataclass(frozen=True, slots=True)
class Interval:
    """A number between `low` and `high` with 95 % confidence, from `n` answers. Shares are 0 to 1, NPS −100 to 100."""

    value: float
    low: float
    high: float
    n: int

    @property
    def few(self) -> bool:
        return self.n < FEW


def share(hits: int, n: int) -> Interval | None:
    """Wilson's interval of a share: right for small n, and at 0 and 1. None of nobody."""
    if n <= 0:
        return None
    p, z2 = hits / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Interval(p, max(middle - half, 0.0), min(middle + half, 1.0), n)


def csat(counts: Mapping[int, int]) -> Interval | None:
    """The share of answers 4 and 5 among those of 1 to 5. `counts`: answers by score."""
    n = sum(counts.values())
    return share(sum(count for score, count in counts.items() if score >= CONTENT), n)


def nps(counts: Mapping[int, int]) -> Interval | None:
    """Promoters minus detractors, in points. `counts`: answers by score, 0 to 10. None without answers.

    The interval is the multinomial's, adjusted: one answer is added to each of the three groups, so that it does not
    vanish when few answers all say the same.
    """
    n = sum(counts.values())
    if n <= 0:
        return None
    promoters = sum(count for score, count in counts.items() if score >= PROMOTER)
    detractors = sum(count for score, count in counts.items() if score <= DETRACTOR)
    value = 100 * (promoters - detractors) / n
    m = n + 3  # an answer more of each kind
    p, d = (promoters + 1) / m, (detractors + 1) / m
    middle = p - d
    half = Z * sqrt(max(p + d - middle * middle, 0.0) / m)
    low, high = 100 * (middle - half), 100 * (middle + half)
    return Interval(value, max(min(low, value), -100.0), min(max(high, value), 100.0), n)


def difference(one: Interval | None, other: Interval | None) -> tuple[float, float, float] | None:
    """(one − other, low, high) of two shares, Newcombe's interval from Wilson's. None when either is missing."""
    if one is None or other is None:
        return None
    gap = one.value - other.value
    low = gap - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    high = gap + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return gap, low, high
