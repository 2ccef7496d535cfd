"""What the answers of the GraphQL Admin API share: nodes, pages of nodes, enums.

An answer is brought into the shape of the webhook about the same thing and read by the same schemas, so that both give
the same events and are checked alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.events import Event, Parsed
from schemas.fields import is_blank
from schemas.shopify.base import Payload, Rejected, number_of

Node = Mapping[str, Any]


def part(node: Any, *path: str) -> Any:
    """What is at the end of the path; None where a part of it is missing, as protected data are."""
    value: Any = node
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def nodes(connection: Any) -> list[Node]:
    """The nodes of a connection, or of a plain list; what is no object is left out."""
    found = part(connection, "nodes") if isinstance(connection, Mapping) else connection
    return [node for node in found if isinstance(node, Mapping)] if isinstance(found, list) else []


def next_cursor(connection: Any) -> str | None:
    """Where the page after this one begins; None when it is the last."""
    info = part(connection, "pageInfo") or {}
    cursor = part(info, "endCursor")
    return cursor if part(info, "hasNextPage") and isinstance(cursor, str) else None


def word(value: Any) -> str | None:
    """An enum's value as webhooks write it."""
    return value.lower() if isinstance(value, str) and not is_blank(value) else None


def number(gid: Any, kind: str) -> str | None:
    """The number of a reference, as webhooks carry it."""
    return number_of(gid, kind)


def unwrap(parsed: Iterator[Parsed] | Parsed) -> tuple[Event, ...]:
    """The events of one or several payloads."""
    each = [parsed] if isinstance(parsed, Parsed) else parsed
    return tuple(event for one in each for event in one.events)


def gid(kind: str, platform_id: str) -> str:
    """The API's id of an object that we know by its number."""
    return f"gid://shopify/{kind}/{platform_id}"


__all__ = ["Node", "Payload", "Rejected", "gid", "next_cursor", "nodes", "number", "part", "unwrap", "word"]
