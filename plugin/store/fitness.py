"""Whether a database can be worked on: migrated, writable, with room on its disk where we can see it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from plugin.store.migrate import Standing, standing
from plugin.store.session import Database

LOW, FULL = 500 * 2**20, 16 * 2**20  # bytes left free


@dataclass(frozen=True, slots=True)
class Fitness:
    """`free_bytes`: on the disk of an SQLite file; None for PostgreSQL, whose disk is watched where it runs."""

    standing: Standing
    read_only: bool
    free_bytes: int | None

    @property
    def disk_low(self) -> bool:
        return self.free_bytes is not None and self.free_bytes < LOW

    @property
    def disk_full(self) -> bool:
        return self.free_bytes is not None and self.free_bytes < FULL


def fitness(database: Database) -> Fitness:
    """Raises sqlalchemy.exc.SQLAlchemyError when the database cannot be reached."""
    where = standing(database)
    if not database.is_sqlite:
        with database.reading() as session:
            read_only = session.execute(text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')"
                                             " = 'on'")).scalar_one()  # fmt: skip
        return Fitness(where, bool(read_only), None)
    path = database.engine.url.database
    if not path or path == ":memory:":
        return Fitness(where, False, None)
    return Fitness(where, not os.access(path, os.W_OK), free_bytes(Path(path).parent))


def free_bytes(folder: Path) -> int:
    """What somebody who is not root may still write there."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
