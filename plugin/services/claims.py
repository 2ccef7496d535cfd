"""Which due messages a worker takes: the most urgent steps first, and every shop its turn when much is due."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Row, String, bindparam, column, func, lateral, select, text, true, update, values
from sqlalchemy.orm import Session

from plugin.domain.fairness import Due, fair_share
from plugin.domain.flows import STEPS, State
from plugin.services.context import Context
from plugin.services.outcomes import left_behind
from plugin.store.models.messages import Message
from plugin.store.session import database_now
from plugin.store.types import UtcDateTime

CLAIM_LEASE = timedelta(minutes=5)
SHOPS = 64  # looked at for one claim; with more of them that have something due, their turn is drawn by lot
FAIR_LOCK = 0x64617370  # one fair claim at a time: two would choose the same rows

# One hop of the index for each shop that has anything planned, however many rows it has.
_SHOPS_WITH_SOMETHING_DUE = text("""
WITH RECURSIVE hop(shop_id) AS (
  SELECT (SELECT min(shop_id) FROM messages WHERE state = 'planned' AND shop_id >= :first)
  UNION ALL
  SELECT (SELECT min(shop_id) FROM messages WHERE state = 'planned' AND shop_id > hop.shop_id)
  FROM hop WHERE hop.shop_id IS NOT NULL
)
SELECT shop_id FROM hop WHERE shop_id IS NOT NULL AND EXISTS (
  SELECT 1 FROM messages WHERE state = 'planned' AND shop_id = hop.shop_id AND step IN :steps AND ready_at <= :now
) LIMIT :most
""").bindparams(bindparam("steps", list(STEPS), expanding=True), bindparam("now", type_=UtcDateTime()))


def claim(ctx: Context, token: str, limit: int) -> list[int]:
    """Mark due rows `queued` under a token and a lease, and commit. The most urgent steps come first in the answer."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        machine_now = database_now(session)
        _take_back(session, machine_now)
        m = Message
        due = (m.state == State.PLANNED, m.ready_at <= now)
        oldest = select(m.id).where(*due).order_by(m.ready_at)
        if session.scalar(oldest.offset(limit).limit(1)) is None:
            chosen = oldest.limit(limit)
        else:
            share = fair_share(_of_all_shops(session, now, limit, is_sqlite=ctx.database.is_sqlite), limit)
            chosen = select(m.id).where(m.id.in_([one.id for one in share]), *due)
        taken = session.execute(
            update(m)
            .where(m.id.in_(chosen.with_for_update(skip_locked=True)))  # whoever plans one at this moment keeps it
            .values(state=State.QUEUED, claim_token=token, lease_until=machine_now + CLAIM_LEASE)
            .returning(m.id, m.shop_id, m.step, m.ready_at)
            .execution_options(synchronize_session=False)
        )
        mine = _due(taken)
    return [one.id for one in sorted(mine, key=lambda one: (one.priority, one.ready_at, one.id))]


def _take_back(session: Session, machine_now: datetime) -> None:
    """What a worker queued and left behind is due as before."""
    m = Message
    expired = select(m.id).where(*left_behind(machine_now), m.state == State.QUEUED)
    session.execute(
        update(m)
        .where(m.id.in_(expired.with_for_update(skip_locked=True)))
        .values(state=State.PLANNED, claim_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _due(rows: Iterable[Row[int, int, str, datetime | None]]) -> list[Due]:
    return [Due(id_, shop_id, STEPS[step].priority, at) for id_, shop_id, step, at in rows if at]


def _of_all_shops(session: Session, now: datetime, limit: int, *, is_sqlite: bool) -> list[Due]:
    """Enough of what is due in each shop and step to share out a claim; the shops' oldest are among it."""
    if not is_sqlite:
        session.execute(select(func.pg_advisory_xact_lock(FAIR_LOCK)))
    shops = _shops(session, now)
    if not shops:  # others were quicker
        return []
    each = min(limit, 2 * limit // max(len(shops), 1) + 1)
    return _by_loop(session, now, shops, each) if is_sqlite else _by_lateral(session, now, shops, each)


def _shops(session: Session, now: datetime) -> list[int]:
    """The shops with something due: all, or as many from a place drawn by lot."""
    highest = session.scalar(select(func.max(Message.shop_id)).where(Message.state == State.PLANNED)) or 0
    found: dict[int, None] = {}
    for first in (secrets.randbelow(highest + 1), 0):
        rows = session.execute(_SHOPS_WITH_SOMETHING_DUE, {"first": first, "now": now, "most": SHOPS})
        found |= dict.fromkeys(row.shop_id for row in rows)
        if len(found) >= SHOPS:
            break
    return list(found)[:SHOPS]


def _by_lateral(session: Session, now: datetime, shops: Sequence[int], each: int) -> list[Due]:
    m = Message
    every = values(column("shop_id", BigInteger), column("step", String), name="every").data(
        [(shop_id, step) for shop_id in shops for step in STEPS]
    )
    mine = (
        select(m.id, m.shop_id, m.step, m.ready_at)
        .where(m.state == State.PLANNED, m.shop_id == every.c.shop_id, m.step == every.c.step, m.ready_at <= now)
        .order_by(m.ready_at)
        .limit(each)
    )
    found = lateral(mine, name="found")
    c = found.c
    return _due(session.execute(select(c.id, c.shop_id, c.step, c.ready_at).select_from(every).join(found, true())))


def _by_loop(session: Session, now: datetime, shops: Sequence[int], each: int) -> list[Due]:
    m = Message
    found = []
    for shop_id in shops:
        for step in STEPS:
            mine = m.state == State.PLANNED, m.shop_id == shop_id, m.step == step, m.ready_at <= now
            query = select(m.id, m.shop_id, m.step, m.ready_at).where(*mine).order_by(m.ready_at).limit(each)
            found += _due(session.execute(query))
    return found
