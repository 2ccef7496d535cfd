"""What every service needs, wired once for each process and handed in: no globals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import httpx
from sqlalchemy import select

from plugin import clock as clocks
from plugin.channels.email import dns
from plugin.channels.email.providers.sns import Amazon
from plugin.clock import Clock
from plugin.config import Settings
from plugin.domain import sender_dns
from plugin.platforms.shopify.http import open_client
from plugin.queues import Queues
from plugin.secrets import Vault
from plugin.store.models.shops import ClockRow
from plugin.store.session import Database
from plugin.tokens import Tokens


@dataclass
class Context:
    settings: Settings
    database: Database
    clock: Clock
    queues: Queues

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.settings.encryption_keys)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.settings.secret_key)

    @cached_property
    def txt_asker(self) -> Callable[[], sender_dns.Txt]:
        """Begins one look into the DNS."""
        return dns.asker

    @cached_property
    def amazon(self) -> Amazon:
        """The process's one client for Amazon SNS, with the certificates it fetched."""
        return Amazon()

    @cached_property
    def shopify(self) -> httpx.Client:
        """The process's one client for Shopify's servers."""
        return open_client(self.settings.shopify_admin_url)


def build(settings: Settings, threads: int = 5) -> Context:
    """Wire a process: opens no connection yet. `threads`: those that ask the database at the same time.

    Raises ConfigError for a key that is no key.
    """
    database = Database(settings.database_url, pool_size=threads)
    clock: Clock = clocks.from_setting(settings.clock)
    if settings.demo:
        clock = clocks.RowClock(lambda: _row(database))
    context = Context(settings, database, clock, Queues(settings.redis_url))
    _ = context.vault
    return context


def _row(database: Database) -> datetime:
    with database.reading() as session:
        return session.execute(select(ClockRow.now).where(ClockRow.id == 1)).scalar_one()
