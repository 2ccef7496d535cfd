"""Receipts that nothing speaks against, inserted many at a time by one statement that looks for itself.

It keeps a receipt only of a shop that is installed, with no tombstone of whom it is about, and not here yet. Whatever it
leaves out is no error: `receive` then looks at that one alone, with all the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, FromClause, Insert, Table, bindparam, column, func, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite

from plugin.queues import INGEST
from plugin.services.context import Context
from plugin.services.erase import fingerprint_of
from plugin.services.group_commit import GroupCommit
from plugin.services.shops import SHOPIFY, shop_code
from plugin.store.models.shops import Receipt, Shop, Tombstone

_KEPT = (
    "webhook_id", "topic", "event_id", "api_version", "triggered_at", "received_at", "accepted_at", "next_attempt_at",
    "body", "customer_ref", "order_ref", "state", "attempts",
)  # fmt: skip


class Plain(NamedTuple):
    """A receipt to be: the domain of its shop, and its columns but `shop_id`."""

    domain: str
    values: dict[str, Any]


Groups = GroupCommit[Plain]
