"""Connections to PostgreSQL: that they live when they are handed out, and that one statement is one commit."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text

from plugin.store import liveness
from plugin.store.session import Database

pytestmark = pytest.mark.postgres


class Asked:
    """Counts the questions whether a connection lives."""

    def __init__(self, engine: Engine) -> None:
        self.times = 0
        self._ping = engine.dialect.do_ping
        engine.dialect.do_ping = self  # type: ignore[method-assign]

    def __call__(self, connection: object) -> bool:
        self.times += 1
        return self._ping(connection)  # type: ignore[arg-type]


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


def backend(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_connection_in_use_is_looked_at_but_not_asked(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(postgres.engine)
    first = backend(postgres)
    assert [backend(postgres) for _ in range(3)] == [first] * 3
    assert asked.times == 0
    monkeypatch.setattr(liveness, "LONG_REST", 0.0)
    assert backend(postgres) == first
    assert asked.times == 1


def test_connections_that_the_server_ended_are_made_anew(postgres: Database, postgres_url: str) -> None:
    engine = postgres.engine
    with engine.connect() as one, engine.connect() as other:
        old = {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (one, other)}
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as killer:
        assert all(killer.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() for pid in old)
    asked = Asked(engine)
    with engine.connect() as one, engine.connect() as other:
        new = {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (one, other)}
    assert not new & old
    assert asked.times == 1  # the second of them was forgotten with the first


def test_a_raw_statement_is_committed_when_it_returns(postgres: Database) -> None:
    with postgres.raw() as connection:
        connection.execute("CREATE TABLE kept (number integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.rollback()
    with postgres.transaction() as session:
        assert session.execute(text("SELECT number FROM kept")).all() == [(1,)]
        session.execute(text("INSERT INTO kept VALUES (2)"))
        session.rollback()  # the connection has transactions again
    with postgres.reading() as session:
        assert session.execute(text("SELECT count(*) FROM kept")).scalar_one() == 1


def test_an_error_of_the_commit_itself_is_raised(postgres: Database) -> None:
    with postgres.raw() as connection:
        connection.execute("CREATE TABLE late (number integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO late VALUES (1), (1) RETURNING number")
        assert connection.execute("SELECT count(*) FROM late").fetchone() == (0,)


def test_a_raw_connection_lost_on_the_way_is_not_used_again(postgres: Database) -> None:
    with pytest.raises(psycopg.OperationalError), postgres.raw() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert backend(postgres)
