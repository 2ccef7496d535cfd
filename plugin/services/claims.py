"""Which due messages a worker takes: the most urgent steps first, and every shop its turn when much is due."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple, cast

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    column,
    func,
    lateral,
    literal,
    select,
    text,
    true,
    update,
    values,
)
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

_M = cast(Table, Message.__table__)
# The state is written as it stands, because only then does the partial index serve whatever plan is kept.
_DUE = (
    _M.c.state == literal(str(State.PLANNED), literal_execute=True),
    _M.c.ready_at <= bindparam("now", type_=UtcDateTime()),
)
_OLDEST = (
    select(_M.c.id, _M.c.step).where(*_DUE).order_by(_M.c.ready_at, _M.c.id).limit(bindparam("most", type_=Integer()))
)
# On PostgreSQL along the index in its order, where what is dead is marked and passed over from then on. A bitmap never
# marks: under a steady load it would read everything that left since the last vacuum, in every claim anew.
_BEGIN = text("""
SELECT set_config('enable_bitmapscan', 'off', true), EXISTS (
  SELECT 1 FROM messages WHERE state IN ('queued', 'sending') AND state = 'queued' AND lease_until < now()
)""")
# All that is due, if it is not more than one claim takes: one statement, hence one way there and back. An array leaves
# the planner nothing to join with: each row is looked up by its id, whatever the statistics say. Whoever plans or
# claims one of them at this moment keeps it.
_TAKE_ALL = text("""
WITH due AS MATERIALIZED (
  SELECT id, step, ready_at FROM messages WHERE state = 'planned' AND ready_at <= :now
  ORDER BY ready_at, id LIMIT :most
), taken AS (
  UPDATE messages SET state = 'queued', claim_token = :token, lease_until = clock_timestamp() + :lease
  WHERE (SELECT count(*) FROM due) < :most AND id = ANY(ARRAY(
    SELECT m.id FROM messages m
    WHERE m.id = ANY(ARRAY(SELECT id FROM due)) AND m.state = 'planned' AND m.ready_at <= :now FOR UPDATE SKIP LOCKED
  )) RETURNING id
)
SELECT due.id, due.step, taken.id IS NOT NULL FROM due LEFT JOIN taken ON taken.id = due.id
ORDER BY due.ready_at, due.id
""")
_TAKE = text("""
UPDATE messages SET state = 'queued', claim_token = :token, lease_until = clock_timestamp() + :lease
WHERE id = ANY(ARRAY(
  SELECT m.id FROM messages m
  WHERE m.id = ANY(CAST(:ids AS bigint[])) AND m.state = 'planned' AND m.ready_at <= :now FOR UPDATE SKIP LOCKED
)) RETURNING id
""")

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


class Oldest(NamedTuple):
    """A message that is to be claimed; in lists of them the older stand first."""

    id: int
    priority: int


def claim(ctx: Context, token: str, limit: int) -> list[int]:
    """Mark due rows `queued` under a token and a lease, and commit. The most urgent steps come first in the answer."""
    take, now = _claim_on_sqlite if ctx.database.is_sqlite else _claim, ctx.clock.now()
    with ctx.database.transaction() as session:
        taken = take(session, now, token, limit)
    return [one.id for one in sorted(taken, key=attrgetter("priority"))]  # the older first, as they stand


def _claim(session: Session, now: datetime, token: str, limit: int) -> list[Oldest]:
    if session.execute(_BEGIN).one()[1]:
        _take_back(session, database_now(session))
    marks = {"now": now, "token": token, "lease": CLAIM_LEASE}
    rows = session.execute(_TAKE_ALL, {**marks, "most": limit + 1}).all()
    if len(rows) <= limit:
        return [Oldest(id_, STEPS[step].priority) for id_, step, taken in rows if taken]
    share = _share(_of_all_shops(session, now, limit, is_sqlite=False), limit)
    ours = set(session.scalars(_TAKE, {**marks, "ids": [one.id for one in share]}))
    return [one for one in share if one.id in ours]


def _claim_on_sqlite(session: Session, now: datetime, token: str, limit: int) -> list[Oldest]:
    """One writer at a time: what is read is still so when it is marked."""
    machine_now = database_now(session)
    _take_back(session, machine_now)
    rows = session.execute(_OLDEST, {"now": now, "most": limit + 1}).all()
    share = [Oldest(id_, STEPS[step].priority) for id_, step in rows]
    if len(rows) > limit:
        share = _share(_of_all_shops(session, now, limit, is_sqlite=True), limit)
    marks = {"state": State.QUEUED, "claim_token": token, "lease_until": machine_now + CLAIM_LEASE}
    if share:
        session.execute(update(_M).where(_M.c.id.in_([one.id for one in share])).values(marks))
    return share


def _share(due: Iterable[Due], limit: int) -> list[Oldest]:
    share = sorted(fair_share(due, limit), key=attrgetter("ready_at", "id"))
    return [Oldest(one.id, one.priority) for one in share]


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
