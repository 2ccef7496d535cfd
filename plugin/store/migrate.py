"""Bring a database to the newest schema, and tell whether it is there."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from plugin.store import models
from plugin.store.models.base import Base
from plugin.store.session import Database

LOCK_SECONDS = 5  # a migration that cannot have its lock by then gives up instead of holding up every request
ADVISORY_LOCK = 0x64617369  # "dasi": one migration at a time


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
    """Migrate in one transaction; a second process that migrates at the same time waits, then finds nothing to do.

    Raises sqlalchemy.exc.OperationalError when the database or a lock in it cannot be had.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            # Later migrations rebuild tables, which must not cascade. The pragma counts only outside a transaction.
            _pragma(connection, "OFF")
        try:
            with connection.begin():
                if not database.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
                command.upgrade(config(connection), revision)
                if database.is_sqlite:
                    _check_references(connection)
        finally:
            if database.is_sqlite:
                _pragma(connection, "ON")


def current_is_head(database: Database) -> bool:
    """Raises sqlalchemy.exc.OperationalError when the database cannot be reached."""
    with database.reading() as session:
        return frozenset(MigrationContext.configure(session.connection()).get_current_heads()) == _heads()


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
