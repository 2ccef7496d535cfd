"""Receipts that nothing speaks against, inserted many at a time by one statement that looks for itself.

It keeps a receipt only of a shop that is installed, with no tombstone of whom it is about, and not here yet. Whatever
it leaves out is no error: `receive` then looks at that one alone, with all the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
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
from plugin.store.session import Database


class Plain(NamedTuple):
    """A receipt to be: the domain of its shop, and what `receive` knows of its columns."""

    domain: str
    values: dict[str, Any]


Groups = GroupCommit[Plain]
Row = dict[str, Any]  # by the names in _TOLD

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


def groups(ctx: Context, then: Callable[[], object] | None = None) -> Groups:
    """One for each web process: its threads' receipts meet there. `then`: what asks the workers to look."""
    return GroupCommit(partial(insert_plain, ctx), then=then or partial(ctx.queues.nudge, INGEST))


def insert_plain(ctx: Context, group: Sequence[Plain]) -> list[bool]:
    """Insert in one transaction what nothing speaks against; says of each whether it is committed now.

    Raises SQLAlchemyError or psycopg.Error, and then nothing of the group is kept.
    """
    rows = [_told(ctx, plain) for plain in group]
    found = (_insert_sqlite if ctx.database.is_sqlite else _insert_postgres)(ctx.database, rows)
    # Two shops may use the same id: then it is not known which of the two was kept, and each is looked at alone.
    times = Counter(row["webhook_id"] for row in rows)
    kept = {webhook_id for webhook_id in found if times[webhook_id] == 1}
    return [row["webhook_id"] in kept for row in rows]


def _told(ctx: Context, plain: Plain) -> Row:
    """Tombstones of customers and orders are found by the fingerprints that `erase` buries."""
    code, prints = shop_code(SHOPIFY, plain.domain), {}
    for kind in ("customer", "order"):
        ref = plain.values[f"{kind}_ref"]
        prints[f"{kind}_print"] = fingerprint(ctx.settings.secret_key, code, kind, ref) if ref else None
    return {"domain": plain.domain, **prints, **{name: plain.values[name] for name in _GIVEN}}


def _insert_sqlite(database: Database, rows: Sequence[Row]) -> list[str]:
    with database.engine.begin() as connection:
        found = [connection.execute(_one_row_sqlite(), row).scalar() for row in rows]
    return [webhook_id for webhook_id in found if webhook_id is not None]


def _insert_postgres(database: Database, rows: Sequence[Row]) -> list[str]:
    """By the driver itself: under load this is the statement of the web."""
    if len(rows) == 1:
        (statement, constants), values = _ready_one(), rows[0]
    else:
        (statement, constants), values = _ready_many(), {name: [row[name] for row in rows] for name in _TOLD}
    with database.raw() as connection:
        return [webhook_id for (webhook_id,) in connection.execute(statement, {**constants, **values})]


@cache
def _one_row_sqlite() -> Insert:
    return _one_row(sqlite.insert(Receipt))


@cache
def _ready_one() -> tuple[bytes, Row]:
    return _ready(_one_row(postgresql.insert(Receipt)))


@cache
def _ready_many() -> tuple[bytes, Row]:
    """An array for each column, so that the statement is the same for every size of group."""
    arrays = (bindparam(name, type_=ARRAY(type_)) for name, type_ in _TOLD.items())
    told = func.unnest(*arrays).table_valued(*(column(name, type_) for name, type_ in _TOLD.items()), name="told")
    return _ready(_statement(postgresql.insert(Receipt), told.render_derived()))


def _ready(statement: Insert) -> tuple[bytes, Row]:
    """As the driver takes it, and the values that are always the same.

    Everything goes in binary: an array of bytes written as text costs twenty times as much.
    """
    compiled = statement.compile(dialect=postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]
    binary = re.sub(r"%\((\w+)\)s", r"%(\1)b", str(compiled))
    return binary.encode(), {name: value for name, value in compiled.params.items() if name not in _TOLD}


def _one_row(insert: Any) -> Insert:
    told = select(*(bindparam(name, type_=type_).label(name) for name, type_ in _TOLD.items())).subquery("told")
    return _statement(insert, told)


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
