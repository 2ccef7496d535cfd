"""Run by Alembic for each command: on the connection that `store.migrate` hands over, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from plugin.store import partitions, types


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write our column types by name, so that each database gets its own form of them."""
    if kind != "type":
        return False
    if isinstance(item, types.UtcDateTime):
        autogen.imports.add("from plugin.store.types import UtcDateTime")
        return "UtcDateTime()"
    for name in ("BigId", "Json"):
        if repr(item) == repr(getattr(types, name)) and item._variant_mapping == getattr(types, name)._variant_mapping:
            autogen.imports.add(f"from plugin.store.types import {name}")
            return name
    return False


def include_name(name: str | None, kind: str, _: object) -> bool:
    """Partitions are made and dropped at run time."""
    return not (kind == "table" and partitions.is_partition(name))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    render_item=render_item,
    render_as_batch=True,
    compare_type=True,
    include_name=include_name,
)
context.run_migrations()
