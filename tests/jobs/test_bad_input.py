"""Each wrong setting, tried on real processes: one line that says what to do, an exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from jobs import checks
from jobs.ports import free_port
from plugin.config import ConfigError, Settings, load
from tests.conftest import KEY
from tests.support.postgres import Cluster

PROCESSES = ("web", "worker", "clock")


def environ(tmp_path: Path, url: str, **changed: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DATABASE_URL": url, "SECRET_KEY": "a secret",
        "ENCRYPTION_KEYS": KEY, "EMAIL_URL": "smtp://127.0.0.1:2", "REDIS_URL": "redis://127.0.0.1:1/0",
        "SHOPIFY_API_SECRET": "a secret",
    } | changed  # fmt: skip


def dasi(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments], env=env, capture_output=True, text=True, timeout=60
    )
    return found.returncode, found.stderr


def refused(answer: tuple[int, str], words: str) -> None:
    code, said = answer
    assert code == 2, said
    assert said.startswith("dasi: ")
    assert said.count("\n") == 1
    assert words in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "postgresql://dasi:hidden@127.0.0.1:port/dasi", "a port is a number"),
        ("DATABASE_URL", "postgresql://dasi:hidden@127.0.0.1:1/dasi", "check DATABASE_URL"),
        ("DATABASE_URL", "postgresql://dasi:hidden@127.0.0.1:1/dasi?prepare_threshold=often", "prepare_threshold is"),
        ("DATABASE_URL", "oracle://dasi:hidden@db/dasi", "DATABASE_URL must begin with"),
        ("REDIS_URL", "http://:hidden@cache", "REDIS_URL must begin with"),
        ("REDIS_URL", "redis://:hid/den@cache:6379/0", "REDIS_URL cannot be read"),
        ("REDIS_URL", "redis://:hidden@cache:6379/first", "the number of a database"),
        ("EMAIL_URL", "smtp://", "EMAIL_URL names no mail server"),
        ("EMAIL_URL", "smtp://dasi:hid/den@mail", "EMAIL_URL"),
        ("ENCRYPTION_KEYS", "hidden", "ENCRYPTION_KEYS holds a key that is not"),
        ("PUBLIC_URL", "dasi.example.com", "PUBLIC_URL must be a full address"),
    ],
)
def test_a_wrong_setting(tmp_path: Path, sqlite_url: str, name: str, value: str, words: str) -> None:
    answer = dasi(environ(tmp_path, sqlite_url, **{name: value}), "worker")
    refused(answer, words)
    assert "hidden" not in answer[1]


@pytest.mark.parametrize("command", PROCESSES)
def test_a_migration_not_applied(tmp_path: Path, command: str) -> None:
    refused(dasi(environ(tmp_path, f"sqlite:///{tmp_path}/empty.db"), command), "run `dasi migrate`")


@pytest.mark.postgres
def test_a_password_or_a_role_that_is_wrong(tmp_path: Path, cluster: Cluster) -> None:
    url = cluster.url("postgres").replace("postgres@", "nobody_there:hidden@")
    answer = dasi(environ(tmp_path, url), "web")
    refused(answer, 'role "nobody_there" does not exist')
    assert "hidden" not in answer[1]


@pytest.mark.parametrize("command", ["worker", "clock"])
def test_what_needs_valkey_does_not_start_without(
    tmp_path: Path, sqlite_url: str, command: str, settings: Settings
) -> None:
    began = time.monotonic()
    refused(dasi(environ(tmp_path, sqlite_url), command), "start it, or check REDIS_URL")
    assert time.monotonic() - began >= checks.VALKEY_PATIENCE


def test_the_web_starts_without_valkey_and_says_so(tmp_path: Path, sqlite_url: str) -> None:
    port = str(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "web", "--host", "127.0.0.1", "--port", port],
        env=environ(tmp_path, sqlite_url), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    said = process.stderr.readline()
    time.sleep(1)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=20)
    assert said.startswith("dasi: Valkey does not answer: webhooks are kept")


@pytest.mark.valkey
def test_a_valkey_that_answers_is_not_waited_for(settings: Settings, valkey: str) -> None:
    import dataclasses

    assert checks.valkey_trouble(dataclasses.replace(settings, redis_url=valkey)) is None


def test_a_refusal_is_not_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import AuthenticationError

    monkeypatch.setattr(checks, "valkey_trouble", lambda _: AuthenticationError("invalid password"))
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"Valkey cannot be used \(invalid password\)"):
        checks.check_valkey(settings)
    assert time.monotonic() - began < 1


def test_urls_that_are_right(tmp_path: Path) -> None:
    base = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "s", "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    for name, value in [
        ("REDIS_URL", "redis://cache"), ("REDIS_URL", "rediss://user:p%2Fw@cache:6380/1"), ("REDIS_URL", "unix:///run/s"),
        ("DATABASE_URL", "postgres://u:p%2Fw@db:5432/dasi?sslmode=require&prepare_threshold=none"),
        ("DATABASE_URL", "postgresql://u@/dasi?host=/run/postgresql"), ("DATABASE_URL", "sqlite:////var/lib/dasi.db"),
    ]:  # fmt: skip
        assert load(base | {name: value})
