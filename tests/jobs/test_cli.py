"""The `dasi` command: what is wrong is said in one line, with exit code 2 and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from jobs.cli import main
from plugin.clock import FixedClock
from plugin.secrets import Vault
from plugin.store.models.shops import Receipt, Shop
from plugin.store.session import Database, database_now
from tests.conftest import KEY, NOW
from tests.support.postgres import Cluster

Run = Callable[..., tuple[int, str, str]]
PROCESSES = ("web", "worker", "clock")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path) -> Run:
    """Run a command in a whole environment: (exit code, stdout, stderr)."""
    for name, value in {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": sqlite_url,
        "SECRET_KEY": "a secret of the tests",
        "ENCRYPTION_KEYS": KEY,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as exc:
            code = int(exc.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def refused(answer: tuple[int, str, str], words: str) -> None:
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("dasi: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize("command", PROCESSES)
def test_a_missing_secret_stops_the_start(run: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    refused(run(command), "SECRET_KEY is not set: set it")


@pytest.mark.parametrize("command", PROCESSES)
def test_a_database_that_is_not_migrated(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    refused(run(command), "run `dasi migrate`")
    assert run("migrate") == (0, "The database is at the newest migration.\n", "")
    assert run("shops", "list") == (0, "", "")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://dasi:hidden@127.0.0.1:1/dasi", "the database cannot be used"),
        ("sqlite:////nowhere/at/all.db", "unable to open database file"),
        ("mysql://dasi@db/dasi", "DATABASE_URL must begin with"),
    ],
)
@pytest.mark.parametrize("command", [*PROCESSES, "migrate"])
def test_a_database_that_does_not_answer(
    run: Run, command: str, url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    answer = run(command)
    refused(answer, words)
    assert "hidden" not in answer[2]


def test_a_file_that_is_no_database(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to look at" * 50)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'text'}")
    refused(run("migrate"), "file is not a database")
    refused(run("worker"), "file is not a database")


@pytest.mark.postgres
def test_a_postgres_database_that_is_not_there(run: Run, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", cluster.url("nobody_made_this"))
    refused(run("web"), 'database "nobody_made_this" does not exist')


def test_a_bad_email_url(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "carrier-pigeon://127.0.0.1")
    for command in PROCESSES:
        refused(run(command), "EMAIL_URL")


def test_a_key_that_is_no_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "too short")
    refused(run("web"), "ENCRYPTION_KEYS holds a key that is not")


def test_a_key_that_opens_nothing(run: Run, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    failed_receipt(sqlite_database, Vault((KEY,)).seal_bytes(b"{}"))
    other = Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", other)
    refused(run("worker"), "ENCRYPTION_KEYS does not open what is stored")
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{other},{KEY}")
    monkeypatch.setenv("EMAIL_URL", "nonsense")  # so that it does not really start
    refused(run("worker"), "EMAIL_URL")


def test_a_virtual_clock_is_refused_in_public(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://dasi.example.com")
    monkeypatch.setenv("CLOCK_EPOCH", "0")
    monkeypatch.setenv("CLOCK_START", "2026-11-02T09:00:00Z")
    for command in [*PROCESSES, "up"]:
        refused(run(command), "CLOCK_EPOCH is for tests only")


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_is_none(run: Run, port: str) -> None:
    code, _, err = run("web", "--port", port)
    assert code == 2
    assert "a port is a number from 1 to 65535" in err or "expected one argument" in err


def test_shops_are_added_configured_and_listed_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.delenv("ENCRYPTION_KEYS")
    assert run("shops", "add", "Demo.myshopify.com", "--name", "Demo")[0] == 0
    _, out, _ = run("shops", "list")
    assert out.startswith("demo.myshopify.com\tnot live\t")
    assert out.endswith("\tDemo\n")
    assert run("shops", "add", "demo.myshopify.com", "--live", "--legal-name", "Demo Ltd")[1] == (
        "demo.myshopify.com is registered, live.\n"
    )
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"delivery_days": 3}))
    assert run("shops", "configure", "demo.myshopify.com", "--settings", str(settings))[0] == 0
    settings.write_text(json.dumps({"delivery_days": "soon"}))
    refused(run("shops", "configure", "demo.myshopify.com", "--settings", str(settings)), "delivery_days")
    settings.write_text("{")
    refused(run("shops", "configure", "demo.myshopify.com", "--settings", str(settings)), "is not JSON")
    refused(run("shops", "configure", "demo.myshopify.com", "--settings", "nowhere.json"), "cannot be read")


def test_a_shop_that_is_none(run: Run, tmp_path: Path) -> None:
    refused(run("shops", "add", "example.com"), "example.com")
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    refused(run("shops", "configure", "x.myshopify.com", "--settings", str(settings)), "is not registered")


def test_failed_receipts_are_listed_and_run_again(run: Run, sqlite_database: Database) -> None:
    id_ = failed_receipt(sqlite_database, b"sealed")
    line = f"{id_}\tdemo.myshopify.com\torders/create\t2026-11-02T09:00:00Z\tfailed: KeyError\n"
    assert run("receipts", "--failed") == (0, line, "")
    code, out, err = run("receipts", "--failed", "--retry")
    assert (code, out) == (0, f"{line}1 of 1 will be processed again.\n")
    assert "Valkey does not answer" in err
    with sqlite_database.reading() as session:
        assert session.scalars(select(Receipt.state)).all() == ["received"]
    assert run("receipts", "--failed") == (0, "", "")


def failed_receipt(database: Database, body: bytes) -> int:
    clock = FixedClock(NOW)
    with database.transaction() as session:
        shop = Shop(
            platform="shopify", domain="demo.myshopify.com", code="abcde", installed_at=clock.now(), settings={}
        )
        session.add(shop)
        session.flush()
        now = database_now(session)
        receipt = Receipt(
            shop_id=shop.id, webhook_id="1", topic="orders/create", received_at=clock.now(), accepted_at=now,
            next_attempt_at=now, body=body, state="failed", attempts=8, reason="KeyError",
        )  # fmt: skip
        session.add(receipt)
        session.flush()
        return receipt.id
