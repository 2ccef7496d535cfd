"""What the timeline demands of a replay: every message with its window, and what late webhooks leave open.

The flow is played many times over the ledger's webhooks, each time as another app could rightly have lived it: webhooks
worked on at once or at the end of the tolerance, messages leaving at once or just in time, estimates made a moment
earlier or later, and the design's open words read the other way. A message that leaves in all of these lives is
demanded, one that leaves in some is allowed, and whatever leaves in none must not be at the sink.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tests.replay.estimates import Estimate, estimates
from tests.replay.ledger import Order, Told
from tests.replay.rules import STALE, Key, Known, Readings, plan

NEVER = float("inf")
PLAINEST = Readings()
CHECKBOX, OPTED_OUT, OPTED_IN = 0, 2, 1


@dataclass(frozen=True)
class Expected:
    """One message of an order. Moments are virtual seconds.

    It may arrive from `earliest` and must by `deadline`; `due_at` and `known_at` (when the last webhook it needs was
    first delivered) are those of the plainest life. A follow-up is demanded if its cross-sell left, and its window
    moves with it.
    """

    order_id: str
    name: str
    step: str
    subject: str
    to: str
    language: str
    due_at: float
    known_at: float
    earliest: float
    deadline: float
    demanded: bool
    why: str = ""  # what an allowed message depends on


@dataclass
class Open:
    """A planned message: it is right from `ready`, known since `known`, and leaves at `leaves`."""

    ready: float
    known: float
    leaves: float

    @property
    def since(self) -> float:
        return max(self.ready, self.known)


@dataclass(frozen=True)
class Life:
    """One way an app may rightly live through the ledger. Lags are shares of the tolerance: a number, or drawn anew."""

    name: str
    readings: Readings = PLAINEST
    webhook_lag: float | None = 0.0
    sending_lag: float | None = 0.0
    estimate: str | None = "middle"
    seed: int = 0


def lives(count: int, readings: bool, seed: int = 1) -> Iterator[Life]:
    """The plain life first, then the corners, each open reading alone, and so many random mixtures of all."""
    yield Life("plain")
    for webhook, sending in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        for estimate in ("low", "high"):
            name = f"webhooks lag {webhook:.0f}, sending lags {sending:.0f}, {estimate} estimates"
            yield Life(name, PLAINEST, webhook, sending, estimate)
    others: list[dict[str, Any]] = []
    for change in fields(Readings) if readings else ():
        others += [
            {change.name: value} for value in (("name", "id") if change.name == "ties" else (not change.default,))
        ]
    for other in others:
        yield Life("reading " + " ".join(f"{k}={v}" for k, v in other.items()), replace(PLAINEST, **other))
    rng = random.Random(seed)
    for turn in range(count):
        mixed: dict[str, Any] = {}
        for other in others:
            if rng.random() < 0.4:
                mixed |= other
        yield Life(f"mixture {turn}", replace(PLAINEST, **mixed), None, None, None, seed=seed * 1000 + turn)


@dataclass
class Playing:
    """Plays one life over the orders of one customer, who share consent and end each other's cross-sells."""

    orders: list[Order]
    subscribers: frozenset[str]
    estimates: dict[tuple[str, int], Estimate]
    tolerance: float
    life: Life
    left: dict[tuple[str, Key], Open] = field(default_factory=dict)

    def play(self) -> dict[tuple[str, Key], Open]:
        """What left, by order id and key."""
        rng = random.Random(f"{self.life.seed}:{self.orders[0].id}")
        self.rng, life = rng, self.life
        self.known = {o.id: Known() for o in self.orders}
        self.done: dict[str, dict[Key, float]] = {o.id: {} for o in self.orders}
        self.carried: dict[str, set[int]] = {o.id: set() for o in self.orders}
        self.open: dict[tuple[str, Key], Open] = {}
        self.lags: dict[tuple[str, Key], float] = {}
        self.words: list[tuple[float, int]] = []
        self.guess = {
            o.id: {
                n: getattr(e, life.estimate or rng.choice(("low", "middle", "high")))
                for (order_id, n), e in self.estimates.items()
                if order_id == o.id
            }
            for o in self.orders
        }
        for worked, order, told in self.worked_on():
            self.depart(worked)
            self.learn(order, told, worked, told.at)
        self.depart(NEVER)
        return self.left

    def worked_on(self) -> list[tuple[float, Order, Told]]:
        """The customer's webhooks and when each is worked on: none after one that came later."""
        hooks = [(order, told) for order in self.orders for told in order.told]
        hooks.sort(key=lambda hook: (hook[1].at, hook[1].fact, hook[1].topic, hook[0].id))
        work, worked = list[tuple[float, Order, Told]](), NEVER
        for order, told in reversed(hooks):
            worked = min(worked, told.at + self.lag(self.life.webhook_lag))
            work.append((worked, order, told))
        return work[::-1]

    def lag(self, share: float | None) -> float:
        """Virtual seconds: a share of the tolerance, else nothing, all of it or something between."""
        if share is None:
            share = self.rng.choice((0.0, 1.0, self.rng.random()))
        return share * self.tolerance

    def learn(self, order: Order, told: Told, worked: float, sent: float) -> None:
        known = self.known[order.id]
        if told.topic.startswith("customer"):
            fact = order.facts[told.fact]
            if fact.what == "consent":
                self.words.append((fact.at, OPTED_IN if fact.details["state"] == "subscribed" else OPTED_OUT))
            return
        before = known.placed, known.cancelled, known.emptied(order)
        known.learn(order, told, self.life.readings)
        alone = before == (known.placed, known.cancelled, known.emptied(order))
        if known.placed and not before[0] and order.email in self.subscribers:
            self.words.append((order.placed, CHECKBOX))
        self.replan([order] if alone else self.orders, worked, sent)

    def replan(self, orders: list[Order], now: float, sent: float) -> None:
        """Compare the plan with what is open. `sent`: when the news that led to this was delivered."""
        for order in orders:
            planned = plan(
                order,
                self.known[order.id],
                self.done[order.id],
                self.carried[order.id],
                self.newer(order),
                self.guess[order.id],
                self.life.readings,
            )
            for gone in [k for k in self.open if k[0] == order.id and k[1] not in planned]:
                del self.open[gone]
            for key, ready in planned.items():
                old = self.open.get((order.id, key))
                if ready == NEVER:
                    self.open.pop((order.id, key), None)
                elif old is None or (old.ready != ready and not (old.since <= now and ready <= now)):
                    if (order.id, key) not in self.lags:
                        self.lags[order.id, key] = self.lag(self.life.sending_lag)
                    leaves = min(max(ready, now) + self.lags[order.id, key], max(ready, sent) + self.tolerance)
                    self.open[order.id, key] = Open(ready, sent, max(leaves, now))

    def newer(self, order: Order) -> bool:
        """Whether the customer has bought since, as far as is known."""

        def counts(other: Order) -> bool:
            known, readings = self.known[other.id], self.life.readings
            if other is order or other.test or not known.placed or known.cancelled is not None:
                return False
            if readings.refund_unbuys and known.emptied(other) is not None:
                return False
            if other.placed == order.placed:
                by = {"name": other.name > order.name, "id": int(other.id) > int(order.id)}
                return by.get(readings.ties, False)
            return other.placed > order.placed

        return order.customer is not None and any(counts(other) for other in self.orders)

    def depart(self, until: float) -> None:
        """Let everything leave that leaves before `until`."""
        while self.open:
            (order_id, key), message = min(self.open.items(), key=lambda x: (x[1].leaves, x[0]))
            if message.leaves >= until:
                return
            del self.open[order_id, key]
            order = next(o for o in self.orders if o.id == order_id)
            self.done[order_id][key] = message.leaves
            fresh = message.leaves <= message.ready + STALE[key[0]]
            if fresh and self.may(key[0]):
                self.left[order_id, key] = message
            elif key[0] == "cross_sell":
                self.done[order_id][key] = NEVER
            if key[0] == "shipped":  # one that went stale is the last word on its parcels too
                self.carried[order_id] |= self.known[order_id].parcels.keys()
            self.replan([order], message.leaves, message.leaves)

    def may(self, step: str) -> bool:
        """The gate of the step's class, on the words about consent that are known by now."""
        explicit = max((w for w in self.words if w[1] != CHECKBOX), default=None)
        if explicit and explicit[1] == OPTED_OUT:
            return step in ("thank_you", "shipped", "delivered")
        return not step.startswith("cross_sell") or bool(self.words)


def customers(orders: list[Order]) -> list[list[Order]]:
    """The orders of each customer; each order without one stands alone."""
    groups: dict[str, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.customer or f"order {order.id}", []).append(order)
    return list(groups.values())


def expect(
    orders: list[Order],
    subscribers: frozenset[str],
    *,
    tolerance: float,
    cutoff: float = NEVER,
    mixtures: int = 30,
    readings: bool = True,
) -> list[Expected]:
    """Every message that is demanded or allowed before `cutoff`, in order of their being due.

    `tolerance`: virtual seconds from a message being due and known until it must have arrived. `readings`: allow what
    the design's open words bear, not the plainest alone.
    """
    guesses, found = estimates(orders, tolerance), list[Expected]()
    by_order: dict[str, dict[tuple[str, int], Estimate]] = {}
    for key, guess in guesses.items():
        by_order.setdefault(key[0], {})[key] = guess
    for group in customers(orders):
        own = {key: guess for order in group for key, guess in by_order.get(order.id, {}).items()}
        played = [
            (life, Playing(group, subscribers, own, tolerance, life).play()) for life in lives(mixtures, readings)
        ]
        found += [e for order in group for e in judged(order, played, tolerance, cutoff)]
    return sorted(found, key=lambda e: (e.due_at, e.name, e.step))


def judged(
    order: Order,
    played: list[tuple[Life, dict[tuple[str, Key], Open]]],
    tolerance: float,
    cutoff: float,
) -> Iterator[Expected]:
    """The messages of one order over all lives."""
    sold = order.id, ("cross_sell", order.id)
    for key in dict.fromkeys(k[1] for _, left in played for k in left if k[0] == order.id):
        among = [(life, left) for life, left in played if key[0] != "cross_sell_follow_up" or sold in left]
        ways = [(life, left.get((order.id, key))) for life, left in among]
        sent = [way for _, way in ways if way]
        first, deadline = sent[0], max(way.since for way in sent) + tolerance
        earliest = min(way.since for way in sent)
        if earliest > cutoff:
            continue
        missing = [life.name for life, way in ways if not way]
        why = f"left in {len(sent)} of {len(ways)} lives; not in: {'; '.join(missing[:3])}" if missing else ""
        yield Expected(
            order.id,
            order.name,
            key[0],
            key[1],
            order.email or "",
            order.language,
            first.ready,
            first.known,
            earliest,
            deadline,
            not missing and deadline <= cutoff,
            why or ("" if deadline <= cutoff else "the replay ends before"),
        )
