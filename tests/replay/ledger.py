"""What the twin's ledger says of every order: what happened when, and when each webhook first told of it.

Moments are floats: virtual seconds since 1970 UTC (the rules are arithmetic on them, and run some ten thousand times).
Nothing here reads Dasi's own code.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def moment(text: str) -> float:
    """Virtual seconds of an ISO 8601 time; without an offset it is UTC."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def readable(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Fact:
    """One thing that happened: customer, consent, placed, noise, cancelled, shipped, tracking, in_transit,
    out_for_delivery, delivered or refunded. `details` as in the ledger."""

    at: float
    what: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """A webhook of the fact number `fact` (from 0), delivered for the first time at `at`."""

    at: float
    fact: int
    topic: str


@dataclass(frozen=True)
class Order:
    """An order and its life. `ships`: the ids of the lines that need shipping, of all `lines`."""

    id: str
    name: str
    kind: str
    email: str | None
    customer: str | None
    placed: float
    country: str | None
    locale: str | None
    lines: tuple[str, ...]
    ships: frozenset[str]
    facts: tuple[Fact, ...]
    told: tuple[Told, ...]

    @property
    def test(self) -> bool:
        return self.kind == "test"

    @property
    def pos(self) -> bool:
        return self.kind.startswith("pos")

    @property
    def language(self) -> str:
        """The order's locale, else the shop's, else English; the twin's shop tells none."""
        return "ko" if (self.locale or "").lower().startswith("ko") else "en"


def webhook_event_id(order_id: str, fact: int) -> str:
    """The id that all webhooks of an order's fact number `fact` (from 0) share."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{order_id}:{fact + 1}"))


def order_of(entry: dict[str, Any]) -> Order:
    """One line of the ledger. Raises ValueError when a delivery belongs to none of the order's facts."""
    known = ("at", "what", "topics")
    facts = tuple(
        Fact(moment(e["at"]), e["what"], {k: v for k, v in e.items() if k not in known}) for e in entry["events"]
    )
    number = {webhook_event_id(entry["order_id"], i): i for i in range(len(facts))}
    first: dict[tuple[int, str], float] = {}
    for delivery in entry["deliveries"]:
        if delivery.get("note") == "lost":
            continue
        if delivery["event_id"] not in number:
            raise ValueError(f"order {entry['name']}: no fact has the event id {delivery['event_id']}")
        key = number[delivery["event_id"]], delivery["topic"]
        first[key] = min(moment(delivery["at"]), first.get(key, float("inf")))
    return Order(
        id=entry["order_id"],
        name=entry["name"],
        kind=entry["kind"],
        email=(entry["email"] or "").lower() or None,
        customer=(entry["customer"] or {}).get("id"),
        placed=moment(entry["placed_at"]),
        country=entry["country_code"],
        locale=entry["locale"],
        lines=tuple(line["id"] for line in entry["lines"]),
        ships=frozenset(line["id"] for line in entry["lines"] if line["requires_shipping"]),
        facts=facts,
        told=tuple(Told(at, fact, topic) for (fact, topic), at in sorted(first.items(), key=lambda x: (x[1], x[0]))),
    )


def read_ledger(path: Path) -> list[Order]:
    with path.open() as file:
        return [order_of(json.loads(line)) for line in file if line.strip()]


def subscribers(orders: Iterable[Order], known_before: Iterable[str] = ()) -> frozenset[str]:
    """The addresses whose owners tick the checkbox at every order.

    The ledger does not show the checkbox. The twin's person ticks it exactly when a consent topic subscribed them, or
    when the API would have told of a subscription before the replay began (`known_before`: those addresses).
    """
    yes = {
        o.email
        for o in orders
        for f in o.facts
        if f.what == "consent" and f.details.get("state") == "subscribed" and o.email
    }
    return frozenset(yes | {address.lower() for address in known_before})


def read_subscribers(path: Path) -> frozenset[str]:
    """`subscribers` of a ledger, with those who had consented before it begins."""
    entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    before = [
        e["customer"]["email"]
        for e in entries
        if e["customer"] and e["customer"]["consent_at_start"] == "subscribed" and e["customer"]["email"]
    ]
    return subscribers([order_of(e) for e in entries], before)
