"""The settings of one installation, read once from the environment into one frozen dataclass."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SECRETS = ("SECRET_KEY", "ENCRYPTION_KEYS")
# What the webhooks of each mail provider are checked with; several are separated by commas while one is replaced.
EMAIL_WEBHOOKS = {
    "ses": "EMAIL_WEBHOOK_SES",  # the topic's ARN
    "sendgrid": "EMAIL_WEBHOOK_SENDGRID",  # the public verification key
    "postmark": "EMAIL_WEBHOOK_POSTMARK",  # name:password, as in the address that Postmark calls
    "mailgun": "EMAIL_WEBHOOK_MAILGUN",  # the HTTP webhook signing key
    "resend": "EMAIL_WEBHOOK_RESEND",  # whsec_…
}
_TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")


class ConfigError(Exception):
    """A setting is missing or wrong. The text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """Virtual time: now = start + (real now - epoch) x speed."""

    epoch: float  # Unix seconds
    start: datetime
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    database_url: str
    redis_url: str
    data_dir: Path
    public_url: str  # without a slash at the end
    secret_key: str
    encryption_keys: tuple[str, ...]
    email_url: str | None = None
    email_max_per_second: int | None = None  # what the provider takes of all shops together
    email_warm_up: int | None = None  # service and marketing mail of a new sending domain's first day
    email_webhooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # provider -> secrets; see above
    sms_url: str | None = None
    shopify_api_key: str | None = None
    shopify_api_secret: str | None = None
    shopify_api_secret_old: str | None = None
    shopify_api_version: str = "2026-10"
    shopify_admin_url: str | None = None
    clock: ClockSetting | None = None
    web_concurrency: int = 1
    worker_concurrency: int = 1
    demo: bool = False

    @property
    def shopify_secrets(self) -> tuple[str, ...]:
        """The secrets a webhook may be signed with, the current one first."""
        return tuple(s for s in (self.shopify_api_secret, self.shopify_api_secret_old) if s)


def load(environ: Mapping[str, str], *, production: bool = True, demo: bool = False) -> Settings:
    """Read the settings. `production` (every command but `up` and `demo`) demands the secrets; else they are made.

    Raises ConfigError.
    """
    env = {name: value.strip() for name, value in environ.items() if value.strip()}
    data_dir = Path(env.get("DATA_DIR", "./var")).absolute()
    clock = _clock(env)
    public_url = _public_url(env)
    if urlsplit(public_url).hostname not in LOOPBACK:
        for name in ("CLOCK_EPOCH", "CLOCK_START", "CLOCK_SPEED", "SHOPIFY_ADMIN_URL"):
            if name in env:
                raise ConfigError(f"{name} is for tests only: unset it, or let PUBLIC_URL be a loopback address")
    kept = {} if production else development_secrets(data_dir)
    for name in SECRETS:
        if not env.get(name) and not kept.get(name) and not _kept(data_dir, name):
            raise ConfigError(f"{name} is not set: set it (README, 'Deploy'), or use `dasi up`, which makes one")
    return Settings(
        database_url=_database_url(env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'dasi.db'}"),
        redis_url=_redis_url(env.get("REDIS_URL")) or embedded_redis_url(data_dir),
        data_dir=data_dir,
        public_url=public_url,
        secret_key=env.get("SECRET_KEY") or kept.get("SECRET_KEY") or _kept(data_dir, "SECRET_KEY"),
        encryption_keys=tuple(
            key.strip()
            for key in (
                env.get("ENCRYPTION_KEYS") or kept.get("ENCRYPTION_KEYS") or _kept(data_dir, "ENCRYPTION_KEYS")
            ).split(",")
            if key.strip()
        ),
        email_url=env.get("EMAIL_URL"),
        email_max_per_second=_optional_count(env, "EMAIL_MAX_PER_SECOND"),
        email_warm_up=_optional_count(env, "EMAIL_WARM_UP"),
        email_webhooks=_email_webhooks(env),
        sms_url=env.get("SMS_URL"),
        shopify_api_key=env.get("SHOPIFY_API_KEY"),
        shopify_api_secret=env.get("SHOPIFY_API_SECRET"),
        shopify_api_secret_old=env.get("SHOPIFY_API_SECRET_OLD"),
        shopify_api_version=env.get("SHOPIFY_API_VERSION", "2026-10"),
        shopify_admin_url=(env.get("SHOPIFY_ADMIN_URL") or "").rstrip("/") or None,
        clock=clock,
        web_concurrency=_count(env, "WEB_CONCURRENCY"),
        worker_concurrency=_count(env, "WORKER_CONCURRENCY"),
        demo=demo,
    )


def embedded_redis_url(data_dir: Path) -> str:
    """Where the Valkey that `dasi up` starts listens; other commands on the same DATA_DIR find it there.

    A private socket in DATA_DIR, or what `dasi up` wrote down when that path was too long for a socket.
    """
    written = data_dir / "valkey" / "url"
    if written.is_file():
        return written.read_text().strip()
    return f"unix://{quote(str(data_dir / 'valkey' / 'socket'))}"


def development_secrets(data_dir: Path) -> dict[str, str]:
    """Make SECRET_KEY and ENCRYPTION_KEYS once under `data_dir`, readable by the owner alone."""
    from cryptography.fernet import Fernet

    folder = data_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = {"SECRET_KEY": secrets.token_urlsafe(48), "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    for name, value in fresh.items():
        path = folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(value)
    return {name: (folder / name).read_text().strip() for name in fresh}


def _kept(data_dir: Path, name: str) -> str:
    """What `dasi up` once made: a command beside a running `up` reads the same secrets."""
    path = data_dir / "secrets" / name
    return path.read_text().strip() if path.is_file() else ""


def _database_url(url: str) -> str:
    """Accept the usual spellings of PostgreSQL and SQLite addresses."""
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            url = "postgresql+psycopg://" + url.removeprefix(old)
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ConfigError("DATABASE_URL must begin with sqlite:/// or postgresql://")
    try:
        port = urlsplit(url).port
        thresholds = [value for name, value in parse_qsl(urlsplit(url).query) if name == "prepare_threshold"]
    except ValueError:
        raise ConfigError(
            "DATABASE_URL cannot be read: a port is a number; write marks such as / # @ : in the password as %2F …"
        ) from None
    if port == 0 or "://:@" in url:
        raise ConfigError("DATABASE_URL cannot be read: write postgresql://user:password@host:port/name")
    if any(value != "none" and not value.isdecimal() for value in thresholds):
        raise ConfigError("DATABASE_URL: prepare_threshold is a number, or none behind a pooler such as PgBouncer")
    return url


def _redis_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ConfigError("REDIS_URL cannot be read: write marks such as / # @ : in the password as %2F …") from None
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("REDIS_URL must begin with redis://, rediss:// or unix://")
    path = urlsplit(url).path.strip("/")
    if not url.startswith("unix://") and path and not path.isdecimal():
        raise ConfigError("REDIS_URL ends in the number of a database, as in redis://host:6379/0")
    return url


def _public_url(env: Mapping[str, str]) -> str:
    url = env.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("PUBLIC_URL must be a full address such as https://dasi.example.com")
    return url


def _clock(env: Mapping[str, str]) -> ClockSetting | None:
    given = [name for name in ("CLOCK_EPOCH", "CLOCK_START", "CLOCK_SPEED") if name in env]
    if not given:
        return None
    try:
        epoch = float(env["CLOCK_EPOCH"])
        start = datetime.fromisoformat(env["CLOCK_START"])
        speed = float(env.get("CLOCK_SPEED", "1"))
    except KeyError as exc:
        raise ConfigError(f"{exc.args[0]} is not set though {given[0]} is: a virtual clock needs both") from None
    except ValueError as exc:
        raise ConfigError(f"a CLOCK_ setting cannot be read: {exc}") from None
    if not speed > 0:
        raise ConfigError("CLOCK_SPEED must be above 0")
    return ClockSetting(epoch, start if start.tzinfo else start.replace(tzinfo=UTC), speed)


def _email_webhooks(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The providers whose webhooks are taken, with their secrets. Raises ConfigError for one that cannot be right."""
    found = {}
    for provider, name in EMAIL_WEBHOOKS.items():
        given = tuple(one.strip() for one in env.get(name, "").split(",") if one.strip())
        for one in given:
            if wrong := _wrong_secret(provider, one):
                raise ConfigError(f"{name} must be {wrong}")
        if given:
            found[provider] = given
    return found


def _wrong_secret(provider: str, secret: str) -> str | None:
    """What it should be instead."""
    if provider == "ses" and not _TOPIC.fullmatch(secret):
        return "the ARN of the SNS topic, such as arn:aws:sns:eu-west-1:123456789012:dasi"
    if provider == "postmark" and len(secret.partition(":")[2]) < 12:
        return "name:password, the password of 12 characters or more"
    if provider == "mailgun" and len(secret) < 16:
        return "Mailgun's HTTP webhook signing key"
    if provider in ("sendgrid", "resend"):
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        try:
            data = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            if provider == "sendgrid":
                load_der_public_key(data)
        except ValueError:
            return "SendGrid's public verification key" if provider == "sendgrid" else "Resend's whsec_… secret"
    return None


def _count(env: Mapping[str, str], name: str) -> int:
    try:
        value = int(env.get(name, "1"))
    except ValueError:
        raise ConfigError(f"{name} must be a whole number") from None
    if not 1 <= value <= 256:
        raise ConfigError(f"{name} must be from 1 to 256")
    return value


def _optional_count(env: Mapping[str, str], name: str) -> int | None:
    if name not in env:
        return None
    if not env[name].isdecimal() or not 1 <= int(env[name]) <= 1_000_000:
        raise ConfigError(f"{name} must be a whole number from 1 to 1000000, or unset for no limit")
    return int(env[name])
