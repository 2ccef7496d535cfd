"""Work for a shop that goes on in the background: rows that say when, taken up by one worker at a time.

A step is short (one page of an answer, one batch of orders) and commits what it learned together with where it got to,
on condition that the row is still its own: a worker that is killed, or slow beyond its lease, changes nothing and
another repeats the step.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.platform import Errand
from plugin.store.upserts import insert_for

FIRST_SYNC, RECONCILE, CONSENTS, TOKEN = "first_sync", "reconcile", "consents", "token"
REPLAN, CONSENT_IMPORT = "replan", "consent_import"
TRAIN = "train"
FEEDBACK = "feedback"  # words to read anew, and mendings to plan
SENDER = "sender"  # the DNS of the sender's domain, to be looked up
OURS = (REPLAN, CONSENT_IMPORT, FEEDBACK, TRAIN, SENDER)  # these need nothing from the platform
LEASE = timedelta(seconds=120)  # of machine time: longer than any step
BACKOFF = (5, 30, 120, 600, 3600)  # seconds after each failure in a row

JsonState = dict[str, Any]


class LostClaim(Exception):
    """The errand is no longer ours: it was taken over, begun anew, or the shop is gone."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An errand in hand. `attempts`: that failed since the last success."""

    shop_id: int
    kind: str
    holder: str
    attempts: int
    state: JsonState


def ask(session: Session, shop_id: int, kind: str, *, restart: bool = False, state: JsonState | None = None) -> None:
    """Have it done soon. `restart`: from the beginning, whoever is at it; else what is under way goes on.

    `state`: what it begins with, for one that is new or begins anew.
    """
    now = datetime.now(UTC)
    fresh = {"next_at": now, "holder": None, "attempts": 0, "reason": None, "state": state or {},
             "started_at": None, "finished_at": None}  # fmt: skip
    insert = insert_for(session, Errand).values(shop_id=shop_id, kind=kind, **fresh)
    keys = ["shop_id", "kind"]
    if restart:
        session.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh))
        return
    # The row is locked even where the condition does not hold, so whoever is at it sees what we add before it ends.
    sooner = or_(Errand.next_at.is_(None), Errand.next_at > now)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=keys,
            set_={"next_at": now, "attempts": 0, "reason": None},
            where=(Errand.holder.is_(None)) & sooner,
        )
    )


def forget(session: Session, shop_id: int) -> None:
    """The shop left: nothing is to be done with its API any more. What is only ours goes on."""
    session.execute(delete(Errand).where(Errand.shop_id == shop_id, Errand.kind.not_in(OURS)))


def anything_waiting(ctx: Context) -> bool:
    with ctx.database.reading() as session:
        due = select(Errand.shop_id).where(Errand.next_at <= datetime.now(UTC)).limit(1)
        return session.scalar(due) is not None


def claim(ctx: Context, only: Sequence[str] = ()) -> Claimed | None:
    """Take the errand that waits longest, `only` of these kinds if given; None when there is nothing to do."""
    now, holder = datetime.now(UTC), uuid.uuid4().hex
    kinds = (Errand.kind.in_(only),) if only else ()
    with ctx.database.transaction() as session:
        row = session.scalars(
            select(Errand).where(Errand.next_at <= now, *kinds).order_by(Errand.next_at).limit(1)
            .with_for_update(skip_locked=True)
        ).first()  # fmt: skip
        if row is None:
            return None
        row.next_at, row.holder = now + LEASE, holder
        row.started_at = row.started_at or now
        return Claimed(row.shop_id, row.kind, holder, row.attempts, dict(row.state))


def prolong(ctx: Context, claimed: Claimed) -> None:
    """In the middle of a step that takes longer than others. Raises LostClaim."""
    with ctx.database.transaction() as session:
        _change(session, claimed, {"next_at": datetime.now(UTC) + LEASE})


def hold(session: Session, claimed: Claimed) -> None:
    """Keep the errand ours until the end of this transaction, as its last lock. Raises LostClaim."""
    row = session.scalar(
        select(Errand.holder).where(Errand.shop_id == claimed.shop_id, Errand.kind == claimed.kind).with_for_update()
    )
    if row != claimed.holder:
        raise LostClaim


def proceed(
    session: Session, claimed: Claimed, state: JsonState, next_at: datetime | None, *, finished: bool = False
) -> None:
    """A step went well: what to begin the next one with, and when. Raises LostClaim: then nothing may be committed."""
    values: dict[str, Any] = {"state": state, "next_at": next_at, "holder": None, "attempts": 0, "reason": None}
    if finished:
        values["finished_at"] = datetime.now(UTC)
    _change(session, claimed, values)


def postpone(ctx: Context, claimed: Claimed, seconds: float | None, reason: str | None, *, failed: bool = True) -> None:
    """A step brought nothing; try the same again in so many seconds, None: once somebody asks."""
    next_at = datetime.now(UTC) + timedelta(seconds=seconds) if seconds is not None else None
    values: dict[str, Any] = {"next_at": next_at, "holder": None}
    if failed:
        values |= {"attempts": claimed.attempts + 1, "reason": reason}
    try:
        with ctx.database.transaction() as session:
            _change(session, claimed, values)
    except LostClaim:
        return


def backoff(attempts: int) -> float:
    """Seconds until the next try after so many failures before this one."""
    return float(BACKOFF[min(attempts, len(BACKOFF) - 1)])


def _change(session: Session, claimed: Claimed, values: dict[str, Any]) -> None:
    changed = session.scalars(
        update(Errand)
        .where(Errand.shop_id == claimed.shop_id, Errand.kind == claimed.kind, Errand.holder == claimed.holder)
        .values(values)
        .returning(Errand.shop_id)
        .execution_options(synchronize_session=False)
    ).all()
    if not changed:
        raise LostClaim
