"""The migrations give what the models say, on both databases, and may be run by several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from plugin.store import migrate
from plugin.store.partitions import is_partition
from plugin.store.session import Database
from tests.support.postgres import Cluster

PROCESS = """
import sys
import threading
from plugin.store import migrate
from plugin.store.session import Database
database = Database(sys.argv[1])
migrate.upgrade(database)
database.dispose()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database(template="template0") as url:
        yield url


def test_the_migrated_schema_is_the_models(empty_url: str) -> None:
    database = Database(empty_url)
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        options = {"compare_type": True, "include_name": lambda name, kind, _: not is_partition(name)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, migrate.metadata()) == []
    database.dispose()


def test_head_is_told_apart_from_nothing(empty_url: str) -> None:
    database = Database(empty_url)
    assert not migrate.current_is_head(database)
    migrate.upgrade(database)
    assert migrate.current_is_head(database)
    migrate.upgrade(database)  # again: nothing to do
    database.dispose()


def test_every_migration_goes_back_and_forth(database: Database) -> None:
    with database.engine.begin() as connection:
        command.downgrade(migrate.config(connection), "base")
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)
    assert migrate.current_is_head(database)


def test_several_processes_migrate_at_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    failures = [error for process in processes if (error := process.communicate(timeout=60)[1]) and process.returncode]
    assert failures == []
    database = Database(empty_url)
    assert migrate.current_is_head(database)
    database.dispose()


def test_sqlite_keeps_its_references_after_a_migration(sqlite_database: Database) -> None:
    migrate.upgrade(sqlite_database)
    with sqlite_database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_busy_sqlite_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.store.session.BUSY_SECONDS", 0.05)
    path = tmp_path / "busy.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.4, other.execute, ("COMMIT",))
        timer.start()
        database = Database(f"sqlite:///{path}")
        migrate.upgrade(database)
        timer.join()
        assert migrate.current_is_head(database)
        database.dispose()
