"""The demo shop's own books: what Shopify would hold. One JSON file under DATA_DIR, changed under a file lock.

Dasi itself never reads it: all that Dasi knows of the demo shop came in through webhooks. The page writes down deeds;
the demo's driver process does them when their time has come, and delivers the webhooks they cause. Both outlive a
restart, because both stand in this file before anything else happens.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

MAX_ORDERS = 60  # older ones leave the books; Dasi keeps them

Payload = dict[str, Any]


@dataclass(slots=True)
class Deed:
    """Something to do in the shop at a moment of business time. `kind` names a function of `deeds`."""

    at: datetime
    kind: str
    order_id: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Hook:
    """One webhook on its way; `id` stays the same however often it is tried."""

    id: str
    event_id: str
    topic: str
    triggered_at: str
    body: str
    tries: int = 0


@dataclass(slots=True)
class Books:
    """`orders`: payloads in Shopify's shape, oldest first. `diary`: {order id: [[moment, words] …]} for the page."""

    next_id: int
    next_number: int = 1001
    opened_at: str | None = None  # the public address under which the catalogue was told
    orders: list[Payload] = field(default_factory=list)
    diary: dict[str, list[list[str]]] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)
    outbox: list[Hook] = field(default_factory=list)

    def take_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def order(self, order_id: int) -> Payload | None:
        return next((order for order in self.orders if order["id"] == order_id), None)

    def next_deed(self) -> Deed | None:
        return min(self.deeds, key=lambda deed: deed.at, default=None)

    def prune(self) -> None:
        for order in self.orders[:-MAX_ORDERS]:
            self.diary.pop(str(order["id"]), None)
        self.orders = self.orders[-MAX_ORDERS:]


class BookStore:
    """Reads and changes the file. Every process may hold one; `read` parses again only after a change."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "demo"
        self._path = self.folder / "shop.json"
        self._seen: tuple[int, int] | None = None
        self._books: Books | None = None

    def read(self) -> Books:
        """The books as they stand; not to be changed by the caller."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return _new()
        seen = (state.st_mtime_ns, state.st_ino)
        if self._books is None or seen != self._seen:
            self._books, self._seen = _load(self._path.read_text(encoding="utf-8")), seen
        return self._books

    @contextmanager
    def changing(self) -> Iterator[Books]:
        """The books to change, alone; written when the block ends well."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "shop.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            books = _load(self._path.read_text(encoding="utf-8")) if self._path.exists() else _new()
            yield books
            books.prune()
            draft = self._path.with_suffix(".tmp")
            text = json.dumps(asdict(books), default=datetime.isoformat, ensure_ascii=False)
            draft.write_text(text, encoding="utf-8")
            os.replace(draft, self._path)

    def forget(self) -> None:
        """Begin new books: the database they went with is gone."""
        self._path.unlink(missing_ok=True)


def _new() -> Books:
    """Ids begin at the present millisecond: new books beside an old database never name an old order."""
    return Books(next_id=time.time_ns() // 1_000_000)


def _load(text: str) -> Books:
    data = json.loads(text)
    deeds = [Deed(**deed | {"at": datetime.fromisoformat(deed["at"])}) for deed in data.pop("deeds")]
    return Books(**data | {"deeds": deeds, "outbox": [Hook(**hook) for hook in data["outbox"]]})
