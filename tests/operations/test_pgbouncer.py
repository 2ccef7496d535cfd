"""Behind PgBouncer in transaction mode: all that the engine does to the database works as it does without."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from plugin.config import ConfigError, Settings, load
from plugin.services.context import Context, build
from plugin.services.deliver import Courier, anything_due, send_due
from plugin.store import migrate
from tests.services.world import Sink, World, order, whole_life
from tests.support.fakes import RecordingQueues
from tests.support.postgres import NOBODY

pytestmark = pytest.mark.postgres
CONFIG = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = 3
logfile = {folder}/log
pidfile =
"""


@pytest.fixture
def pooled(postgres_url: str, settings: Settings, clock: object) -> Iterator[Context]:
    """A context whose every connection goes through PgBouncer; three server connections for all."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("no pgbouncer here: apt-get install pgbouncer")
    url = make_url(postgres_url)
    folder = Path(str(url.query["host"])) / f"bouncer-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(host=url.query["host"], folder=folder))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    as_user = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    process = subprocess.Popen([program, "-q", config], extra_groups=[] if as_user else None, **as_user)
    address = url.set(query={"host": str(folder), "port": "6432", "prepare_threshold": "none"})
    wait_for(f"host={folder} port=6432 user=postgres dbname={url.database}", folder / "log")
    given = dataclasses.replace(settings, database_url=address.render_as_string(hide_password=False))
    ctx = dataclasses.replace(build(given), clock=clock, queues=RecordingQueues())
    yield ctx
    ctx.database.dispose()
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


def wait_for(address: str, log: Path) -> None:
    for _ in range(100):
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PgBouncer did not start: {log.read_text() if log.exists() else 'it wrote no log'}")


def test_many_threads_over_three_connections(pooled: Context) -> None:
    world = World(pooled)
    for number in range(1, 41):
        world.receive("orders/create", order(world.now, number, customer=None, email=f"c{number}@example.com"))

    def ingest() -> None:
        while world.ingest():
            pass

    together(*[ingest] * 6)
    sinks = [Sink() for _ in range(6)]

    def send(sink: Sink) -> None:
        courier = Courier(sink)
        while anything_due(pooled):
            send_due(pooled, courier, limit=7)

    together(*[lambda sink=sink: send(sink) for sink in sinks])
    recipients = Counter(to for sink in sinks for _, to, _ in sink.mails)
    assert len(recipients) == 40
    assert set(recipients.values()) == {1}
    assert list(whole_life(world)) == ["placed", "shipped", "delivered"]
    world.walk(days=14)
    assert "survey" in world.sink.steps()


def test_no_statement_stays_prepared(pooled: Context) -> None:
    for _ in range(20):
        with pooled.database.reading() as session:
            assert session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0


def test_migrations_and_readiness(pooled: Context) -> None:
    migrate.upgrade(pooled.database)
    assert migrate.current_is_head(pooled.database)


def test_a_threshold_that_is_none() -> None:
    environ = {"SECRET_KEY": "x", "ENCRYPTION_KEYS": "x", "DATABASE_URL": "postgresql://h/d?prepare_threshold=never"}
    with pytest.raises(ConfigError, match="prepare_threshold is a number"):
        load(environ)


def together(*works: object) -> None:
    troubles: list[BaseException] = []

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as exc:
            troubles.append(exc)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []
