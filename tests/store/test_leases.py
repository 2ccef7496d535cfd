"""A lease has one holder at a time, by the database's clock."""

from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import update

from plugin.services.leases import acquire, release
from plugin.store.models.shops import Lease
from plugin.store.session import Database, database_now


def take(database: Database, holder: str, seconds: float = 60, name: str = "housekeeping") -> bool:
    with database.transaction() as session:
        return acquire(session, name, holder, seconds)


def test_one_holder_at_a_time(database: Database) -> None:
    assert take(database, "a")
    assert not take(database, "b")
    assert take(database, "a")  # prolongs
    assert take(database, "b", name="another task")


def test_a_lease_ends_by_itself(database: Database) -> None:
    assert take(database, "a")
    with database.transaction() as session:
        session.execute(update(Lease).values(until=database_now(session) - timedelta(seconds=1)))
    assert take(database, "b")
    assert not take(database, "a")


def test_a_lease_is_given_back_by_its_holder_alone(database: Database) -> None:
    assert take(database, "a")
    with database.transaction() as session:
        release(session, "housekeeping", "b")
    assert not take(database, "b")
    with database.transaction() as session:
        release(session, "housekeeping", "a")
    assert take(database, "b")


def test_of_many_at_once_one_gets_it(database: Database) -> None:
    got: list[bool] = []
    start = threading.Barrier(6)

    def run(holder: str) -> None:
        start.wait()
        got.append(take(database, holder))

    threads = [threading.Thread(target=run, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 5 + [True]
