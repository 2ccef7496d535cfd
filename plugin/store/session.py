"""The database: one engine, and transactions that take their locks at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from plugin.store import liveness, pooler
from plugin.store.types import load_json

BUSY_SECONDS = 5
SPARE = 5  # connections beyond the pool's own, for what needs two at once
READ_ONLY = "dasi_read_only"


class Database:
    """SQLite (WAL, synchronous=FULL, BEGIN IMMEDIATE) or PostgreSQL behind the same two verbs."""

    def __init__(self, url: str, pool_size: int = 5) -> None:
        """`pool_size`: connections kept open, one for each thread that asks often. None is opened before it is used."""
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS}} if self.is_sqlite else {
            "pool_size": pool_size, "max_overflow": SPARE, "pool_timeout": BUSY_SECONDS,
            "connect_args": {"connect_timeout": BUSY_SECONDS},
        }  # fmt: skip
        # Parameters hold addresses and payloads: an error must not carry them into a log or a traceback.
        self.engine: Engine = create_engine(url, hide_parameters=True, json_deserializer=load_json, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            liveness.watch(self.engine)
            pooler.heed_prepare_threshold(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends well and rolls back otherwise. The caller owns it."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries only: on SQLite it takes no write lock."""
        with (
            self.engine.connect().execution_options(**{READ_ONLY: True}) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def raw(self) -> Iterator[psycopg.Connection]:
        """PostgreSQL only: a pooled connection of the driver's for one statement that is a whole transaction.

        It is committed in the same round trip: when `execute` returns, the server has said that the commit is done, and
        an error of the commit is raised like any other. Raises psycopg.Error from there on, SQLAlchemyError before.
        """
        pooled = self.engine.raw_connection()
        try:
            connection = cast(psycopg.Connection, pooled.driver_connection)
            connection.autocommit = True
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.autocommit = False
        finally:
            pooled.close()

    def dispose(self) -> None:
        self.engine.dispose()


def database_now(session: Session) -> datetime:
    """Machine time by the database's own clock, for leases: every process agrees on it."""
    if session.get_bind().dialect.name == "sqlite":
        raw = session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")).scalar_one()
        return datetime.fromisoformat(raw)
    moment = session.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below decides how a transaction begins
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
