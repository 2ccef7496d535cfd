"""Lays what arrived beside what was expected and names every offence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.replay.ledger import DAY, MINUTE, readable
from tests.replay.mails import Arrival
from tests.replay.oracle import Expected
from tests.replay.rules import STEPS

OFFENCES = ("missing", "late", "early", "unexpected", "duplicated", "language", "malformed")
MARKS = (50, 95, 99, 100)


@dataclass
class Judgement:
    """Who met whom, and the offences by kind; each tells its step and all that is known of it."""

    pairs: list[tuple[Expected, Arrival]] = field(default_factory=list)
    offences: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in OFFENCES})
    forgone: list[Expected] = field(default_factory=list)  # allowed, and did not come

    @property
    def clean(self) -> bool:
        return not any(self.offences.values())


def judge(
    expected: list[Expected],
    arrivals: list[Arrival],
    *,
    tolerance: float,
    slack: float,
    cutoff: float = float("inf"),
) -> Judgement:
    """`tolerance` as the oracle had it; `slack`: virtual seconds that clocks and whole seconds may differ by.

    What arrived after `cutoff` is left out, and so must be what the oracle expects after it.
    """
    result = Judgement()
    firsts = drop_repeated([a for a in arrivals if a.at <= cutoff], result)
    plain = [e for e in expected if e.step != "cross_sell_follow_up"]
    met = match(plain, [a for a in firsts if a.step != "cross_sell_follow_up"], slack)
    sold = {e.order_id: a.at for e, a in met if e.step == "cross_sell"}
    follow_ups = [
        moved(e, sold[e.order_id], tolerance, cutoff)
        for e in expected
        if e.step == "cross_sell_follow_up" and e.order_id in sold
    ]
    met += match(follow_ups, [a for a in firsts if a.step == "cross_sell_follow_up"], slack)
    result.pairs = met
    taken, came = {id(e) for e, _ in met}, {a.id for _, a in met}
    for e in plain + follow_ups:
        if id(e) not in taken:
            if e.demanded:
                result.offences["missing"].append(told(e))
            else:
                result.forgone.append(e)
    for a in firsts:
        if a.id not in came:
            result.offences["unexpected"].append(told(arrival=a))
    for e, a in met:
        if a.at > e.deadline + slack:
            result.offences["late"].append(told(e, a) | {"by_seconds": round(a.at - e.deadline)})
        if a.at < e.earliest - slack:
            result.offences["early"].append(told(e, a) | {"by_seconds": round(e.earliest - a.at)})
        if a.language != e.language:
            result.offences["language"].append(told(e, a))
        if a.faults:
            result.offences["malformed"].append(told(e, a))
    return result


def moved(e: Expected, sold: float, tolerance: float, cutoff: float) -> Expected:
    """A follow-up counted from its cross-sell's arrival, which may be recorded up to a tolerance earlier."""
    due = sold + 3 * DAY
    return replace(
        e,
        due_at=due,
        known_at=sold,
        earliest=due - tolerance,
        deadline=due + tolerance,
        demanded=e.demanded and due + tolerance <= cutoff,
    )


def drop_repeated(arrivals: list[Arrival], result: Judgement) -> list[Arrival]:
    """The first arrival of each key; every other with its X-Entity-Ref-ID or its Message-ID is an offence."""
    refs, ids, firsts = dict[str, Arrival](), dict[str, Arrival](), list[Arrival]()
    for a in sorted(arrivals, key=lambda a: (a.at, int(a.id))):
        by_ref, by_id = refs.get(a.ref) if a.ref else None, ids.get(a.message_id) if a.message_id else None
        same = [(name, seen) for name, seen in (("X-Entity-Ref-ID", by_ref), ("Message-ID", by_id)) if seen]
        if same:
            result.offences["duplicated"].append(
                told(arrival=a) | {"same": [name for name, _ in same], "first": readable(same[0][1].at)}
            )
        else:
            firsts.append(a)
        refs.setdefault(a.ref, a)
        ids.setdefault(a.message_id, a)
    return firsts


def match(expected: list[Expected], arrivals: list[Arrival], slack: float) -> list[tuple[Expected, Arrival]]:
    """Give each arrival at most one expected message of its step and address, and of its order if it names one.

    First as many as possible in their windows, the demanded before the allowed; then what is left, early or late.
    """
    by_key: dict[tuple[str, str], list[Arrival]] = {}
    for a in arrivals:
        by_key.setdefault((a.to, a.step), []).append(a)
    names = {e.name for e in expected}

    def could(e: Expected, a: Arrival) -> bool:
        return e.name in a.names or not a.names & names

    def fits(e: Expected, a: Arrival) -> bool:
        return could(e, a) and e.earliest - slack <= a.at <= e.deadline + slack

    holder: dict[str, Expected] = {}  # arrival id -> who has it

    def place(e: Expected, tried: set[str], fit: Callable[[Expected, Arrival], bool]) -> bool:
        for a in by_key.get((e.to, e.step), []):
            if a.id not in tried and fit(e, a):
                tried.add(a.id)
                if a.id not in holder or place(holder[a.id], tried, fit):
                    holder[a.id] = e
                    return True
        return False

    order = sorted(expected, key=lambda e: (not e.demanded, e.due_at))
    left = [e for e in order if not place(e, set(), fits)]
    taken = set(holder)
    for e in left:  # those in their windows keep what they have
        place(e, set(taken), could)
    own = {a.id: a for a in arrivals}
    return [(e, own[id]) for id, e in holder.items()]


def told(e: Expected | None = None, arrival: Arrival | None = None) -> dict[str, Any]:
    """An offence for the report, with readable moments."""
    entry: dict[str, Any] = {"step": e.step if e else arrival.step if arrival else ""}
    if e:
        moments = ("due_at", "known_at", "earliest", "deadline")
        entry["expected"] = {k: readable(v) if k in moments else v for k, v in asdict(e).items()}
    if arrival:
        entry["arrival"] = asdict(arrival) | {"at": readable(arrival.at), "names": sorted(arrival.names)}
    return entry


def lateness(pairs: Iterable[tuple[Expected, Arrival]], tolerance: float, step: str = "") -> dict[str, float]:
    """Virtual seconds from due and known to arrival (p50 to p100), over messages whose moment nothing leaves open."""
    waits = sorted(
        a.at - max(e.due_at, e.known_at)
        for e, a in pairs
        if (not step or e.step == step) and abs(e.deadline - tolerance - max(e.due_at, e.known_at)) < MINUTE
    )
    return {f"p{p}": round(waits[max(0, -(-len(waits) * p // 100) - 1)], 1) for p in MARKS} if waits else {}


def table(result: Judgement, expected: list[Expected], tolerance: float, speed: float) -> list[dict[str, Any]]:
    """Counts by step and in all: demanded, arrived, allowed (and how many of these came), offences, lateness."""
    met = Counter((e.step, e.demanded) for e, _ in result.pairs)
    rows = []
    for step in (*STEPS, *sorted({o["step"] for kind in result.offences.values() for o in kind} - set(STEPS)), "all"):
        mine = [s for s in STEPS if step in (s, "all")]
        row: dict[str, Any] = {"step": step or "(none)"}
        row["demanded"] = sum(m for (s, must), m in met.items() if must and s in mine) + sum(
            o["step"] in mine for o in result.offences["missing"]
        )
        row["arrived"] = sum(m for (s, must), m in met.items() if must and s in mine)
        row["allowed"] = sum(e.step in mine and not e.demanded for e in expected)
        row["allowed_came"] = sum(m for (s, must), m in met.items() if not must and s in mine)
        for kind in OFFENCES:
            row[kind] = sum(step in (o["step"], "all") for o in result.offences[kind])
        waits = lateness(result.pairs, tolerance, "" if step == "all" else step)
        row["late_real_s"] = {mark: round(wait / speed, 3) for mark, wait in waits.items()}
        rows.append(row)
    return rows


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The table as text."""
    heads = ["step", "demanded", "arrived", "allowed", "allowed_came", *OFFENCES]
    widths = [max(len(h), *(len(str(r[h])) for r in rows)) for h in heads]
    text = [
        "  ".join(h.rjust(w) if i else h.ljust(w) for i, (h, w) in enumerate(zip(heads, widths, strict=True)))
        + "  seconds late p50/p95/p99/max"
    ]
    for r in rows:
        cells = [str(r[h]).rjust(w) for h, w in zip(heads, widths, strict=True)]
        cells[0] = cells[0].strip().ljust(widths[0])
        text.append("  ".join(cells) + "  " + " / ".join(f"{v:.2f}" for v in r["late_real_s"].values()))
    return text
