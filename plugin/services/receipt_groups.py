"""Receipts that nothing speaks against, inserted many at a time by one statement that looks for itself.

It keeps a receipt only of a shop that is installed, with no tombstone of whom it is about, and not here yet. Whatever
it leaves out is no error: `receive` then looks at that one alone, with all the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Column,
    FromClause,
    Insert,
    String,
    Table,
    and_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from plugin.queues import INGEST
from plugin.secrets import fingerprint
from plugin.services.context import Context
from plugin.services.group_commit import GroupCommit
from plugin.services.shops import SHOPIFY, shop_code
from plugin.store.models.shops import Receipt, Shop, Tombstone


class Plain(NamedTuple):
    """A receipt to be: the domain of its shop, and what `receive` knows of its columns."""

    domain: str
    values: dict[str, Any]


Groups = GroupCommit[Plain]

_RECEIPTS = Receipt.__table__
assert isinstance(_RECEIPTS, Table)
_GIVEN: dict[str, Column[Any]] = {
    name: _RECEIPTS.c[name]
    for name in (
        "webhook_id", "topic", "event_id", "api_version", "triggered_at", "received_at", "accepted_at", "body",
        "customer_ref", "order_ref",
    )
}  # fmt: skip
# What the statement is told of each receipt besides its columns: where it belongs, and the tombstones to look for.
_TOLD: dict[str, TypeEngine[Any]] = {
    **{name: String() for name in ("domain", "customer_print", "order_print")},
    # Texts without their length: PostgreSQL would cut what is too long, and it shall complain.
    **{name: String() if isinstance(given.type, String) else given.type for name, given in _GIVEN.items()},
}


def groups(ctx: Context) -> Groups:
    """One for each web process: its threads' receipts meet there."""
    return GroupCommit(partial(insert_plain, ctx), then=lambda: ctx.queues.nudge(INGEST))


def insert_plain(ctx: Context, group: Sequence[Plain]) -> list[bool]:
    """Insert in one transaction what nothing speaks against; says of each whether it is committed now.

    Raises SQLAlchemyError, and then nothing of the group is kept.
    """
    rows = [_told(ctx, plain) for plain in group]
    with ctx.database.engine.begin() as connection:
        if ctx.database.is_sqlite or len(rows) == 1:
            statement = _one_row(ctx.database.is_sqlite)
            found = [connection.execute(statement, row).scalar() for row in rows]
        else:
            found = list(connection.scalars(_many_rows(), {name: [row[name] for row in rows] for name in _TOLD}))
    # Two shops may use the same id: then it is not known which of the two was kept, and each is looked at alone.
    times = Counter(row["webhook_id"] for row in rows)
    kept = {webhook_id for webhook_id in found if webhook_id is not None and times[webhook_id] == 1}
    return [row["webhook_id"] in kept for row in rows]


def _told(ctx: Context, plain: Plain) -> dict[str, Any]:
    """Tombstones of customers and orders are found by the fingerprints that `erase` buries."""
    code, prints = shop_code(SHOPIFY, plain.domain), {}
    for kind in ("customer", "order"):
        ref = plain.values[f"{kind}_ref"]
        prints[f"{kind}_print"] = fingerprint(ctx.settings.secret_key, code, kind, ref) if ref else None
    return {"domain": plain.domain, **prints, **{name: plain.values[name] for name in _GIVEN}}


@cache
def _one_row(is_sqlite: bool) -> Insert:
    told = select(*(bindparam(name, type_=type_).label(name) for name, type_ in _TOLD.items())).subquery("told")
    return _statement((sqlite if is_sqlite else postgresql).insert(Receipt), told)


@cache
def _many_rows() -> Insert:
    """PostgreSQL: an array for each column, so that the statement is the same for every size of group."""
    arrays = (bindparam(name, type_=ARRAY(type_)) for name, type_ in _TOLD.items())
    told = func.unnest(*arrays).table_valued(*(column(name, type_) for name, type_ in _TOLD.items()), name="told")
    return _statement(postgresql.insert(Receipt), told.render_derived())


def _statement(insert: Any, told: FromClause) -> Insert:
    """In the order of their keys, so that two groups with the same deliveries cannot wait for each other.

    A shop whose row somebody has locked (its settings are being changed) is left out too: the group must not wait.
    """
    erased = select(Tombstone.id).where(
        or_(
            and_(Tombstone.kind == "customer", Tombstone.fingerprint == told.c.customer_print),
            and_(Tombstone.kind == "order", Tombstone.fingerprint == told.c.order_print),
        )
    )
    plain = (
        select(Shop.id, *(told.c[name] for name in _GIVEN), told.c.accepted_at, literal("received"), literal(0))
        .join_from(told, Shop, Shop.domain == told.c.domain)
        .where(Shop.platform == SHOPIFY, Shop.uninstalled_at.is_(None), ~erased.exists())
        .order_by(Shop.id, told.c.webhook_id)
        .with_for_update(read=True, key_share=True, skip_locked=True, of=Shop)
    )
    made: Insert = (
        insert.from_select(["shop_id", *_GIVEN, "next_attempt_at", "state", "attempts"], plain, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["shop_id", "webhook_id"])
        .returning(Receipt.webhook_id)
    )
    return made
