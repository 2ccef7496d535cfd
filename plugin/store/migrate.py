"""Bring a database to the newest schema, and tell whether it is there."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
import sys
import time
from enum import StrEnum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import OperationalError

from plugin.store import models
from plugin.store.models.base import Base
from plugin.store.session import Database

LOCK_SECONDS = 2  # a migration that cannot have its lock by then lets the requests behind it through, and tries again
TRIES, PAUSE = 20, 0.2  # seconds more after each try
DEADLOCK, LOCK_TIMEOUT = "40P01", "55P03"
ADVISORY_LOCK = 0x64617369  # "dasi": one migration at a time


class NoLock(Exception):
    """The database is too busy to be migrated: others never let go of what a migration needs for a moment alone."""


def metadata() -> MetaData:
    """The tables of all models, every module under `store/models` imported."""
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"{models.__name__}.{module.name}")
    return Base.metadata


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without an ini file."""
    setting = Config()
    setting.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    setting.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    setting.attributes["connection"] = connection
    setting.attributes["metadata"] = metadata()
    return setting


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate, each revision in a transaction of its own; may be stopped and repeated, and done by several at once.

    Others may be at work on the database meanwhile: a revision that loses a race with them for a lock is tried again.
    A database that a newer program migrated is left as it is: its schema has all that this one needs (see `standing`).

    Raises sqlalchemy.exc.OperationalError when the database cannot be reached, NoLock when a lock cannot be had.
    """
    if standing(database) is Standing.AHEAD:
        return
    with database.engine.connect() as connection:
        if database.is_sqlite:
            # Later migrations rebuild tables, which must not cascade. The pragma counts only outside a transaction.
            _pragma(connection, "OFF")
        try:
            while _one_more(connection, revision, is_sqlite=database.is_sqlite):
                pass
        finally:
            if database.is_sqlite:
                _pragma(connection, "ON")


def _one_more(connection: Connection, revision: str, *, is_sqlite: bool) -> bool:
    """Go one revision on. False: it stands where it should."""
    for attempt in range(TRIES):
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
                following = _following(connection, revision)
                if following is None:
                    return False
                command.upgrade(config(connection), following)
                if is_sqlite:
                    _check_references(connection)
            return True
        except OperationalError as exc:
            if not _lost_a_lock(exc):
                raise
            time.sleep(PAUSE * (attempt + 1))
    raise NoLock(f"after {TRIES} tries")


def _lost_a_lock(exc: OperationalError) -> bool:
    busy = getattr(exc.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return busy or getattr(exc.orig, "sqlstate", None) in (DEADLOCK, LOCK_TIMEOUT)


def _following(connection: Connection, revision: str) -> str | None:
    script = ScriptDirectory.from_config(config())
    current = MigrationContext.configure(connection).get_current_heads()
    missing = [found.revision for found in script.iterate_revisions(revision, current or "base")]
    return missing[-1] if missing else None


class Standing(StrEnum):
    """Where a database stands, seen from this program."""

    BEHIND = "behind"  # a migration is missing: this program cannot work on it
    HERE = "here"
    AHEAD = "ahead"  # migrated by a newer program, while this one still runs beside it


def standing(database: Database) -> Standing:
    """Revisions are numbered and only ever add, so a program works on every later schema than its own.

    Raises sqlalchemy.exc.OperationalError when the database cannot be reached.
    """
    with database.reading() as session:
        found = frozenset(MigrationContext.configure(session.connection()).get_current_heads())
    if found == _heads():
        return Standing.HERE
    numbers = [int(revision) for revision in found if revision.isdecimal()]
    ours = [int(revision) for revision in _heads() if revision.isdecimal()]
    return Standing.AHEAD if numbers and ours and max(numbers) > max(ours) else Standing.BEHIND


def current_is_head(database: Database) -> bool:
    """Whether this program can work on the database: it stands at its newest migration, or at a later one.

    Raises sqlalchemy.exc.OperationalError when the database cannot be reached.
    """
    return standing(database) is not Standing.BEHIND


def write_revision(database: Database, message: str) -> Path:
    """Write the next numbered migration from the difference between `database` (at head) and the models."""
    script = ScriptDirectory.from_config(config())
    numbers = [int(revision.revision) for revision in script.walk_revisions()]
    with database.engine.connect() as connection:
        made = command.revision(
            config(connection), message, autogenerate=True, rev_id=f"{max(numbers, default=0) + 1:04}"
        )
    if made is None or isinstance(made, list):
        raise RuntimeError("one revision was expected")
    return Path(made.path)


@cache
def _heads() -> frozenset[str]:
    """The newest revisions this program knows; read once, because every readiness probe asks."""
    return frozenset(ScriptDirectory.from_config(config()).get_heads())


def _pragma(connection: Connection, value: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(f"PRAGMA foreign_keys={value}")


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"the migration left {len(broken)} rows that refer to nothing, first in {broken[0][0]}")


def main(arguments: list[str]) -> int:
    """`python -m plugin.store.migrate "what changes"`: write the next migration (see `make migration`)."""
    import tempfile

    if len(arguments) != 1 or not re.search(r"\w", arguments[0]):
        sys.stderr.write('say what changes: make migration m="orders: a note"\n')
        return 2
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/head.db")
        upgrade(database)
        path = write_revision(database, arguments[0])
        database.dispose()
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
