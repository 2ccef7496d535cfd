"""When a parcel is expected, and when a delivery counts for the steps that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from plugin.domain.history import Answer, NotArrived, Parcel

PRIOR_WEIGHT = 20  # the merchant's own figure counts as much as so many delivered parcels
LEARN_FROM = timedelta(days=90)
FRESH_TRANSIT = timedelta(days=5)  # an in_transit younger than this contradicts an estimate
TROUBLED = frozenset({"delayed", "attempted_delivery", "failure", "not_delivered"})


def expected_duration(durations: Sequence[timedelta], setting_days: int) -> timedelta:
    """(n x median + 20 x setting) / (n + 20) over the carrier-delivered parcels of the same carrier and country."""
    setting = timedelta(days=setting_days)
    n = len(durations)
    if not n:
        return setting
    middle = timedelta(seconds=median(d.total_seconds() for d in durations))
    return (n * middle + PRIOR_WEIGHT * setting) / (n + PRIOR_WEIGHT)


def expected_window(start: datetime, duration: timedelta, shipped: bool) -> tuple[date, date]:
    """First and last day to name to a customer. Before shipping, handling widens it by two days."""
    expected = start + duration
    first = max(expected - timedelta(days=2), start + timedelta(days=1))
    last = expected + timedelta(days=1 if shipped else 3)
    return first.date(), last.date()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel's arrival. Later steps count from `at` and go no earlier than `not_before`."""

    at: datetime
    not_before: datetime
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class NoDelivery:
    """Why nothing counts as delivery yet. `issue`: the customer misses it: "open" or "lost"."""

    reason: str
    issue: str | None = None


def delivery_of(
    parcel: Parcel, answers: Sequence[Answer], issues: Sequence[NotArrived], on_fulfillment: bool
) -> Delivery | NoDelivery:
    """When this parcel counts as delivered for later steps, or why it does not.

    `on_fulfillment`: there is no carrier (digital, pick-up, point of sale), so being fulfilled is being delivered.
    """
    concerning = [i for i in issues if i.parcel_id in (None, parcel.parcel_id)]
    if any(i.closed_at is None for i in concerning):
        return NoDelivery("the customer says that it has not arrived", "open")
    if any(i.outcome == "lost" for i in concerning):
        return NoDelivery("the parcel was lost", "lost")
    if found := [i.closed_at for i in concerning if i.outcome == "arrived" and i.closed_at]:
        return Delivery(max(found), max(found))
    if parcel.delivered_at:
        return Delivery(parcel.delivered_at, parcel.delivered_at)
    if yes := [a.at for a in answers if a.arrived and a.parcel_id == parcel.parcel_id]:
        return Delivery(min(yes), min(yes))
    if on_fulfillment:
        return Delivery(parcel.shipped_at, parcel.shipped_at)
    if parcel.estimated_at is None:
        return NoDelivery("waits for delivery")
    return _by_estimate(parcel, parcel.estimated_at)


def _by_estimate(parcel: Parcel, estimated_at: datetime) -> Delivery | NoDelivery:
    # Of two words of one moment the one that lets the steps wait counts, so that the order of telling cannot matter.
    newest = max(
        parcel.words, key=lambda w: (w.at, w.status in TROUBLED, w.status == "in_transit", w.status), default=None
    )
    not_before = estimated_at
    if newest and newest.status in TROUBLED:
        return NoDelivery(f"the carrier's newest word is {newest.status.replace('_', ' ')}")
    if newest and newest.status == "in_transit":
        not_before = max(estimated_at, newest.at + FRESH_TRANSIT)
    return Delivery(estimated_at, not_before, estimated=True)


_GRAVITY: dict[str | None, int] = {"lost": 0, "open": 1, None: 2}  # what is lost stays so, whatever else is open


def last_delivery(
    wanted: dict[str, int], deliveries: Sequence[tuple[Parcel, Delivery | NoDelivery]]
) -> Delivery | NoDelivery:
    """When the last of the `wanted` lines (line id -> quantity) was delivered, or why not all of them are.

    Parcels count in the order of their delivery until every line is covered, so a parcel that holds nothing wanted any
    more (its lines were refunded) holds nothing up.
    """
    left = dict(wanted)
    waiting = [(p, d) for p, d in deliveries if isinstance(d, NoDelivery) and _holds(p, wanted)]
    waiting.sort(key=lambda pair: (_GRAVITY[pair[1].issue], pair[0].shipped_at, pair[0].parcel_id))
    if waiting and waiting[0][1].issue:
        return waiting[0][1]
    last: Delivery | None = None
    arrived = [(p, d) for p, d in deliveries if isinstance(d, Delivery)]
    for parcel, delivery in sorted(arrived, key=lambda pair: (max(pair[1].at, pair[1].not_before), pair[0].parcel_id)):
        if not left:
            break
        if not _take(left, parcel):
            continue
        last = delivery if last is None else Delivery(
            max(last.at, delivery.at), max(last.not_before, delivery.not_before), last.estimated or delivery.estimated
        )  # fmt: skip
    if left or last is None:
        return waiting[0][1] if waiting else NoDelivery("waits for everything to be shipped")
    return last


def _holds(parcel: Parcel, wanted: dict[str, int]) -> bool:
    return not parcel.lines or any(line_id in wanted for line_id, _ in parcel.lines)


def _take(left: dict[str, int], parcel: Parcel) -> bool:
    """Take the parcel's quantities off `left`. False when it holds nothing of it."""
    taken = False
    for line_id, quantity in parcel.lines or tuple(left.items()):
        if line_id in left:
            taken = True
            left[line_id] -= quantity
            if left[line_id] <= 0:
                del left[line_id]
    return taken
