"""Old and new versions side by side for one deploy: the database may be newer than a program, and busy while it moves.

`python -m tests.operations.two_versions` does the same with two real versions under load.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from jobs import checks
from plugin.app import create_app_from
from plugin.services.context import Context
from plugin.store import migrate
from plugin.store.migrate import Standing, standing
from plugin.store.session import Database
from tests.support.postgres import Cluster


def set_revision(database: Database, revision: str) -> None:
    with database.transaction() as session:
        session.connection().exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608


def test_a_newer_database_is_fit_for_an_older_program(context: Context) -> None:
    assert standing(context.database) is Standing.HERE
    set_revision(context.database, "9999")
    assert standing(context.database) is Standing.AHEAD
    checks.check_database(context.database)
    migrate.upgrade(context.database)  # leaves it alone
    assert standing(context.database) is Standing.AHEAD
    answer = create_app_from(context).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["migrations"]) == (200, "ahead")


def test_an_older_or_an_unknown_one_is_not(context: Context) -> None:
    for revision in ("0001", "nonsense"):
        set_revision(context.database, revision)
        assert standing(context.database) is Standing.BEHIND


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[tuple[Database, psycopg.Connection]]:
    """A database of an older version, and somebody who reads from its busiest table and does not end."""
    with cluster.database(template="template0") as url:
        database = Database(url)
        migrate.upgrade(database, "0002")
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            other.execute("SELECT count(*) FROM messages")
            yield database, other
        database.dispose()


@pytest.mark.postgres
def test_a_migration_waits_for_its_turn(
    busy: tuple[Database, psycopg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, other = busy
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.2)
    threading.Timer(1.0, other.rollback).start()
    began = time.monotonic()
    migrate.upgrade(database)
    assert time.monotonic() - began > 0.9
    assert standing(database) is Standing.HERE


@pytest.mark.postgres
def test_a_migration_gives_up_in_the_end(
    busy: tuple[Database, psycopg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, _ = busy
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(migrate, "TRIES", 2)
    with pytest.raises(migrate.NoLock):
        migrate.upgrade(database)
    assert standing(database) is Standing.BEHIND
