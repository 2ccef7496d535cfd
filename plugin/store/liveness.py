"""Whether a pooled PostgreSQL connection still lives, without a question to the server before each use.

A connection whose server went away has something to read: its farewell, or the end. So it is enough to look at the
socket. The server is asked only when there is something, or when the connection rested for long: a firewall may have
dropped it without a word.
"""

from __future__ import annotations

import select
import time
from functools import partial
from typing import Any

from sqlalchemy import Engine, event, exc

LONG_REST = 30.0  # seconds
_SINCE = "dasi_rests_since"


def watch(engine: Engine) -> None:
    """From now on a dead connection is not handed out, and takes all that are as old with it: each is made anew."""
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "checkout", partial(_look, engine))


def _rest(connection: Any, record: Any) -> None:
    if connection is not None:
        record.info[_SINCE] = time.monotonic()


def _look(engine: Engine, connection: Any, record: Any, _proxy: object) -> None:
    """Raises InvalidatePoolError, upon which the pool opens another connection, or says why it cannot."""
    since = record.info.get(_SINCE)
    if since is None:  # opened a moment ago
        return
    if not connection.closed:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        if time.monotonic() - since < LONG_REST and not waiting.poll(0):
            return
        try:
            engine.dialect.do_ping(connection)
            return
        except engine.dialect.loaded_dbapi.Error:
            pass
    raise exc.InvalidatePoolError()
