"""Looks at what a process needs before it starts, so that what is wrong is said in one line."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from plugin.channels.email.transport import open_transport
from plugin.config import ConfigError, Settings
from plugin.secrets import Undecryptable, Vault
from plugin.services.context import Context, build
from plugin.store import migrate
from plugin.store.models.shops import Receipt
from plugin.store.session import Database


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


def check_database(database: Database) -> None:
    """Raises ConfigError when it does not answer or is not at the newest migration."""
    try:
        newest = migrate.current_is_head(database)
    except DBAPIError as exc:
        raise unusable(exc) from None
    if not newest:
        raise ConfigError("the database is not at the newest migration: run `dasi migrate`")


def check_keys(ctx: Context) -> None:
    """Raises ConfigError when ENCRYPTION_KEYS does not open what was sealed last."""
    with ctx.database.reading() as session:
        newest = select(Receipt.body).where(Receipt.body.is_not(None)).order_by(Receipt.id.desc()).limit(1)
        body = session.scalar(newest)
    if body is not None and not _opens(ctx.vault, body):
        raise ConfigError(
            "ENCRYPTION_KEYS does not open what is stored: add the key it was sealed with, after the new one"
        )


def unusable(exc: DBAPIError) -> ConfigError:
    """One line for a person at the terminal: the driver's own words name the host and the cause, never a password."""
    words = " ".join(str(exc.orig).split()) or type(exc).__name__
    return ConfigError(f"the database cannot be used ({words}): check DATABASE_URL")


def _opens(vault: Vault, body: bytes) -> bool:
    try:
        vault.open_bytes(body)
    except Undecryptable:
        return False
    return True
