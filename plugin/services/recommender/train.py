"""The errand that learns which products go together, from one shop's own orders and nobody else's.

It goes through the same turns as all work with shops: a step takes about a second, commits how far it got, and whoever
is free takes the next one, so a shop of millions of lines holds up neither its neighbours nor the mail. The new lists
are written beside those in use; one update makes them hold, and the old ones are taken away afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from plugin.domain.zones import zone_for
from plugin.services import errands
from plugin.services.context import Context
from plugin.services.errands import TRAIN, Claimed, JsonState
from plugin.store.models.orders import Purchase
from plugin.store.models.platform import Errand
from plugin.store.models.recommender import ProductList, Recommender, TrainingPart
from plugin.store.models.shops import Shop
from plugin.store.upserts import insert_for

TURN = 1.0  # seconds of reading or learning in one step
WRITTEN_AT_ONCE = 500  # rows of one statement
CLEARED_AT_ONCE = 5_000
NIGHT = range(1, 6)  # hours of the shop's zone
AGAIN_AFTER, LATE_AFTER = timedelta(hours=18), timedelta(hours=30)  # since the last training


def ask_nightly(ctx: Context) -> int:
    """Have every shop trained that sold something, in its own night. Asked every hour; returns for how many.

    One whose night was missed, or that never was, does not wait for the next. By machine time, as all errands.
    """
    now, done = datetime.now(UTC), aliased(Errand)
    query = (
        select(Shop.id, Shop.timezone, done.finished_at)
        .outerjoin(done, (done.shop_id == Shop.id) & (done.kind == TRAIN))
        .where(Shop.uninstalled_at.is_(None), or_(done.finished_at.is_(None), done.finished_at < now - AGAIN_AFTER))
        .where(exists().where(Purchase.shop_id == Shop.id))
        .order_by(Shop.id)
    )
    with ctx.database.transaction() as session:
        due = [
            shop_id
            for shop_id, zone, finished_at in session.execute(query)
            if finished_at is None
            or finished_at < now - LATE_AFTER
            or now.astimezone(zone_for(None, zone)).hour in NIGHT
        ]
        for shop_id in due:
            errands.ask(session, shop_id, TRAIN)
    return len(due)


def step(ctx: Context, claimed: Claimed) -> None:
    """One turn. Raises LostClaim."""
    state = claimed.state or {"stage": "clear", "until": ctx.clock.now().isoformat()}
    _STAGES[state["stage"]](ctx, claimed, state)


def _proceed(session: Session, claimed: Claimed, state: JsonState) -> None:
    errands.proceed(session, claimed, state, datetime.now(UTC))


def _clear(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    """What an earlier training left behind, in portions; before and after."""
    with ctx.database.transaction() as session:
        live = session.scalar(select(Recommender.generation).where(Recommender.shop_id == claimed.shop_id)) or 0
        left = _old_lists(session, claimed.shop_id, live)
        session.execute(delete(TrainingPart).where(TrainingPart.shop_id == claimed.shop_id))
        if left:
            _proceed(session, claimed, state)
        elif state.get("learned"):
            errands.proceed(session, claimed, {}, None, finished=True)
        else:
            begin = {"stage": "read", "generation": live + 1, "after": None, "lines": 0, "parts": 0}
            _proceed(session, claimed, {**state, **begin})


def _old_lists(session: Session, shop_id: int, live: int) -> bool:
    """Take away some of the lists that do not hold. Whether there may be more."""
    other = or_(ProductList.generation < live, ProductList.generation > live)
    keys = (ProductList.shop_id, ProductList.generation, ProductList.key)
    rows = session.execute(select(*keys).where(ProductList.shop_id == shop_id, other).limit(CLEARED_AT_ONCE)).all()
    for place in range(0, len(rows), WRITTEN_AT_ONCE):
        some = [tuple(row) for row in rows[place : place + WRITTEN_AT_ONCE]]
        session.execute(delete(ProductList).where(tuple_(*keys).in_(some)))
    return len(rows) == CLEARED_AT_ONCE


def _read(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    from plugin.services.recommender import parts  # SciPy takes 30 MB and half a second: only who trains pays for it

    until = datetime.fromisoformat(state["until"])
    after = parts.Place(datetime.fromisoformat(state["after"][0]), state["after"][1]) if state["after"] else None
    found, lines, end, more = list[bytes](), state["lines"], time.monotonic() + TURN, True
    with ctx.database.reading() as session:
        while more and (not found or time.monotonic() < end):
            rows = parts.read_page(session, claimed.shop_id, until, after)
            more = len(rows) == parts.PAGE and lines + len(rows) < parts.MOST
            if rows:
                found.append(parts.pack_lines(rows, until))
                after, lines = parts.Place(rows[-1].placed_at, rows[-1].id), lines + len(rows)
    following = {"after": [after.placed_at.isoformat(), after.id] if after else None, "lines": lines,
                 "parts": state["parts"] + len(found)}  # fmt: skip
    if not more:
        following |= {"stage": "learn", "next": 0, "products": 0}
    with ctx.database.transaction() as session:
        for number, packed in enumerate(found, start=state["parts"]):
            session.add(TrainingPart(shop_id=claimed.shop_id, number=number, packed=packed))
        _proceed(session, claimed, {**state, **following})


def _learn(ctx: Context, claimed: Claimed, state: JsonState) -> None:
    from plugin.services.recommender.learn import Lesson

    with ctx.database.reading() as session:
        lesson = Lesson(session, claimed.shop_id)
    made, at, end = list[tuple[str, bytes]](), state["next"], time.monotonic() + TURN
    while at < lesson.products and (at == state["next"] or time.monotonic() < end):
        lists, at = lesson.some(at)
        made += lists
    state = {**state, "next": at, "products": state["products"] + len(made)}
    finished = at >= lesson.products
    with ctx.database.transaction() as session:
        _write(session, claimed.shop_id, state["generation"], [*made, *(lesson.of_all() if finished else ())])
        if finished:
            _publish(session, claimed.shop_id, state, lesson.orders)
            state = {"stage": "clear", "learned": True}
        _proceed(session, claimed, state)


def _write(session: Session, shop_id: int, generation: int, made: list[tuple[str, bytes]]) -> None:
    """Again is the same: a product that came to the catalogue meanwhile moves the others on by one."""
    insert = insert_for(session, ProductList)
    statement = insert.on_conflict_do_update(
        index_elements=["shop_id", "generation", "key"], set_={"packed": insert.excluded.packed}
    )
    for rows in _portions(shop_id, generation, made):
        session.execute(statement, rows)


def _portions(shop_id: int, generation: int, made: list[tuple[str, bytes]]) -> Iterator[list[dict[str, Any]]]:
    for place in range(0, len(made), WRITTEN_AT_ONCE):
        yield [
            {"shop_id": shop_id, "generation": generation, "key": key, "packed": packed}
            for key, packed in made[place : place + WRITTEN_AT_ONCE]
        ]


def _publish(session: Session, shop_id: int, state: JsonState, orders: int) -> None:
    """From this commit on the new lists hold, all of them."""
    values = {"generation": state["generation"], "trained_at": datetime.fromisoformat(state["until"]),
              "orders": orders, "products": state["products"]}  # fmt: skip
    insert = insert_for(session, Recommender).values(shop_id=shop_id, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["shop_id"], set_=values))


_STAGES = {"clear": _clear, "read": _read, "learn": _learn}
