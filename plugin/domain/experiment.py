"""What a step brings: customers who got it beside those kept out, with what the numbers allow to be said.

A customer belongs to a group from the moment that the step's message would have left, and is counted when the days
after it are over. What they bought then is theirs whatever else happened (intention to treat).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil, sqrt

from plugin.domain.scores import Z, difference, share

WINDOW_DAYS = 30
LEAST = 50  # customers of a group; with fewer nothing is said, however large the difference looks
LEAST_BUYERS = 10  # of both groups together
LEAST_SPENDERS = 30  # of each group: money is spread so unevenly that with fewer an interval would be too narrow
FINE = 0.01  # an interval of ± 1 point is always fine enough …
FINE_SHARE = 0.2  # … and so is one of ± a fifth of the repeat rate
LONGEST_WEEKS = 104


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Customers whose days are over, how many of them bought again, and what they spent in minor units."""

    customers: int = 0
    buyers: int = 0
    orders: int = 0
    revenue: int = 0
    squares: float = 0.0  # the sum of each customer's revenue squared

    @property
    def rate(self) -> float | None:
        return self.buyers / self.customers if self.customers else None

    @property
    def mean(self) -> float | None:
        """Revenue of a customer, in minor units."""
        return self.revenue / self.customers if self.customers else None

    @property
    def _error2(self) -> float:
        """The squared standard error of the mean."""
        n = self.customers
        return max(self.squares - self.revenue * self.revenue / n, 0.0) / (n - 1) / n


@dataclass(frozen=True, slots=True)
class Difference:
    """Those who got it minus those kept out, between `low` and `high` with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        return self.low > 0 or self.high < 0


class Word(StrEnum):
    """The plain sentence that the numbers allow."""

    EARLY = "early"
    MORE = "more"  # bought again more often
    LESS = "less"
    SAME = "same"  # no difference that would matter


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rate`: of the share that bought again. `revenue`: of a customer's revenue, None while too few spent anything.

    `weeks`: how many more it takes at the present pace, only for `early`; None when it cannot be told.
    """

    word: Word
    rate: Difference | None
    revenue: Difference | None
    weeks: int | None = None


def judge(treated: Group, kept_out: Group, began_at: datetime | None, now: datetime, waiting: int = 0) -> Verdict:
    """What may be said at `now`. `waiting`: customers of both groups whose days are not over yet."""
    rate, revenue = rate_difference(treated, kept_out), revenue_difference(treated, kept_out)
    few = min(treated.customers, kept_out.customers) < LEAST or treated.buyers + kept_out.buyers < LEAST_BUYERS
    if rate is None or few:
        return Verdict(Word.EARLY, rate, revenue, _weeks_until(treated, kept_out, rate, began_at, now, waiting))
    if rate.clear:
        return Verdict(Word.MORE if rate.value > 0 else Word.LESS, rate, revenue)
    if _half(rate) <= _fine(treated, kept_out):
        return Verdict(Word.SAME, rate, revenue)
    return Verdict(Word.EARLY, rate, revenue, _weeks_until(treated, kept_out, rate, began_at, now, waiting))


def rate_difference(treated: Group, kept_out: Group) -> Difference | None:
    """Of the shares that bought again: Newcombe's interval. None while a group is empty."""
    found = difference(share(treated.buyers, treated.customers), share(kept_out.buyers, kept_out.customers))
    return Difference(*found) if found else None


def revenue_difference(treated: Group, kept_out: Group) -> Difference | None:
    """Of a customer's revenue in minor units: Welch's interval. None while either group has fewer than 30 buyers."""
    if min(treated.buyers, kept_out.buyers) < LEAST_SPENDERS or treated.mean is None or kept_out.mean is None:
        return None
    gap, one, other = treated.mean - kept_out.mean, treated._error2, kept_out._error2
    freedom = (one + other) ** 2 / (one**2 / (treated.customers - 1) + other**2 / (kept_out.customers - 1) or 1.0)
    half = _t(freedom) * sqrt(one + other)
    return Difference(gap, gap - half, gap + half)


def _t(freedom: float) -> float:
    """Student's quantile for 95 %, by its expansion around the normal one; good to 0.01 from 5 degrees on."""
    z, f = Z, max(freedom, 5.0)
    return z + (z**3 + z) / (4 * f) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * f * f)


def _half(found: Difference) -> float:
    return (found.high - found.low) / 2


def _fine(treated: Group, kept_out: Group) -> float:
    """How narrow the interval of the rate must be, on either side, for "no difference" to mean something."""
    customers = treated.customers + kept_out.customers
    return max(FINE, FINE_SHARE * (treated.buyers + kept_out.buyers) / customers)


def _weeks_until(
    treated: Group, kept_out: Group, rate: Difference | None, began_at: datetime | None, now: datetime, waiting: int
) -> int | None:
    """Weeks until the interval is fine enough, if customers keep coming as they did since `began_at`."""
    done = treated.customers + kept_out.customers
    weeks = (now - began_at).total_seconds() / (7 * 86400) if began_at else 0.0
    if began_at is None or weeks < 1 or not done + waiting:
        return None
    window = WINDOW_DAYS / 7
    pace = (done + waiting) / weeks
    share_kept = kept_out.customers / done if kept_out.customers else None
    if rate is None or share_kept is None or not treated.buyers + kept_out.buyers:
        return None
    wanted = done * (_half(rate) / _fine(treated, kept_out)) ** 2
    wanted = max(wanted, LEAST / min(share_kept, 1 - share_kept) if share_kept < 1 else wanted)
    begun = done + waiting
    more = (wanted - begun) / pace + window if wanted > begun else min(window, (wanted - done) / pace)
    return ceil(more) if 0 < more <= LONGEST_WEEKS else (1 if more <= 0 else None)
