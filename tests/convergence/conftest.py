"""Databases that need not survive a crash of the machine: the tests write thousands of small transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services.context import Context
from plugin.store.session import Database
from tests.support.fakes import RecordingQueues


def _hasty(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    event.listen(database.engine, "connect", _hasty)
    yield database
    database.dispose()


@pytest.fixture
def postgres_context(
    settings: Settings, postgres_url: str, clock: FixedClock, queues: RecordingQueues
) -> Iterator[Context]:
    database = Database(postgres_url)
    yield Context(settings, database, clock, queues)
    database.dispose()
