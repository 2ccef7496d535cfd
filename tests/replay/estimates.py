"""The delivery estimates, as intervals: which deliveries were known when a parcel was first planned is not certain."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from statistics import median

from tests.replay.ledger import DAY, Fact, Order
from tests.replay.rules import Known, Readings

SETTING, WEIGHT, WINDOW = 7 * DAY, 20, 90 * DAY


@dataclass(frozen=True)
class Estimate:
    """When a parcel is taken to have arrived that nobody saw delivered: the earliest, plainest and latest reckoning."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Delivered:
    took: float
    at: float
    known: tuple[float, float]  # first told by any webhook, and by the carrier's own event
    test: bool  # whether a test order's parcel counts is open


def blend(took: list[float]) -> float:
    """(n·median + 20·setting) / (n + 20), in seconds."""
    n = len(took)
    return ((n * median(took) if n else 0.0) + WEIGHT * SETTING) / (n + WEIGHT)


def bounds(certain: list[float], possible: list[float]) -> tuple[float, float]:
    """The least and the greatest estimate over all choices from `possible`.

    For a given number of them the median is least with the smallest and greatest with the largest, so those suffice.
    """
    low, high = sorted(certain), sorted(certain)
    lows, highs = [blend(low)], [blend(high)]
    for short, long in zip(sorted(possible), sorted(possible, reverse=True), strict=True):
        insort(low, short)
        insort(high, long)
        lows.append(blend(low))
        highs.append(blend(high))
    return min(lows), max(highs)


def first_told(order: Order, readings: Readings, test: str, parcel: int) -> float:
    """When the order and the parcel (or its delivery) were both first known; infinity if never."""
    known = Known()
    for told in order.told:
        known.learn(order, told, readings)
        if known.placed and parcel in known.parcels and (test == "parcels" or parcel in known.delivered):
            return told.at
    return float("inf")


def shipments(order: Order) -> list[Fact]:
    return [f for f in order.facts if f.what == "shipped"] if order.ships and not order.pos else []


def estimates(orders: list[Order], tolerance: float) -> dict[tuple[str, int], Estimate]:
    """Of every parcel by (order id, number). `tolerance`: how long a webhook may lie, in virtual seconds."""
    any_way, one_way = Readings(), Readings(orders_tell_parcels=False, repeats_tell=False)
    past: dict[tuple[str | None, str | None], list[Delivered]] = {}
    planned: list[tuple[Order, Fact, float, float]] = []
    for order in orders:
        for shipped in shipments(order):
            index = shipped.details["parcel"]
            group = past.setdefault((shipped.details["carrier"], order.country), [])
            at = next((f.at for f in order.facts if f.what == "delivered" and f.details["parcel"] == index), None)
            if at is not None:
                known = (first_told(order, any_way, "delivered", index), first_told(order, one_way, "delivered", index))
                group.append(Delivered(at - shipped.at, at, known, order.test))
            first, last = first_told(order, any_way, "parcels", index), first_told(order, one_way, "parcels", index)
            if first < float("inf"):
                planned.append((order, shipped, first, max(first, last if last < float("inf") else first)))
    found: dict[tuple[str, int], Estimate] = {}
    for order, shipped, first, last in planned:
        group = [d for d in past[shipped.details["carrier"], order.country] if d.at > first - WINDOW]
        ranges = []
        for among in (group, [d for d in group if not d.test]):
            certain = [d.took for d in among if d.known[1] + tolerance <= first]
            possible = [d.took for d in among if d.known[1] + tolerance > first and d.known[0] <= last + tolerance]
            ranges.append(bounds(certain, possible))
        low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
        middle = blend([d.took for d in group if d.known[0] <= first])
        found[order.id, shipped.details["parcel"]] = Estimate(shipped.at + low, shipped.at + middle, shipped.at + high)
    return found
