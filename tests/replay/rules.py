"""The post-purchase flow's timeline as the design states it, written anew: what is known of an order, what is planned.

This is the second opinion on Dasi's own rules and shares no code with them. It knows exactly what the twin can tell;
late, doubled and shuffled webhooks are the business of `oracle`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.replay.ledger import DAY, HOUR, MINUTE, Fact, Order, Told

STEPS = ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up")
CLASSES = {
    "thank_you": "transactional",
    "shipped": "transactional",
    "delivered": "transactional",
    "survey": "service",
    "cross_sell": "marketing",
    "cross_sell_follow_up": "marketing",
}
STALE = {
    "thank_you": DAY,
    "shipped": 3 * DAY,
    "delivered": 3 * DAY,
    "survey": 14 * DAY,
    "cross_sell": 14 * DAY,
    "cross_sell_follow_up": 14 * DAY,
}
WORDS = ("in_transit", "out_for_delivery", "attempted_delivery", "delayed", "failure", "delivered")
HOLDING = ("attempted_delivery", "delayed", "failure")
Key = tuple[str, str]  # step and subject: the order's id, or the number of a parcel


@dataclass(frozen=True)
class Readings:
    """Where the design's words bear more than one meaning: the defaults are the plainest, the others are allowed."""

    orders_tell_parcels: bool = True  # an order's webhook tells of its parcels and numbers, not the fulfilment's alone
    repeats_tell: bool = True  # a `shipment_status` tells what the carrier's event tells
    news_after_exit: bool = False  # a parcel handed over after a refund of everything still has news
    refunded_parcels_told: bool = True  # a parcel of refunded lines only still has news
    refund_unbuys: bool = False  # a newer order refunded in full no longer ends the older's cross-sell
    ties: str = "none"  # which of two orders of the same second is the newer: none, name, id


@dataclass
class Parcel:
    index: int
    shipped: float
    lines: frozenset[str]
    numbered: bool


@dataclass
class Known:
    """What the webhooks so far tell of an order; every later one only adds."""

    placed: bool = False
    cancelled: float | None = None
    refunds: dict[str, float] = field(default_factory=dict)  # line -> when all of it was given back
    parcels: dict[int, Parcel] = field(default_factory=dict)
    words: dict[int, tuple[float, str]] = field(default_factory=dict)  # the carrier's newest
    delivered: dict[int, float] = field(default_factory=dict)

    def learn(self, order: Order, told: Told, readings: Readings) -> None:
        """Add what one webhook shows: the order or the parcel as it then was, or only the event itself."""
        fact, before = order.facts[told.fact], order.facts[: told.fact + 1]
        match told.topic.split("/")[0]:
            case "orders":
                self.placed = True
                for past in before:
                    self.take_order(past, order)
                    if readings.orders_tell_parcels:
                        self.take_parcel(past, readings.repeats_tell)
            case "fulfillments":
                for past in before:
                    if past.details.get("parcel") == fact.details["parcel"]:
                        self.take_parcel(past, readings.repeats_tell)
            case "fulfillment_events":
                self.take_parcel(fact, True)
            case "refunds":
                self.take_refund(fact, order)

    def take_order(self, fact: Fact, order: Order) -> None:
        if fact.what == "cancelled":
            self.cancelled = fact.at
        self.take_refund(fact, order)

    def take_refund(self, fact: Fact, order: Order) -> None:
        if fact.what in ("refunded", "cancelled"):
            self.refunds |= dict.fromkeys(fact.details.get("lines", order.lines), fact.at)

    def take_parcel(self, fact: Fact, words: bool) -> None:
        if "parcel" not in fact.details:
            return
        index: int = fact.details["parcel"]
        if fact.what == "shipped" and index not in self.parcels:
            number = fact.details["number"] is not None
            self.parcels[index] = Parcel(index, fact.at, frozenset(fact.details["lines"]), number)
        elif fact.what == "tracking":
            self.parcels[index].numbered = True
        elif fact.what in WORDS and words:
            self.words[index] = max(self.words.get(index, (0.0, "")), (fact.at, fact.what))
            if fact.what == "delivered":
                self.delivered[index] = fact.at

    def emptied(self, order: Order) -> float | None:
        """When the last line was given back, if all were."""
        return max(self.refunds.values()) if set(order.lines) <= set(self.refunds) else None

    def ended(self, order: Order) -> float | None:
        """When the order left the flow: cancelled or refunded in full."""
        return min((at for at in (self.cancelled, self.emptied(order)) if at is not None), default=None)


def plan(
    order: Order,
    known: Known,
    done: dict[Key, float],
    carried: set[int],
    newer: bool,
    estimates: dict[int, float],
    readings: Readings,
) -> dict[Key, float]:
    """Every message that the order should still get, and the moment from which it may leave.

    `done`: what left or was withheld, and when. `carried`: parcels told of by a `shipped` that left. `newer`: the
    customer has a newer order. A wait (for a number, for a carrier's word to age) is part of the moment, since only
    webhooks and departures change anything else.
    """
    if not known.placed or order.test or not order.email:
        return {}
    ended, due = known.ended(order), dict[Key, float]()
    if ended is None:
        due["thank_you", order.id] = order.placed
        due |= after_delivery(order, known, done, newer, estimates)
    if not order.pos:
        due |= news(order, known, carried, ended, estimates, readings)
    return {key: at for key, at in due.items() if key not in done}


def news(
    order: Order,
    known: Known,
    carried: set[int],
    ended: float | None,
    estimates: dict[int, float],
    readings: Readings,
) -> dict[Key, float]:
    """`shipped` and `delivered` of each parcel on its way."""
    due: dict[Key, float] = {}
    parcels = sorted(known.parcels.values(), key=lambda p: (p.shipped, p.index))
    if ended is not None and not readings.news_after_exit:
        parcels = [p for p in parcels if p.shipped <= ended]
    if ended is None and not readings.refunded_parcels_told:
        parcels = [p for p in parcels if not p.lines <= set(known.refunds)]
    untold = [p for p in parcels if p.index not in carried]
    if order.ships and untold:
        wait = 10 * MINUTE if all(p.numbered for p in untold) else 2 * HOUR
        due["shipped", str(untold[0].index)] = untold[0].shipped + wait
    for p in parcels:
        due["delivered", str(p.index)] = (
            known.delivered.get(p.index, estimates.get(p.index, float("inf"))) if order.ships else p.shipped
        )
    return due


def after_delivery(
    order: Order,
    known: Known,
    done: dict[Key, float],
    newer: bool,
    estimates: dict[int, float],
) -> dict[Key, float]:
    """Survey, cross-sell and follow-up: once every line that counts is delivered, or by estimate taken to be."""
    due: dict[Key, float] = {}
    sold = ("cross_sell", order.id)
    if sold in done and not newer:
        due["cross_sell_follow_up", order.id] = done[sold] + 3 * DAY
    needed = (order.ships or set(order.lines)) - set(known.refunds)
    parcels = [p for p in known.parcels.values() if p.lines & needed]
    if not needed or not needed <= frozenset().union(*(p.lines for p in parcels)):
        return due
    last = wait = 0.0
    for p in parcels:
        if order.pos or not order.ships:
            last = max(last, p.shipped)
        elif p.index in known.delivered:
            last = max(last, known.delivered[p.index])
        else:
            last = max(last, estimates.get(p.index, float("inf")))
            said, word = known.words.get(p.index, (0.0, ""))
            if word in HOLDING:
                return due
            wait = max(wait, said + 5 * DAY if word == "in_transit" else 0.0)
    due["survey", order.id] = max(last + 4 * DAY, wait)
    if not newer:
        due[sold] = max(order.placed + 7 * DAY, last + DAY, wait)
    return due
