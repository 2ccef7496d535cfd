"""Tables that PostgreSQL keeps in a partition for each month: making those to come, dropping those gone by.

What has no partition of its own lands in the default one, so nothing depends on any of this having been done in time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from sqlalchemy import DDL, FromClause, Table, event, text
from sqlalchemy.exc import DBAPIError

from plugin.store.session import Database

PARTITIONED = ("message_bodies", "messages_archive")
LOCK_SECONDS = 2  # both need a moment alone with the table: better tomorrow than that everybody waits behind us

_NAME = re.compile(r"(?P<table>\w+)_(?:(?P<year>\d{4})_(?P<month>\d\d)|default)")
_PARTS = text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
              " WHERE i.inhparent = CAST(:table AS regclass) ORDER BY 1")  # fmt: skip

log = logging.getLogger(__name__)


def is_partition(name: str | None) -> bool:
    """Whether a table's name is that of a partition: these are data and come and go, no part of the schema."""
    found = _NAME.fullmatch(name or "")
    return found is not None and found["table"] in PARTITIONED


def with_default(table: FromClause) -> None:
    """Where the tables are made from the models: the default partition, as the migrations make it."""
    assert isinstance(table, Table)
    default = DDL(f"CREATE TABLE {table.name}_default PARTITION OF {table.name} DEFAULT")  # type: ignore[no-untyped-call]
    event.listen(table, "after_create", default.execute_if(dialect="postgresql"))


def months(first: datetime, count: int) -> Iterator[datetime]:
    """The beginnings, in UTC, of so many months, from the one that holds `first`."""
    month = first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(count):
        yield month
        month = _next(month)


def make_months(database: Database, table: str, wanted: Collection[datetime]) -> int:
    """Give each of these months, named by any moment in it, a partition. Returns how many were made.

    One that cannot be made now (the default partition has rows of that month, the table is busy) is left for later.
    """
    if database.is_sqlite:
        return 0
    made = 0
    for month in sorted({next(months(moment, 1)) for moment in wanted}):
        name = f"{table}_{month:%Y_%m}"
        if name in _parts(database, table):
            continue
        # Attached, not made in place: that would shut readers out of the whole table.
        made += _try(
            database, name,
            f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)",
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{month:%Y-%m-%d}T00:00:00Z')"
            f" TO ('{_next(month):%Y-%m-%d}T00:00:00Z')",
        )  # fmt: skip
    return made


def drop_before(database: Database, table: str, moment: datetime) -> int:
    """Drop the partitions of months that had ended by `moment`. Returns how many."""
    if database.is_sqlite:
        return 0
    dropped = 0
    for name in _parts(database, table):
        found = _NAME.fullmatch(name)
        if found and found["year"]:
            month = datetime(int(found["year"]), int(found["month"]), 1, tzinfo=UTC)
            if _next(month) <= moment:
                dropped += _try(database, name, f"DROP TABLE {name}")
    return dropped


def _next(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _parts(database: Database, table: str) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(_PARTS, {"table": table}))


def _try(database: Database, name: str, *statements: str) -> bool:
    try:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            for statement in statements:
                connection.exec_driver_sql(statement)
    except DBAPIError as exc:
        log.warning("partition_left_as_it_is", extra={"partition": name, "kind": type(exc.orig).__name__})
        return False
    return True
