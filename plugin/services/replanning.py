"""After a change of settings: a few orders are planned anew at once, many in the background.

`Shop.plans_behind` bridges the time between. It is set by the transaction that changes the settings and taken away by
the one that finds nothing left to plan. While it is set, whoever is about to send a message first plans the message's
order himself (`plan_first`), under the locks of every planning. So a message leaves only if the settings in force at
that moment let it leave then, however far the background is, and whether it goes on at all: what it brings is that
messages which may go sooner, or again, are found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from plugin.domain.flows import State
from plugin.queues import SEND
from plugin.services import errands
from plugin.services.context import Context
from plugin.services.errands import REPLAN, Claimed, JsonState
from plugin.services.plan import CAMPAIGN, keep_shops, lock_orders, plan_orders
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.platform import Errand
from plugin.store.models.shops import Shop

FEW = 300  # orders planned within the request that changes the settings
BATCH = 100  # orders of one transaction in the background: news of their customers waits for so long
STUCK_AFTER = 3  # failures in a row
UNDECIDED = (State.PLANNED, State.WAITING, State.HELD, State.QUEUED)
# Withheld or cancelled rows that a step's switch or delay may bring back; the others have reasons of their own.
REVIVABLE = ("too late", "this step is switched off", "no cross-sell goes out")


@dataclass(frozen=True, slots=True)
class Replanning:
    """How far it is: `done` orders of `of` (None while nobody counted them). `stuck`: it fails again and again."""

    done: int
    of: int | None
    stuck: bool


def follow(session: Session, ctx: Context, shop: Shop, steps: Collection[str] | None = None) -> None:
    """Bring the shop's calendar in line with settings that were just changed. Does not commit.

    `steps`: those whose switch or delay changed; None: everything may be different. The shop's row is the one lock:
    whoever plans an order holds a share of it (`keep_shops`).
    """
    session.flush()
    session.execute(select(Shop.id).where(Shop.id == shop.id).with_for_update())
    if not shop.plans_behind:
        most = FEW + 1
        ids = recent(session, ctx, shop, most) if steps is None else affected_orders(session, shop, steps, most)
        if len(ids) <= FEW:
            plan_orders(session, ctx, shop, ids)
            return
    shop.plans_behind = True
    session.flush()
    errands.ask(session, shop.id, REPLAN, restart=True, state={"since": (ctx.clock.now() - CAMPAIGN).isoformat()})


def plan_first(session: Session, ctx: Context, shop_id: int, order_id: int) -> None:
    """Before a message of this order is decided on: keep the shop as it is until we commit, and where its plans are
    behind its settings, make this order's. The row of the message may be another one afterwards, or nobody's."""
    for shop in keep_shops(session, [shop_id]):
        if shop.plans_behind:
            lock_orders(session, [order_id])
            plan_orders(session, ctx, shop, [order_id])


def progress(session: Session, shop_id: int) -> Replanning | None:
    """None: every plan follows the settings."""
    if not session.scalar(select(Shop.plans_behind).where(Shop.id == shop_id)):
        return None
    row = session.get(Errand, (shop_id, REPLAN))
    state = row.state if row else {}
    stuck = row is None or row.attempts >= STUCK_AFTER
    return Replanning(int(state.get("done", 0)), state.get("of"), stuck)


def step(ctx: Context, claimed: Claimed) -> None:
    """Plan the next orders, the newest first; or end it. Raises LostClaim."""
    state, shop_id = claimed.state, claimed.shop_id
    since = datetime.fromisoformat(state["since"])
    with ctx.database.transaction() as session:
        if "of" not in state:
            state = {**state, "of": _how_many(session, shop_id, since), "done": 0}
        rows = _next(session, shop_id, since, state)
        if rows:
            ids = [id_ for id_, _ in rows]
            lock_orders(session, ids)
            for shop in keep_shops(session, [shop_id]):
                plan_orders(session, ctx, shop, ids)
            state = {**state, "done": state["done"] + len(ids), "after": [rows[-1][1].isoformat(), rows[-1][0]]}
            errands.proceed(session, claimed, state, datetime.now(UTC))
            return
    with ctx.database.transaction() as session:
        locked = session.scalars(select(Shop).where(Shop.id == shop_id).with_for_update()).all()
        errands.proceed(session, claimed, {}, None, finished=True)  # not if the settings were changed again meanwhile
        for shop in locked:
            shop.plans_behind = False
    ctx.queues.nudge(SEND)


def recent(session: Session, ctx: Context, shop: Shop, most: int | None = None) -> set[int]:
    """Orders of the last months, at most so many."""
    mine = select(Order.id).where(Order.shop_id == shop.id, Order.placed_at >= ctx.clock.now() - CAMPAIGN)
    return set(session.scalars(mine.limit(most)))


def affected_orders(session: Session, shop: Shop, steps: Collection[str], most: int | None = None) -> set[int]:
    """Orders with a message of these steps that a new switch or delay may move, end or bring back.

    `most`: there may be more, but so many are enough.
    """
    m = Message
    mine = (m.shop_id == shop.id, m.step.in_(steps))
    over = or_(*(m.reason.startswith(begin, autoescape=True) for begin in REVIVABLE))
    found: set[int] = set()
    for state in (*UNDECIDED, State.WITHHELD, State.CANCELLED):  # each has an index of its own
        ended = (over,) if state in (State.WITHHELD, State.CANCELLED) else ()
        rows = select(m.order_id).where(*mine, m.state == state, *ended)
        found.update(session.scalars(rows if most is None else rows.distinct().limit(most)))
        if most is not None and len(found) >= most:
            break
    return found


def _waits_for_its_plan(shop_id: int, since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Orders of the last months, and older ones with a message that has not been decided on."""
    # With a limit, so that it stays one look into the index for each order: PostgreSQL would hash an EXISTS.
    undecided = select(Message.id).where(Message.order_id == Order.id, Message.state.in_(UNDECIDED)).limit(1)
    return (
        Order.shop_id == shop_id, Order.placed_at.is_not(None), Order.version.is_not(None),
        Order.archived_at.is_(None), or_(Order.placed_at >= since, undecided.scalar_subquery().is_not(None)),
    )  # fmt: skip


def _how_many(session: Session, shop_id: int, since: datetime) -> int:
    return session.scalar(select(func.count()).select_from(Order).where(*_waits_for_its_plan(shop_id, since))) or 0


def _next(session: Session, shop_id: int, since: datetime, state: JsonState) -> list[tuple[int, datetime]]:
    query = select(Order.id, Order.placed_at).where(*_waits_for_its_plan(shop_id, since))
    if "after" in state:
        at, id_ = datetime.fromisoformat(state["after"][0]), state["after"][1]
        query = query.where(Order.placed_at <= at, or_(Order.placed_at < at, Order.id < id_))
    rows = session.execute(query.order_by(Order.placed_at.desc(), Order.id.desc()).limit(BATCH))
    return [(id_, placed_at) for id_, placed_at in rows if placed_at]
