"""Looks at what a process needs before it starts, so that what is wrong is said in one line."""

from __future__ import annotations

import time

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from plugin.channels.email.transport import open_transport
from plugin.config import ConfigError, Settings
from plugin.secrets import Undecryptable
from plugin.services.context import Context, build
from plugin.store import migrate
from plugin.store.models.platform import ShopToken
from plugin.store.models.shops import Receipt
from plugin.store.session import Database

VALKEY_PATIENCE = 10.0  # seconds


def checked_context(settings: Settings) -> Context:
    """A context over a database that answers and is migrated. Raises ConfigError."""
    ctx = build(settings)
    check_database(ctx.database)
    return ctx


def check_start(settings: Settings) -> None:
    """All that web, worker and clock need to be right, Valkey apart: it may come later. Raises ConfigError."""
    open_transport(settings.email_url).close()
    ctx = checked_context(settings)
    try:
        check_keys(ctx)
    finally:
        ctx.database.dispose()


def check_valkey(settings: Settings, patience: float = VALKEY_PATIENCE) -> None:
    """Raises ConfigError when it has not answered for so many seconds: after a reboot it may come up later than we do.

    For what can do nothing without it. Once started, every process outlives its absence.
    """
    deadline = time.monotonic() + patience
    while (trouble := valkey_trouble(settings)) is not None:
        if isinstance(trouble, (AuthenticationError, ResponseError)) or time.monotonic() >= deadline:
            words = " ".join(str(trouble).split())
            raise ConfigError(f"Valkey cannot be used ({words}): start it, or check REDIS_URL")
        time.sleep(0.5)


def valkey_trouble(settings: Settings) -> RedisError | None:
    """Why Valkey does not answer; None when it does."""
    with Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1, retry=None) as redis:
        try:
            redis.ping()
        except RedisError as exc:
            return exc
    return None


def check_database(database: Database) -> None:
    """Raises ConfigError when it does not answer or is not at the newest migration."""
    try:
        newest = migrate.current_is_head(database)
    except DBAPIError as exc:
        raise unusable(exc) from None
    if not newest:
        raise ConfigError("the database is not at the newest migration: run `dasi migrate`")


def check_keys(ctx: Context) -> None:
    """Raises ConfigError when ENCRYPTION_KEYS does not open the newest webhook, or the oldest of the shops' tokens."""
    with ctx.database.reading() as session:
        newest = select(Receipt.body).where(Receipt.body.is_not(None)).order_by(Receipt.id.desc()).limit(1)
        token = session.scalar(select(ShopToken.access_token).order_by(ShopToken.renewed_at).limit(1))
        body = session.scalar(newest)
    try:
        if body is not None:
            ctx.vault.open_bytes(body)
        if token is not None:
            ctx.vault.open(token)
    except Undecryptable:
        raise ConfigError(
            "ENCRYPTION_KEYS does not open what is stored: add the key it was sealed with, after the new one"
        ) from None


def unusable(exc: DBAPIError) -> ConfigError:
    """One line for a person at the terminal: the driver's own words name the host and the cause, never a password."""
    words = " ".join(str(exc.orig).split()) or type(exc).__name__
    return ConfigError(f"the database cannot be used ({words}): check DATABASE_URL")
