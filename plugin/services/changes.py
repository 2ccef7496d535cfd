"""The change log: who changed what. Written in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.store.models.merchants import Change

PAGE = 50
MAX_ACTOR, MAX_WHAT = 320, 80  # the columns' width


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """`before` and `after`: only what differs, as stored JSON. `at`: business time."""

    id: int
    actor: str
    what: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


def record_change(
    session: Session,
    shop_id: int,
    actor: str,
    what: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    at: datetime,
) -> None:
    """Write one line. `what` is a code such as `settings` or `issue.close`; equal dicts write nothing.

    Of two dicts only what differs is kept, down to the innermost fields. No customer's data belongs in here.
    """
    if before is not None and after is not None:
        before, after = _difference(before, after), _difference(after, before)
        if not before and not after:
            return
    who, code = actor[:MAX_ACTOR], what[:MAX_WHAT]
    session.add(Change(shop_id=shop_id, actor=who, what=code, before=before, after=after, at=at))


def list_changes(
    session: Session, shop_id: int, before_id: int | None = None, limit: int = PAGE
) -> Sequence[ChangeLine]:
    """The newest first; `before_id` goes on from the last one of a page."""
    wanted = select(Change).where(Change.shop_id == shop_id).order_by(Change.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(Change.id < before_id)
    return [ChangeLine(c.id, c.actor, c.what, c.before, c.after, c.at) for c in session.scalars(wanted)]


def _difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What `one` says otherwise than `other`."""
    found: dict[str, Any] = {}
    for name, value in one.items():
        against = other.get(name)
        if isinstance(value, dict) and isinstance(against, dict):
            if inner := _difference(value, against):
                found[name] = inner
        elif value != against:
            found[name] = value
    return found
