"""Once an hour: what changed in a shop without our hearing of it, because a webhook never came.

A cheap list of what changed since the last time is compared with what we know; only orders that we are behind on are
read whole, and fed in as if their webhooks had come. Consents and products that changed are simply read again. What the
shop deleted is in no list: orders that will be written to soon are asked for by their ids (`gone_orders`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.platforms.shopify.errors import AccessDenied
from plugin.services import errands, heard
from plugin.services.admin_api import admin
from plugin.services.api_pages import LARGEST, NOTHING, page
from plugin.services.batch import Told
from plugin.services.context import Context
from plugin.services.errands import Claimed, JsonState
from plugin.services.gone_orders import deleted, due_orders
from plugin.services.telling import feed
from plugin.services.whole_orders import fetch
from plugin.store.models.orders import Order
from schemas.shopify.admin.nodes import Node, number, word

EVERY = timedelta(hours=1)  # of machine time
OVERLAP = timedelta(minutes=15)  # of business time: the platform's search index lags behind
UNDER_WAY = timedelta(minutes=2)  # a webhook so young may still be on its way; the overlap covers it the next time
AT_ONCE = 5  # orders read whole in one step
PATIENCE = 5.0  # seconds that a worker waits for one of them
_FIRST_SIZES = {"orders": LARGEST, "customers": 100, "products": 25, "gone": LARGEST}
_KINDS = tuple(_FIRST_SIZES)

log = logging.getLogger(__name__)


def step(ctx: Context, claimed: Claimed) -> None:
    """One page, or some orders. Raises what the API's client does, LostClaim, NoToken."""
    state = claimed.state
    if "to" not in state:
        state = _begin(ctx, state)
    if state["todo"]:
        _read_whole(ctx, claimed, state)
    elif state["kind"] == "orders":
        _compare(ctx, claimed, state)
    elif state["kind"] == "gone":
        _still_there(ctx, claimed, state)
    else:
        _read_again(ctx, claimed, state)


def _begin(ctx: Context, state: JsonState) -> JsonState:
    now = ctx.clock.now()
    through = datetime.fromisoformat(state["through"]) if state.get("through") else now - EVERY
    return {
        "through": through.isoformat(), "from": (through - OVERLAP).isoformat(),
        "to": max(now - UNDER_WAY, through).isoformat(), "found": 0, "todo": [], **_kind(_KINDS[0]),
    }  # fmt: skip


def _kind(name: str) -> JsonState:
    return {"kind": name, "after": None, "size": _FIRST_SIZES[name]}


def _query(state: JsonState) -> str:
    begin, end = (heard.whole_second(state[name]) for name in ("from", "to"))
    return f"updated_at:>='{begin}' updated_at:<='{end}'"


def _compare(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    client = admin(ctx, claimed.shop_id, patience=0)
    found = page(client, "OrdersChanged", "orders", {"query": _query(state)}, state["size"], state["after"])
    with ctx.database.reading() as session:
        behind = _behind(session, claimed.shop_id, found.nodes)
    after = {**state, "after": found.after, "size": found.size, "todo": behind, "found": state["found"] + len(behind)}
    after["last_page"] = found.after is None
    if not behind:
        after = _next_page(after)
    _keep(ctx, claimed, [], after, found.wait)


def _behind(session: Session, shop_id: int, nodes: Sequence[Node]) -> list[str]:
    """Of these orders, those whose newest state we have not heard."""
    told = {ref: node for node in nodes if (ref := number(node.get("id"), "Order"))}
    rows = session.execute(
        select(Order.platform_id, Order.version, Order.told_at, Order.financial_status, Order.cancelled_at).where(
            Order.shop_id == shop_id, Order.platform_id.in_(told)
        )
    )
    level = {row.platform_id for row in rows if row.version and _is_level(row, told[row.platform_id])}
    return sorted(set(told) - level)


def _is_level(row: Any, node: Node) -> bool:
    """Two changes within one second have one `updatedAt`, so what ends an order is compared too."""
    updated_at = datetime.fromisoformat(str(node.get("updatedAt")))
    told_at = row.told_at or datetime.min.replace(tzinfo=UTC)
    same_state = row.financial_status == word(node.get("displayFinancialStatus"))
    return told_at >= updated_at and same_state and bool(row.cancelled_at) == bool(node.get("cancelledAt"))


def _read_whole(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    refs, rest = state["todo"][:AT_ONCE], state["todo"][AT_ONCE:]
    asked_at, client = ctx.clock.now(), admin(ctx, claimed.shop_id, patience=PATIENCE)
    nodes = [node for node in (fetch(client, ref) for ref in refs) if node]
    after = {**state, "todo": rest}
    _keep(ctx, claimed, heard.orders(ctx, nodes, asked_at), after if rest else _next_page(after), 0.0)
    log.info("orders_recovered", extra={"shop": claimed.shop_id, "count": len(nodes)})


def _read_again(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    """Customers' consent, or products, that changed."""
    asked_at, client = ctx.clock.now(), admin(ctx, claimed.shop_id, patience=0)
    document, read = {
        "customers": ("CustomersPage", heard.consents),
        "products": ("ProductsPage", heard.products),
    }[state["kind"]]
    variables = {"query": _query(state), "sort": "UPDATED_AT"}
    try:
        found = page(client, document, state["kind"], variables, state["size"], state["after"])
    except AccessDenied:  # the orders are worth having without these
        found = NOTHING
    after = {**state, "after": found.after, "size": found.size, "last_page": found.after is None}
    _keep(ctx, claimed, read(ctx, found.nodes, asked_at), _next_page(after), found.wait)


def _still_there(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    """Orders that will be written to soon, and that the shop may have deleted without our hearing of it."""
    rows = due_orders(ctx, claimed.shop_id, state["after"] or 0, state["size"])
    client = admin(ctx, claimed.shop_id, patience=PATIENCE)
    told = deleted(ctx, client, [ref for _, ref in rows]) if rows else []
    last = len(rows) < state["size"]
    after = {**state, "after": None if last else rows[-1][0], "last_page": last}
    _keep(ctx, claimed, told, _next_page(after), 0.0)


def _next_page(state: JsonState) -> JsonState:
    """What follows a page that is dealt with: the next one, the next kind, or the end."""
    if not state.pop("last_page", False):
        return state
    following = _KINDS.index(state["kind"]) + 1
    if following < len(_KINDS):
        return {**state, **_kind(_KINDS[following])}
    return {"through": state["to"], "recovered": state["found"]}


def _keep(ctx: Context, claimed: Claimed, told: list[Told], state: JsonState, wait: float) -> None:
    finished = "to" not in state

    def also(session: Session) -> None:
        next_at = datetime.now(UTC) + (EVERY if finished else timedelta(seconds=wait))
        errands.proceed(session, claimed, state, next_at, finished=finished)

    feed(ctx, claimed.shop_id, told, also)
    if finished:
        log.info("shop_reconciled", extra={"shop": claimed.shop_id, "recovered": state["recovered"]})
