"""INSERT … ON CONFLICT in the two dialects, where it is the only safe way for two processes to add the same row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.store.models.base import Base


def insert_for(session: Session, model: type[Base]) -> Any:
    """The dialect's INSERT, which has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return (sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert)(model)


def add_missing(session: Session, model: type[Base], rows: Sequence[dict[str, Any]], unique: Sequence[str]) -> None:
    """Insert the rows that are not there yet, in the order given (sort them: it is also the order of the locks)."""
    if rows:
        session.execute(insert_for(session, model).on_conflict_do_nothing(index_elements=list(unique)), list(rows))


def later(new: Any, old: Any) -> ColumnElement[Any]:
    """The later of two nullable moments, in SQL."""
    return case((new.is_(None), old), (old.is_(None), new), (new > old, new), else_=old)
