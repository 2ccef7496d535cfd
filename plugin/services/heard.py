"""The nodes of an API's answer as what a shop told: one `Told` for each, and none for what a schema refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from plugin.services.batch import Told
from plugin.services.context import Context
from schemas.events import ConsentChanged, Event
from schemas.shopify.admin.nodes import Node
from schemas.shopify.admin.orders import order_events
from schemas.shopify.admin.people import customer_events, product_events
from schemas.shopify.base import Rejected

log = logging.getLogger(__name__)


def orders(ctx: Context, nodes: Iterable[Node], asked_at: datetime) -> list[Told]:
    """`asked_at` (business time): when it was true, so that of two snapshots of one second the later read one holds."""
    return _told(ctx, "orders", nodes, order_events, asked_at)


def products(ctx: Context, nodes: Iterable[Node], asked_at: datetime) -> list[Told]:
    return _told(ctx, "products", nodes, product_events, asked_at)


def consents(ctx: Context, nodes: Iterable[Node], asked_at: datetime) -> list[Told]:
    """Of customers only the words about consent: names and the rest come with the orders of those who order."""
    told = _told(ctx, "customers", nodes, customer_events, asked_at)
    kept = (replace(one, events=tuple(_consent_words(one.events))) for one in told)
    return [one for one in kept if one.events]


def whole_second(moment: str) -> str:
    """An ISO moment as Shopify's search takes it."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _consent_words(events: Iterable[Event]) -> Iterable[Event]:
    """Those that say something: "not subscribed" without a moment is what everybody begins with."""
    for event in events:
        if isinstance(event, ConsentChanged) and (event.at or event.state in ("subscribed", "unsubscribed")):
            yield event


def _told(
    ctx: Context, kind: str, nodes: Iterable[Node], read: Callable[[Node], tuple[Event, ...]], asked_at: datetime
) -> list[Told]:
    found = []
    for node in nodes:
        try:
            events = read(node)
        except Rejected as exc:
            # Names of fields, never what is in them.
            log.warning("node_rejected", extra={"kind": kind, "fields": ",".join(e["field"] for e in exc.errors)[:200]})
            continue
        found.append(Told(0, f"{kind} (API)", ctx.clock.now(), asked_at, events))
    return found
