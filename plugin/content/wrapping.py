"""Plain text set in lines that read well: words wrapped by their width on the screen, addresses left whole."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WIDTH = 72  # columns; a Hangul syllable takes two
_LINE_OCTETS = 998  # RFC 5322
_EMPTY = ("",)
_ITEM = re.compile(r"(?:- |\d+\. )")


def wrapped(text: str) -> str:
    """`text` with long lines broken at blanks, at most one empty line in a row, and one LF at its end.

    An address stands alone on its line and is never broken; a list item's further lines are indented under its first.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        # Addresses are mostly a message's own, the other lines mostly the same in all messages of a step.
        set_ = _set.__wrapped__(line) if line.startswith(("http://", "https://")) else _set(line)
        if set_ != _EMPTY or (lines and lines[-1]):
            lines += set_
    return "\n".join(lines).strip("\n") + "\n"


@lru_cache(maxsize=2048)
def _set(line: str) -> tuple[str, ...]:
    """One line as one or several."""
    line = " ".join(line.split())
    if len(line) <= WIDTH // 2 or line.startswith(("http://", "https://")):
        return tuple(_cut(line))
    marker = _ITEM.match(line)
    indent = " " * marker.end() if marker else ""
    lines, current, used = [], "", 0
    for word in line.split(" "):
        width = columns(word)
        if current and current.strip() and used + 1 + width > WIDTH:
            lines.append(current)
            current, used = indent + word, len(indent) + width
        elif current:
            current, used = f"{current} {word}", used + 1 + width
        else:
            current, used = word, width
    lines.append(current)
    return tuple(piece for line in lines for piece in _cut(line))


def _cut(line: str) -> list[str]:
    """Lines that a mail server takes. Only a word of hundreds of letters is ever cut."""
    if len(line) * 4 <= _LINE_OCTETS or len(line.encode()) <= _LINE_OCTETS:
        return [line]
    size = _LINE_OCTETS // 4
    return [line[start : start + size] for start in range(0, len(line), size)]


def columns(text: str) -> int:
    """How many columns a terminal or a monospaced font gives to `text`."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
