"""What arrived beside what the independent oracle of the replay demands, when the clock ran evenly."""

from __future__ import annotations

from typing import Any

import requests

from tests.faults.audit import Findings
from tests.faults.parts import START
from tests.faults.plant import Plant
from tests.faults.sizes import Size
from tests.replay.compare import judge
from tests.replay.ledger import DAY, read_ledger, read_subscribers
from tests.replay.mails import Arrival, arrival_of
from tests.replay.oracle import expect


def compare(plant: Plant, found: Findings, size: Size, tolerance: float, repeats: bool = True) -> None:
    """`tolerance`: real seconds that any message or webhook may be late by. `repeats`: others count them."""
    virtual = tolerance * plant.clock.speed
    begin = START.timestamp()
    cutoff = min(begin + size.until_days * DAY, plant.clock.now.timestamp())
    ledger = plant.run / "ledger.jsonl"
    expected = expect(read_ledger(ledger), read_subscribers(ledger), tolerance=virtual, cutoff=cutoff, mixtures=20)
    result = judge(
        expected, collect(plant), tolerance=virtual, slack=max(2.0, 0.002 * plant.clock.speed), cutoff=cutoff
    )
    kinds = [kind for kind in result.offences if not (repeats and kind == "duplicated")]
    demanded = sum(e.demanded for e in expected)
    found.figures |= {"demanded by the oracle": demanded, "allowed by the oracle": len(expected) - demanded}
    for kind in kinds:
        found.none([brief(o) for o in result.offences[kind]], f"{kind} by the oracle")


def collect(plant: Plant) -> list[Arrival]:
    with requests.Session() as session:
        listed = session.get(f"{plant.sink}/messages?limit=10000000", timeout=120).json()["messages"]
        full = (session.get(f"{plant.sink}/messages/{m['id']}", timeout=30).json() for m in listed)
        return [arrival_of(message, lambda real: plant.clock.at(real).timestamp()) for message in full]


def brief(offence: dict[str, Any]) -> str:
    expected, arrival = offence.get("expected", {}), offence.get("arrival", {})
    name = expected.get("name") or ",".join(arrival.get("names", []))
    return f"{offence['step']} {name} {expected.get('deadline', '')} {arrival.get('at', '')}"
