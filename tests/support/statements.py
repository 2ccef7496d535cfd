"""Statements are compiled once for the whole run, as in a process that lives for long, not once for each test.

SQLAlchemy keeps what it compiled for each engine, and every test has an engine of its own: a fifth of the time of tests
that use a database went to compiling the same statements again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.util import LRUCache

from plugin.store import session

_dialects: dict[str, Dialect] = {}
_compiled: LRUCache[Any, Any] = LRUCache(5_000)


def share() -> None:
    """From here on `plugin.store.session.Database` makes engines that know each other's statements."""
    session.create_engine = _create_engine


def _create_engine(url: str, **options: Any) -> Engine:
    engine = sqlalchemy.create_engine(url, **options, execution_options={"compiled_cache": _compiled})
    own = engine.dialect
    if own.name in _dialects:
        engine.dialect = _dialects[own.name]  # a part of each statement's key
    else:  # by then it has learned from the server what it must know
        event.listen(engine, "connect", lambda *_: _dialects.setdefault(own.name, own))
    return engine
