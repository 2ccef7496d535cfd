"""What must hold after any fault: nothing accepted is lost, no due message is lost, none left too often."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.config import load
from plugin.domain.flows import State
from plugin.services.context import build
from plugin.services.plan import plan_orders
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.faults.plant import Plant
from tests.replay.ledger import webhook_event_id

WORKERS = ("worker-1", "worker-2")
MESSAGES = """SELECT m.id, m.step, m.state, m.reason, m.error, m.attempts, m.message_class, m.ready_at, m.due_at,
s.code || '/' || m.flow || '/' || m.step || '/' || m.subject || '/' || m.channel || '/' || m.copy AS key
FROM messages m JOIN shops s ON s.id = m.shop_id"""


@dataclass
class Findings:
    """A scenario's figures, for the table, and its offences, in plain words: none is a pass."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    offences: list[str] = field(default_factory=list)
    skipped: str | None = None

    def check(self, good: bool, offence: str) -> None:
        if not good:
            self.offences.append(offence)

    def none(self, found: list[Any] | set[Any], offence: str) -> None:
        if found:
            self.offences.append(f"{len(found)} {offence}, e.g. {sorted(map(str, found))[:3]}")


def webhooks(plant: Plant, findings: Findings, accepted: set[str]) -> None:
    """Every webhook that was answered 2xx has a receipt that was understood."""
    rows = {r["webhook_id"]: r for r in plant.sql("SELECT webhook_id, topic, state, reason FROM receipts")}
    findings.figures["webhooks accepted"] = len(accepted)
    findings.none(accepted - rows.keys(), "accepted webhooks have no receipt")
    bad = [f"{r['topic']} {r['state']}: {r['reason']}" for r in rows.values() if r["state"] not in ("done", "kept")]
    findings.none(bad, "receipts were not worked off")


def facts(plant: Plant, findings: Findings, accepted: set[str]) -> None:
    """What the accepted webhooks told, by the ledger, is known."""
    columns = "platform_id, version IS NOT NULL AS told, cancelled_at, refunds::text <> '{}' AS refunded"
    orders = {r["platform_id"]: r for r in plant.sql(f"SELECT {columns} FROM orders")}  # noqa: S608
    parcels = {r["platform_id"]: r for r in plant.sql("SELECT platform_id, version, delivered_at FROM parcels")}
    lost, looked_at = [], 0
    for entry in map(json.loads, (plant.run / "ledger.jsonl").read_text().splitlines()):
        told = {(d["event_id"], d["topic"]) for d in entry["deliveries"] if d["webhook_id"] in accepted}
        order, parcel_ids = orders.get(entry["order_id"], {}), {}
        for number, fact in enumerate(entry["events"]):
            topics = {topic for event, topic in told if event == webhook_event_id(entry["order_id"], number)}
            if fact["what"] == "shipped":
                parcel_ids[fact["parcel"]] = fact["fulfillment_id"]
            parcel = parcels.get(parcel_ids.get(fact.get("parcel"), ""), {})
            known = {
                ("placed", "orders/create"): order.get("told"),
                ("cancelled", "orders/cancelled"): order.get("cancelled_at"),
                ("refunded", "refunds/create"): order.get("refunded"),
                ("shipped", "fulfillments/create"): parcel.get("version"),
                ("delivered", "fulfillment_events/create"): parcel.get("delivered_at"),
            }
            for (what, topic), value in known.items():
                if what == fact["what"] and topic in topics:
                    looked_at += 1
                    if not value:
                        lost.append(f"{entry['name']} {what}")
    findings.figures["facts checked"] = looked_at
    findings.check(looked_at > 0, "no fact was looked at")
    findings.none(lost, "facts of accepted webhooks are not known")


def arrivals(plant: Plant) -> dict[str, list[dict[str, Any]]]:
    """The sink's messages by X-Entity-Ref-ID."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    listed = requests.get(f"{plant.sink}/messages?limit=10000000", timeout=120).json()["messages"]
    for message in listed:
        found[message["ref"]].append(message)
    return found


def messages(plant: Plant, findings: Findings, at_most: int | None = None) -> list[dict[str, Any]]:
    """The calendar beside the sink. `at_most`: so many unknown outcomes there can have been. The rows."""
    rows, came = plant.sql(MESSAGES), arrivals(plant)
    by_key = {row["key"]: row for row in rows}
    open_states = ("planned", "queued", "sending")
    waiting = [r["key"] for r in rows if r["state"] in open_states and r["ready_at"] <= plant.settled_at]
    sent = {r["key"] for r in rows if r["state"] == "sent"}
    surplus = {key: len(each) - 1 for key, each in came.items() if len(each) > 1}
    unknown = unknown_outcomes(plant)
    logged = Counter(str(record["message_id"]) for record in unknown)
    findings.none(waiting, "due messages were left behind")
    findings.none(came.keys() - by_key.keys(), "arrivals belong to no message")
    findings.none(sent - came.keys(), "messages are recorded as sent and never arrived")
    findings.none([k for k, each in came.items() if len({m["message_id"] for m in each}) > 1], "changed Message-ID")
    known = {k: r for k, r in by_key.items() if k in came}
    twice = [k for k in surplus if k in known and known[k]["message_class"] == "marketing"]
    findings.none(twice, "marketing messages left more than once")
    more = [k for k, n in surplus.items() if k in known and n > logged[str(known[k]["id"])]]
    findings.none(more, "messages left more often than their unknown outcomes allow")
    unsaid = [
        k for k, r in known.items() if r["state"] != "sent" and not (r["error"] or r["reason"] == "outcome unknown")
    ]
    findings.none(unsaid, "messages arrived and neither are sent nor have an unknown outcome on record")
    if at_most is not None:
        findings.check(sum(surplus.values()) <= at_most, f"{sum(surplus.values())} repeated, at most {at_most} may be")
        findings.check(len(unknown) <= at_most, f"{len(unknown)} unknown outcomes, at most {at_most} there can be")
    findings.figures |= {
        "messages sent": len(sent),
        "of them marketing": sum(by_key[k]["message_class"] == "marketing" for k in sent),
        "unknown outcomes": len(unknown),
        "left twice": sum(surplus.values()),
        "gave up (marketing, outcome unknown)": sum(r["reason"] == "outcome unknown" for r in rows),
        "withheld as stale": sum(r["state"] == "withheld" and r["reason"].startswith("too late") for r in rows),
        "failed otherwise": sum(r["state"] == "failed" and r["reason"] != "outcome unknown" for r in rows),
    }
    findings.none(
        [r["reason"] for r in rows if r["state"] == "failed" and r["reason"] != "outcome unknown"], "messages failed"
    )
    return rows


def unknown_outcomes(plant: Plant) -> list[dict[str, Any]]:
    return plant.logged("outcome_unknown", *WORKERS)


def plans(plant: Plant, findings: Findings) -> None:
    """Planning every order anew changes nothing, staleness apart: no fact was recorded without its plan."""
    ctx = build(load(plant.env))
    changed = []
    with ctx.database.reading() as session:
        ids = list(session.scalars(select(Order.id).order_by(Order.id)))
    for start in range(0, len(ids), 200):
        with ctx.database.engine.connect() as connection, connection.begin() as transaction:
            session = Session(connection, expire_on_commit=False)
            chosen = ids[start : start + 200]
            columns = select(Message.id, Message.step, Message.state, Message.due_at).where(
                Message.order_id.in_(chosen)
            )
            before = {row.id: row for row in session.execute(columns)}
            plan_orders(session, ctx, session.scalars(select(Shop)).one(), chosen)
            session.flush()
            after = {row.id: row for row in session.execute(columns)}
            transaction.rollback()
        for id_ in before.keys() | after.keys():
            old, new = before.get(id_), after.get(id_)
            if old != new and not (old and new and new.state == State.WITHHELD):
                changed.append(f"{old} -> {new}")
    ctx.database.dispose()
    findings.figures["plans checked"] = len(ids)
    findings.none(changed, "plans do not follow from the facts")
