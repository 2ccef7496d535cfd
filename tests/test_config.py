"""The environment becomes one settings value, or one line that says what to do."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plugin.config import ClockSetting, ConfigError, development_secrets, embedded_redis_url, load

KEY = Fernet.generate_key().decode()
SECRETS = {"SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": KEY}


def test_the_least_that_production_needs(tmp_path: Path) -> None:
    settings = load({**SECRETS, "DATA_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/dasi.db"
    assert settings.redis_url.startswith("unix://")
    assert (settings.public_url, settings.shopify_api_version) == ("http://127.0.0.1:8000", "2026-10")
    assert (settings.web_concurrency, settings.worker_concurrency, settings.demo) == (1, 1, False)
    assert settings.shopify_secrets == ()
    assert settings.clock is None


@pytest.mark.parametrize("missing", sorted(SECRETS))
@pytest.mark.parametrize("given", [None, "", "   "])
def test_production_does_not_start_without_its_secrets(tmp_path: Path, missing: str, given: str | None) -> None:
    environ = {**SECRETS, "DATA_DIR": str(tmp_path), missing: given or ""}
    with pytest.raises(ConfigError, match=missing) as caught:
        load(environ)
    assert "\n" not in str(caught.value)


def test_development_makes_secrets_once_for_the_owner_alone(tmp_path: Path) -> None:
    first = load({"DATA_DIR": str(tmp_path)}, production=False)
    again = load({"DATA_DIR": str(tmp_path)}, production=False)
    assert (first.secret_key, first.encryption_keys) == (again.secret_key, again.encryption_keys)
    assert len(first.secret_key) >= 40
    Fernet(first.encryption_keys[0])
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    beside = load({"DATA_DIR": str(tmp_path)})  # a command beside a running `up`
    assert beside.secret_key == first.secret_key


def test_given_secrets_win_over_made_ones(tmp_path: Path) -> None:
    development_secrets(tmp_path)
    settings = load({**SECRETS, "DATA_DIR": str(tmp_path)}, production=False)
    assert settings.secret_key == SECRETS["SECRET_KEY"]


def test_several_keys_and_a_rotation_of_the_shopify_secret(tmp_path: Path) -> None:
    environ = {"ENCRYPTION_KEYS": f" {KEY} , other,", "SECRET_KEY": "s", "DATA_DIR": str(tmp_path),
               "SHOPIFY_API_SECRET": "new", "SHOPIFY_API_SECRET_OLD": "old"}  # fmt: skip
    settings = load(environ)
    assert settings.encryption_keys == (KEY, "other")
    assert settings.shopify_secrets == ("new", "old")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
    ],
)
def test_database_addresses(tmp_path: Path, given: str, read: str) -> None:
    assert load({**SECRETS, "DATA_DIR": str(tmp_path), "DATABASE_URL": given}).database_url == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://h/d"), ("PUBLIC_URL", "dasi.example.com"), ("PUBLIC_URL", "ftp://dasi.example.com"),
        ("WEB_CONCURRENCY", "two"), ("WORKER_CONCURRENCY", "0"), ("WEB_CONCURRENCY", "100000"),
        ("CLOCK_SPEED", "60"), ("CLOCK_START", "2026-01-01"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.partition("_")[0]):
        load({**SECRETS, "DATA_DIR": str(tmp_path), name: value})


@pytest.mark.parametrize("public", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000/"])
def test_a_virtual_clock_at_home(tmp_path: Path, public: str) -> None:
    clock = {"CLOCK_EPOCH": "1793000000.5", "CLOCK_START": "2026-11-02T09:00:00", "CLOCK_SPEED": "3600"}
    settings = load({**SECRETS, **clock, "DATA_DIR": str(tmp_path), "PUBLIC_URL": public})
    assert settings.clock == ClockSetting(1793000000.5, datetime(2026, 11, 2, 9, tzinfo=UTC), 3600)
    assert not settings.public_url.endswith("/")


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast"])
def test_a_speed_that_is_none(tmp_path: Path, speed: str) -> None:
    clock = {"CLOCK_EPOCH": "1", "CLOCK_START": "2026-11-02T09:00:00", "CLOCK_SPEED": speed}
    with pytest.raises(ConfigError):
        load({**SECRETS, **clock, "DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize("name", ["CLOCK_EPOCH", "CLOCK_START", "CLOCK_SPEED", "SHOPIFY_ADMIN_URL"])
@pytest.mark.parametrize("production", [True, False])
def test_what_is_for_tests_stops_a_start_in_the_open(tmp_path: Path, name: str, production: bool) -> None:
    environ = {**SECRETS, "DATA_DIR": str(tmp_path), "PUBLIC_URL": "https://dasi.example.com", name: "1"}
    with pytest.raises(ConfigError, match=name):
        load(environ, production=production)


def test_the_embedded_servers_address_is_what_up_wrote_down(tmp_path: Path) -> None:
    assert embedded_redis_url(tmp_path).endswith("/valkey/socket")
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "url").write_text("redis://:word@127.0.0.1:7001/0\n")
    assert embedded_redis_url(tmp_path) == "redis://:word@127.0.0.1:7001/0"


@pytest.mark.parametrize(("name", "wrong"), [
    ("SES", "my-topic"), ("SES", "arn:aws:s3:::bucket"), ("SENDGRID", "no key"), ("SENDGRID", "bm8ga2V5"),
    ("POSTMARK", "name"), ("POSTMARK", "name:short"), ("MAILGUN", "short"), ("RESEND", "whsec_*"),
])  # fmt: skip
def test_a_webhook_secret_that_cannot_be_right(tmp_path: Path, name: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"EMAIL_WEBHOOK_{name} must be"):
        load({**SECRETS, "DATA_DIR": str(tmp_path), f"EMAIL_WEBHOOK_{name}": wrong})


def test_webhook_secrets_may_be_two_while_one_is_replaced(tmp_path: Path) -> None:
    given = {"EMAIL_WEBHOOK_SES": "arn:aws:sns:eu-west-1:123456789012:dasi",
             "EMAIL_WEBHOOK_MAILGUN": f"{'n' * 32}, {'o' * 32}", "EMAIL_WEBHOOK_POSTMARK": " "}  # fmt: skip
    settings = load({**SECRETS, "DATA_DIR": str(tmp_path), **given})
    assert settings.email_webhooks == {"ses": (given["EMAIL_WEBHOOK_SES"],), "mailgun": ("n" * 32, "o" * 32)}
