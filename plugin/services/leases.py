"""The right to do a periodic task: one holder at a time, for so many seconds by the database's own clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from plugin.store.models.shops import Lease
from plugin.store.session import database_now


def acquire(session: Session, name: str, holder: str, seconds: float) -> bool:
    """Take the lease, or prolong it when `holder` has it already. False: somebody else has it.

    It counts once the caller commits, and ends by itself: a holder that dies holds nothing up for longer.
    """
    now = database_now(session)
    until = now + timedelta(seconds=seconds)
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    session.execute(
        insert(Lease).values(name=name, holder=holder, until=now - timedelta(days=1)).on_conflict_do_nothing()
    )
    taken = session.scalars(
        update(Lease)
        .where(Lease.name == name, or_(Lease.until <= now, Lease.holder == holder))
        .values(holder=holder, until=until)
        .returning(Lease.name)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


def release(session: Session, name: str, holder: str) -> None:
    """Give the lease back before its time; nothing happens when it is no longer the holder's."""
    session.execute(
        delete(Lease).where(Lease.name == name, Lease.holder == holder).execution_options(synchronize_session=False)
    )
