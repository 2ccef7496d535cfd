"""A backup is put back after more has left: nothing leaves twice, and no link of the lost time means somebody else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from jobs.cli import main
from plugin.services.context import Context
from plugin.services.restore import after_restore
from plugin.services.restored import UNKNOWN
from plugin.store.models.messages import Message
from plugin.store.session import Database
from tests.conftest import KEY
from tests.services.world import World, consent, order, parcel, tracked
from tests.support import postgres

Backup = Callable[[], Callable[[], Database]]


@pytest.fixture
def backup(database: Database, tmp_path: Path) -> Iterator[Backup]:
    """Takes a backup; what it returns puts it back, as another database."""
    ours: list[Callable[[], None]] = []

    def of_sqlite() -> Callable[[], Database]:
        file = tmp_path / "backup.db"
        with (
            closing(sqlite3.connect(database.engine.url.database or "")) as source,
            closing(sqlite3.connect(file)) as target,
        ):
            source.backup(target)
        return lambda: keep(f"sqlite:///{shutil.copy(file, tmp_path / 'restored.db')}", lambda: None)

    def of_postgres() -> Callable[[], Database]:
        url, file, name = database.engine.url, tmp_path / "backup.dump", f"restored_{uuid4().hex[:8]}"
        host = str(url.query["host"])
        binary("pg_dump", "-Fc", "-f", str(file), "-h", host, "-U", "postgres", str(url.database))
        cluster = postgres.Cluster(Path(host))

        def put_back() -> Database:
            cluster.admin(f"CREATE DATABASE {name}")
            binary("pg_restore", "--exit-on-error", "-d", name, "-h", host, "-U", "postgres", str(file))
            return keep(cluster.url(name), lambda: cluster.admin(f"DROP DATABASE {name} WITH (FORCE)"))

        return put_back

    def keep(url: str, end: Callable[[], None]) -> Database:
        made = Database(url)
        ours.extend((end, made.dispose))
        return made

    yield of_sqlite if database.is_sqlite else of_postgres
    for end in reversed(ours):
        end()


def binary(name: str, *arguments: str) -> None:
    folder = postgres._binaries()
    assert folder
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    subprocess.run([folder / "bin" / name, *arguments], check=True, capture_output=True, env=environ, timeout=60)


class Lost:
    """An installation that was put back to an older state, and what had left meanwhile."""

    def __init__(self, context: Context, backup: Backup) -> None:
        self.old = World(context)
        self.old.hook("customers/email_marketing_consent_update", consent(self.old.now))
        for number in (1001, 1002):
            self.old.hook("orders/create", order(self.old.now, number))
        self.old.send()
        self.old.later(hours=1)
        put_back = backup()
        # All this is lost: a parcel, its delivery, an order, and the mail about them.
        self.old.hook("fulfillments/create", parcel(self.old.now, order_id=1001))
        self.old.later(minutes=11)
        self.old.hook("orders/create", order(self.old.now, 1003, customer=None, email="new@example.com"))
        self.lost_order = order(self.old.now, 1003, customer=None, email="new@example.com")
        self.old.send()
        self.old.later(hours=6)
        self.parcel_arrived = tracked(self.old.now, order_id=1001)
        self.parcel = parcel(self.old.now - timedelta(hours=6, minutes=11), order_id=1001)
        self.old.hook("fulfillment_events/create", self.parcel_arrived)
        self.old.send()
        self.until = self.old.now
        self.given_out = max(m.id for m in self.old.rows(Message))
        self.database = put_back()
        self.old.later(hours=2)
        self.new = World.__new__(World)
        self.new.__dict__ |= self.old.__dict__ | {"ctx": replace(context, database=self.database)}

    def names(self) -> Counter[str]:
        """X-Entity-Ref-ID of everything that arrived."""
        return Counter(str(mail["X-Entity-Ref-ID"]) for mail in self.old.sink.parsed())

    def go_on(self) -> None:
        """What comes in after the restore: the platform tells of the lost time, and there is a new order."""
        new = self.new
        new.hook("orders/updated", self.lost_order)
        new.hook("fulfillments/create", self.parcel)
        new.hook("fulfillment_events/create", self.parcel_arrived)
        new.send()
        new.hook("orders/create", order(new.now, 1004, customer=None, email="newest@example.com"))
        new.send()


@pytest.fixture
def lost(context: Context, backup: Backup) -> Lost:
    return Lost(context, backup)


def test_nothing_leaves_twice(lost: Lost) -> None:
    before = lost.names()
    assert len(before) >= 5
    found = after_restore(lost.new.ctx, lost.until)
    assert found.gap
    lost.go_on()
    after = lost.names()
    assert max(after.values()) == 1
    fresh = set(after) - set(before)
    assert {name.split("/")[2] for name in fresh} == {"thank_you"}  # of the order that came after the restore
    told = [m for m in lost.new.rows(Message) if m.reason == UNKNOWN]
    assert {m.step for m in told} == {"thank_you", "shipped", "delivered"}  # the lost order's, the lost parcel's
    assert {m.state for m in told} == {"failed"}


def test_without_it_the_parcel_would_be_told_of_twice(lost: Lost) -> None:
    lost.go_on()
    assert max(lost.names().values()) == 2


def test_the_campaign_goes_on(lost: Lost) -> None:
    after_restore(lost.new.ctx, lost.until)
    lost.go_on()
    lost.new.walk(days=14)
    assert max(lost.names().values()) == 1
    steps = Counter(name.split("/")[2] for name in lost.names())
    assert steps["survey"] >= 1


def test_what_the_mail_server_took_is_known(lost: Lost) -> None:
    lost.new.hook("fulfillments/create", lost.parcel)
    taken = [str(mail["Message-ID"]) for mail in lost.old.sink.parsed()]
    found = after_restore(lost.new.ctx, lost.until, left=taken)
    assert (found.sent, found.unknown) == (2, 0)  # the parcel's news, one still waited for
    shipped = next(m for m in lost.new.rows(Message, step="shipped") if m.state == "sent")
    assert shipped.reason.startswith("sent before the database was restored")


def test_again_repeats_all_but_marketing_under_the_same_name(lost: Lost) -> None:
    after_restore(lost.new.ctx, lost.until, again=True)
    lost.go_on()
    doubled = {name for name, count in lost.names().items() if count == 2}
    assert doubled
    assert not any("cross_sell" in name for name in doubled)
    ids = Counter(str(mail["Message-ID"]) for mail in lost.old.sink.parsed())
    assert sum(count == 2 for count in ids.values()) == len(doubled)


def test_new_messages_never_take_an_id_of_the_lost_time(lost: Lost) -> None:
    with lost.database.reading() as session:
        known = session.scalar(select(func.max(Message.id))) or 0
    assert known < lost.given_out
    after_restore(lost.new.ctx, lost.until)
    lost.go_on()
    made = [m.id for m in lost.new.rows(Message) if m.id > known]
    assert min(made) > lost.given_out + 1000


def test_twice_is_as_once(lost: Lost) -> None:
    after_restore(lost.new.ctx, lost.until)
    assert after_restore(lost.new.ctx, lost.until).unknown == 0


def test_the_command(
    lost: Lost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = lost.database.engine.url
    monkeypatch.setenv("DATABASE_URL", make_url(url).render_as_string(hide_password=False))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ENCRYPTION_KEYS", KEY)
    assert main(["after-restore", "--until", "2099-01-01"]) == 2
    assert "lies in the future" in capsys.readouterr().err
    assert main(["after-restore", "--until", lost.until.isoformat(), "--sent", "nowhere.txt"]) == 2
    assert "cannot be read" in capsys.readouterr().err
    listed = tmp_path / "left.txt"
    listed.write_text("\n".join(str(mail["Message-ID"]) for mail in lost.old.sink.parsed()))
    monkeypatch.setattr("plugin.clock.RealClock.now", lambda _: lost.new.now)
    assert main(["after-restore", "--until", lost.until.isoformat(), "--sent", str(listed)]) == 0
    assert "will not leave again" in capsys.readouterr().out
