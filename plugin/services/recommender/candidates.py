"""What may be suggested, before anybody looked whether it can be bought."""

from __future__ import annotations

from dataclasses import dataclass

TOGETHER, SIMILAR, POPULAR, NEW = "together", "similar", "popular", "new"

CANDIDATES = 36  # of each source: enough to lose some to stock, price and likeness and still fill a mail
MAX_UNWANTED = 500  # rows read to make up for what is excluded


@dataclass(frozen=True, slots=True)
class Candidate:
    """`reason`: one of the four; `buyers`: the orders that speak for it; `because`: the seed it goes with, if any."""

    product_id: str
    reason: str
    buyers: int
    score: float
    because: str | None = None
