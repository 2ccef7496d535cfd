"""A call that may take so long and no longer, whatever it waits for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from plugin.platforms.shopify.errors import Unavailable

_Result = TypeVar("_Result")


def within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """The call's result, or what it raises. Raises Unavailable (outcome unknown) when the time is over.

    A client's own limits are for each wait on the wire, of which one call has many; the call itself goes on unheard.
    """
    answers: queue.SimpleQueue[tuple[_Result | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except Exception as exc:
            answers.put((None, exc))

    threading.Thread(target=run, name="time-limit", daemon=True).start()
    try:
        result, problem = answers.get(timeout=seconds)
    except queue.Empty:
        raise Unavailable(f"Shopify did not answer within {seconds:g} seconds", unknown=True) from None
    if problem is not None:
        raise problem
    return result  # type: ignore[return-value]
