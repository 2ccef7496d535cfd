"""Partitions by month: made ahead, filled, dropped whole; and nothing is lost where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, literal_column, select, text

from plugin.domain import retention
from plugin.services import housekeeping
from plugin.services.context import Context
from plugin.store import migrate, partitions
from plugin.store.models.bodies import MessageBody
from plugin.store.session import Database, database_now

TABLE = "message_bodies"


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


def moment(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("message_bodies_2026_11", True), ("messages_archive_default", True), ("message_bodies", False),
        ("messages_2026_11", False), ("template_default", False), (None, False),
    ],
)  # fmt: skip
def test_the_names_of_partitions(name: str | None, expected: bool) -> None:
    assert partitions.is_partition(name) is expected


def test_the_months() -> None:
    found = [f"{month:%Y-%m-%d %H}" for month in partitions.months(moment("2026-11-30"), 3)]
    assert found == ["2026-11-01 00", "2026-12-01 00", "2027-01-01 00"]


def keep(database: Database, *days: str) -> None:
    with database.transaction() as session:
        rows = [{"message_id": number, "made_at": moment(day), "body": b"sealed"} for number, day in enumerate(days)]
        session.execute(insert(MessageBody), rows)


def where(database: Database) -> list[str]:
    with database.reading() as session:
        parts = select(literal_column("CAST(tableoid AS regclass)::text")).select_from(MessageBody)
        return list(session.scalars(parts.order_by(MessageBody.made_at)))


@pytest.mark.postgres
def test_rows_go_where_their_month_is(postgres_database: Database) -> None:
    database = postgres_database
    wanted = [moment("2026-11-30"), moment("2026-11-02"), moment("2026-12-01")]
    assert (partitions.make_months(database, TABLE, wanted), partitions.make_months(database, TABLE, wanted)) == (2, 0)
    keep(database, "2026-11-30", "2026-12-01", "2027-01-01")
    assert where(database) == [f"{TABLE}_2026_11", f"{TABLE}_2026_12", f"{TABLE}_default"]
    # The default partition has a row of it: a partition cannot be made, and nothing is disturbed.
    assert partitions.make_months(database, TABLE, [moment("2027-01-15"), moment("2027-02-15")]) == 1
    assert partitions.drop_before(database, TABLE, moment("2026-11-30")) == 0
    assert partitions.drop_before(database, TABLE, moment("2026-12-02")) == 1
    assert where(database) == [f"{TABLE}_2026_12", f"{TABLE}_default"]
    with database.engine.connect() as connection:  # what comes and goes is no difference from the models
        options = {"include_name": lambda name, kind, _: not partitions.is_partition(name)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, migrate.metadata()) == []
    migrate.upgrade(database)


@pytest.mark.postgres
def test_a_busy_table_is_left_for_later(postgres_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LOCK_SECONDS", 0.1)
    with postgres_database.engine.begin() as connection:
        connection.execute(text(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE"))
        assert partitions.make_months(postgres_database, TABLE, [moment("2026-11-02")]) == 0
    assert partitions.make_months(postgres_database, TABLE, [moment("2026-11-02")]) == 1


def test_bodies_go_with_their_time(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    database = context.database
    with database.transaction() as session:
        now = database_now(session)
    old = [now - retention.MESSAGE_BODIES - timedelta(days=days) for days in (400, 100, 40, 2, 1)]
    young = [now - retention.MESSAGE_BODIES + timedelta(days=1), now]
    with database.transaction() as session:
        rows = [
            {"message_id": number, "made_at": at, "body": b"sealed"} for number, at in enumerate([*old, *young])
        ]  # fmt: skip
        session.execute(insert(MessageBody), rows)
    for _ in range(2):  # the second time finds nothing more
        housekeeping.prune(context)
        with database.reading() as session:
            assert session.scalar(select(func.min(MessageBody.made_at))) == young[0]
            assert session.scalar(select(func.count()).select_from(MessageBody)) == len(young)


def test_months_are_made_ahead(context: Context) -> None:
    housekeeping.prune(context)
    if context.database.is_sqlite:
        return
    month = next(partitions.months(datetime.now(UTC), 1))
    expected = [f"{TABLE}_{one:%Y_%m}" for one in partitions.months(month, 1 + housekeeping.AHEAD)]
    with context.database.reading() as session:
        made = [name for name in expected if session.scalar(text("SELECT to_regclass(:name)"), {"name": name})]
    assert made == expected
