"""Lists of products as they are kept: best first, each with its score and the orders that speak for it.

One row for each product (`p:` its id), country (`c:` its code, none for all of them) and kind (`k:` a hash of the
product type), so that a lookup reads a handful of rows by their primary key. The form is ours and exact: whatever does
not have it is refused as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

_FORM = 1
_HEAD = struct.Struct("<BH")  # form, entries; then all scores, all orders, and the ids parted by line ends

# A product's id, its score, and the orders with it and the product the list is of: 0 where only names are alike.
Entry: TypeAlias = tuple[str, float, int]


class BadList(ValueError):
    """These bytes are no list of ours."""


def pack(entries: Sequence[Entry]) -> bytes:
    """At most 65,535 entries; ids hold no line end."""
    count = len(entries)
    numbers = struct.pack(f"<{count}f{count}I", *(score for _, score, _ in entries), *(n for _, _, n in entries))
    return _HEAD.pack(_FORM, count) + numbers + "\n".join(id_ for id_, _, _ in entries).encode()


def unpack(packed: bytes) -> list[Entry]:
    """Raises BadList."""
    try:
        form, count = _HEAD.unpack_from(packed)
        numbers = struct.unpack_from(f"<{count}f{count}I", packed, _HEAD.size)
        ids = packed[_HEAD.size + 8 * count :].decode().split("\n") if count else []
    except (struct.error, UnicodeDecodeError) as exc:
        raise BadList(str(exc)) from None
    if form != _FORM or len(ids) != count:
        raise BadList("another form")
    return list(zip(ids, numbers[:count], numbers[count:], strict=True))


def of_product(product_id: str) -> str:
    return f"p:{product_id}"


def of_country(country_code: str | None) -> str:
    return f"c:{country_code or ''}"


def of_kind(kind: str) -> str:
    """A product type as the catalogue tells it; how it is written makes no difference."""
    return f"k:{blake2b(folded(kind).encode(), digest_size=12).hexdigest()}"


def folded(word: str | None) -> str:
    return (word or "").strip().casefold()
