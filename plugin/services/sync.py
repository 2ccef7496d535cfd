"""The first synchronisation of a shop: what the last sixty days teach, in the background, and how far it is.

It mails nobody: an order placed before the installation is history, whoever tells of it. Each step is one page, kept
together with the place to go on from; so a kill costs one page, and a page told twice changes nothing. The newest
orders come first: a large shop takes hours, because the platform's query points are what is scarce.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from plugin.platforms.shopify.admin import AdminClient
from plugin.platforms.shopify.errors import AccessDenied, Refused
from plugin.services import errands, heard
from plugin.services.admin_api import admin
from plugin.services.api_pages import NOTHING, Page, page
from plugin.services.batch import Told
from plugin.services.context import Context
from plugin.services.errands import FIRST_SYNC, RECONCILE, TRAIN, Claimed, JsonState
from plugin.services.shops import shop_of
from plugin.services.telling import feed
from plugin.services.whole_orders import SIZES, is_long, whole
from plugin.store.models.platform import Errand
from schemas.shopify.admin.nodes import Node, part
from schemas.shopify.admin.people import primary_locale, scope_events, shop_events

WINDOW = timedelta(days=60)  # of business time; older orders need another permission
STAGES = ("shop", "products", "orders", "customers")
_FIRST_SIZES = {"products": 25, "orders": 4, "customers": 100}  # of a page, until its cost is known
LONG_AT_ONCE = 5  # orders of a page after one of which a part had to be asked for
_STUCK_AFTER = 3  # failures in a row


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shop's first synchronisation is. state: waiting, running, done, stuck (`reason` says why).

    `stage`: shop, products, orders, customers; `done` and `of` count its things, `of` None while it is not known.
    """

    state: str
    stage: str
    done: int
    of: int | None
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None


def progress(session: Session, shop_id: int) -> Progress | None:
    """How far the first synchronisation of the shop is; None when none was ever asked for (no token yet)."""
    row = session.get(Errand, (shop_id, FIRST_SYNC))
    if row is None:
        return None
    if row.finished_at:
        state = "done"
    elif row.next_at is None or row.attempts >= _STUCK_AFTER:
        state = "stuck"
    else:
        state = "running" if row.started_at else "waiting"
    stage = str(row.state.get("stage", STAGES[0]))
    return Progress(
        state=state,
        stage=stage,
        done=int(row.state.get("done", 0)),
        of=(row.state.get("counts") or {}).get(stage),
        reason=row.reason if state != "done" else None,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def start_again(session: Session, shop_id: int) -> None:
    """Synchronise from the beginning; what is known already is not changed by being told again."""
    errands.ask(session, shop_id, FIRST_SYNC, restart=True)


def step(ctx: Context, claimed: Claimed) -> None:
    """One page. Raises what the API's client does, LostClaim, NoToken."""
    now = ctx.clock.now()
    state = claimed.state or {
        "stage": STAGES[0], "since": (now - WINDOW).isoformat(), "through": now.isoformat(), "counts": {},
        "done": 0, "after": None, "size": None,
    }  # fmt: skip
    client = admin(ctx, claimed.shop_id, patience=0)
    if state["stage"] == STAGES[0]:
        told, counts = _shop(ctx, client, claimed.shop_id, state)
        after = {**state, "counts": counts, **_stage(STAGES[1])}
        _keep(ctx, claimed, told, after, 0.0)
        return
    try:
        told, found = _READERS[state["stage"]](ctx, client, claimed, state)
    except AccessDenied:
        if state["stage"] == "orders":  # without these there is nothing to do; without the others there is
            raise
        told, found = [], NOTHING
        state = {**state, "denied": [*state.get("denied", ()), state["stage"]]}
    after = {**state, "done": state["done"] + len(found.nodes), "after": found.after, "size": found.size}
    if found.after is None:
        following = STAGES.index(state["stage"]) + 1
        after |= _stage(STAGES[following]) if following < len(STAGES) else {"finished": True, "after": None}
    _keep(ctx, claimed, told, after, found.wait)


def _keep(ctx: Context, claimed: Claimed, told: list[Told], state: JsonState, wait: float) -> None:
    def also(session: Session) -> None:
        if not state.get("finished"):
            errands.proceed(session, claimed, state, datetime.now(UTC) + timedelta(seconds=wait))
            return
        errands.proceed(session, claimed, state, None, finished=True)
        begin = {"through": state["through"]}
        errands.ask(session, claimed.shop_id, RECONCILE, restart=True, state=begin)
        errands.ask(session, claimed.shop_id, TRAIN, restart=True)

    feed(ctx, claimed.shop_id, told, also)


def _stage(name: str) -> JsonState:
    return {"stage": name, "done": 0, "after": None, "size": _FIRST_SIZES[name]}


def _shop(
    ctx: Context, client: AdminClient, shop_id: int, state: JsonState
) -> tuple[list[Told], dict[str, int | None]]:
    """The shop's own facts, and how many things there are to read."""
    asked_at = ctx.clock.now()
    data = client.call("ShopFacts")
    told_locale = primary_locale(part(_optional(client, "ShopLocale", {}), "shopLocales"))
    with ctx.database.reading() as session:
        known = shop_of(session, shop_id)
        locale = told_locale or known.locale
    events = [*shop_events(data["shop"], locale), *scope_events(data.get("currentAppInstallation"))]
    numbers = _optional(client, "HowMany", {"orders": _window(state)})
    counts = {stage: part(numbers, f"{stage}Count", "count") for stage in STAGES[1:]}
    return [Told(0, "shop (API)", ctx.clock.now(), asked_at, tuple(events))], counts


def _optional(client: AdminClient, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    """What is good to know and may be missing: a shop that does not tell it is synchronised all the same."""
    try:
        return client.call(document, variables)
    except (AccessDenied, Refused):
        return {}


def _products(ctx: Context, client: AdminClient, claimed: Claimed, state: JsonState) -> tuple[list[Told], Page]:
    asked_at = ctx.clock.now()
    found = page(client, "ProductsPage", "products", {"query": None, "sort": "ID"}, state["size"], state["after"])
    return heard.products(ctx, found.nodes, asked_at), found


def _orders(ctx: Context, client: AdminClient, claimed: Claimed, state: JsonState) -> tuple[list[Told], Page]:
    asked_at = ctx.clock.now()
    found = page(client, "OrdersPage", "orders", {"query": _window(state), **SIZES}, state["size"], state["after"])
    patient, told = admin(ctx, claimed.shop_id), list[Node]()
    for node in found.nodes:
        if is_long(node):  # the rest of it may cost more than the bucket holds at once, so this is waited for
            errands.prolong(ctx, claimed)
            found = replace(found, size=min(found.size, LONG_AT_ONCE))
        told.append(whole(patient, node))
    return heard.orders(ctx, told, asked_at), found


def _customers(ctx: Context, client: AdminClient, claimed: Claimed, state: JsonState) -> tuple[list[Told], Page]:
    asked_at = ctx.clock.now()
    found = page(client, "CustomersPage", "customers", {"query": None, "sort": "ID"}, state["size"], state["after"])
    return heard.consents(ctx, found.nodes, asked_at), found


def _window(state: JsonState) -> str:
    return f"created_at:>='{heard.whole_second(state['since'])}'"


_Reader = Callable[[Context, AdminClient, Claimed, JsonState], tuple[list[Told], Page]]
_READERS: dict[str, _Reader] = {"products": _products, "orders": _orders, "customers": _customers}
