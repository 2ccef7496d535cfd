"""Many threads, one commit: what waits while a group is being committed is the next group.

Nobody is told that a thing is kept before its group's transaction is committed. There is no thread behind this: the
first to come commits at once, and whoever waits first while it does commits what has gathered when it is done. So a
lone item waits for nobody, and under load the groups grow by themselves.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MOST = 100  # items in one group
PATIENCE = 3.0  # seconds that an item waits for its group

Item = TypeVar("Item")

log = logging.getLogger(__name__)


class GaveUp(Exception):
    """Nothing was heard of the group in time. The item may or may not be kept in the end."""


class _Turn(Generic[Item]):
    """One item, its thread asleep on `woken` until it is to lead or its outcome is known."""

    __slots__ = ("done", "item", "kept", "leads", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.leads = self.done = self.kept = False
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupCommit(Generic[Item]):
    """`commit` is handed a group, commits it in one transaction and says of each item whether it was kept.

    `then` is called once for each group of which anything was kept, after everybody has been told. One group is under
    way at a time. Made in the process that uses it: it does not survive a fork.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[bool]],
        then: Callable[[], object] = lambda: None,
        most: int = MOST,
        patience: float = PATIENCE,
    ) -> None:
        self._commit = commit
        self._then = then
        self._most = most
        self._patience = patience
        self._lock = threading.Lock()  # held for moments only, never while committing
        self._waiting: list[_Turn[Item]] = []
        self._led = False  # somebody commits, or was woken to

    def keep(self, item: Item) -> bool:
        """Whether it was committed with its group. False: it was left out, or the group failed, so try it alone.

        Raises GaveUp.
        """
        turn = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            turn.leads = not self._led
            self._led = True
        if not turn.leads and not turn.woken.acquire(timeout=self._patience):
            self._give_up(turn)
        if turn.leads:
            self._lead()
        return turn.kept

    def _give_up(self, turn: _Turn[Item]) -> None:
        """Raises GaveUp, unless it was woken at the last moment: then who was chosen to lead must lead."""
        with self._lock:
            if turn.leads or turn.done:
                return
            if turn in self._waiting:
                self._waiting.remove(turn)
        raise GaveUp

    def _lead(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        kept: Sequence[bool] = ()
        try:
            kept = self._commit([turn.item for turn in group])
        except Exception as exc:
            log.warning("group_failed", extra={"size": len(group), "kind": type(exc).__name__})
        finally:
            with self._lock:
                for turn, outcome in zip(group, kept or [False] * len(group), strict=True):
                    turn.kept, turn.done = outcome, True
                self._pass_on()
            for turn in group:
                if not turn.leads:
                    turn.woken.release()
        if any(kept):
            self._then()

    def _pass_on(self) -> None:
        """Wake the first who waits, to lead; under the lock, so that nobody gives up unseen."""
        self._led = bool(self._waiting)
        if self._led:
            self._waiting[0].leads = True
            self._waiting[0].woken.release()
