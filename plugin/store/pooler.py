"""PostgreSQL behind a pooler: `prepare_threshold` in DATABASE_URL.

A pooler in transaction mode hands each transaction to another server connection, where a statement that was prepared on
the last one is not known. psycopg prepares what it has run five times; `?prepare_threshold=none` keeps it from that.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

OPTION = "prepare_threshold"
NEVER = "none"


def heed_prepare_threshold(engine: Engine) -> None:
    """Hand the option over as psycopg wants it: a number, or None."""
    if OPTION in engine.url.query:
        event.listen(engine, "do_connect", _translate)


def _translate(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
    value = options.get(OPTION)
    options[OPTION] = None if value == NEVER else int(value or 5)
