"""The Valkey that comes along: private, locked to its folder, kept across starts."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from jobs import embedded
from jobs.processes import Child, end
from plugin.config import ConfigError, embedded_redis_url

pytestmark = pytest.mark.valkey


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="dasi-jobs-", dir="/tmp"))
    yield path
    rmtree(path)


def started(folder: Path) -> Child:
    child = embedded.server(folder)
    child.start()
    embedded.wait_until_ready(child, embedded_redis_url(folder))
    return child


def test_only_one_may_hold_a_folder(folder: Path) -> None:
    with (
        embedded.held(folder),
        pytest.raises(ConfigError, match="another `dasi up` or `dasi demo` runs on"),
        embedded.held(folder),
    ):
        pass
    with embedded.held(folder):
        pass


def test_a_folder_that_cannot_be_made_is_one_clear_line(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"), embedded.held(folder / "file" / "var"):
        pass


def test_what_is_queued_outlives_a_restart(folder: Path) -> None:
    child = started(folder)
    with Redis.from_url(embedded_redis_url(folder)) as redis:
        redis.rpush("queue", "job")
    end([child], 5)
    assert not child.running
    child = started(folder)
    with Redis.from_url(embedded_redis_url(folder)) as redis:
        assert redis.lrange("queue", 0, -1) == [b"job"]
    end([child], 5)
    assert stat.S_IMODE((folder / "valkey" / "socket").parent.stat().st_mode) == 0o700


def test_a_server_left_by_a_killed_parent_is_ended_first(folder: Path) -> None:
    stray = started(folder)
    child = started(folder)
    assert not stray.running
    assert child.running
    end([child], 5)


@pytest.mark.parametrize("name", ["a folder with spaces, 한글 and 100%", 'quotes " and \\ and #'])
def test_any_folder_name_will_do(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    end([started(folder / name)], 5)


def test_a_path_too_long_for_a_socket_gets_a_port_with_a_password(folder: Path) -> None:
    deep = folder / ("d" * 120)
    deep.mkdir()
    child = started(deep)
    url = embedded_redis_url(deep)
    assert url.startswith("redis://:")
    written = deep / "valkey" / "url"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    stranger = Redis.from_url("redis://" + url.rpartition("@")[2], retry=None)
    with pytest.raises(AuthenticationError):
        stranger.ping()
    stranger.close()
    end([child], 5)
