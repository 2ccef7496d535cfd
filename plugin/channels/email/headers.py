"""Mail headers: values made harmless, encoded (RFC 2047) and folded (RFC 5322)."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits

from schemas.fields import clean_text

FOLD = 78  # characters of a line, without CRLF
MAX_LINE = 998
WORD = 75  # characters of one encoded word

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", re.ASCII)
_NOT_TOKEN = re.compile(r"[^\x21-\x7e]+")
_Q = {mark: mark for mark in f"{ascii_letters}{digits}!*+-/"} | {" ": "_"}  # what stands for itself in a phrase


def text_header(name: str, value: str, limit: int = 2000) -> str:
    """A line such as Subject: any text of at most `limit` characters, encoded when need be, folded, ending in CRLF."""
    words = " ".join(clean_text(value, limit).split())
    plain = words.isascii() and "=?" not in words and _fold(f"{name}:", words)
    return plain or _join([f"{name}:", *_encoded_words(words, len(name) + 2)])


def address_header(name: str, address: str, shown: str | None = None) -> str:
    """A line such as From. `address` must have passed `sendable`; `shown` is any text."""
    phrase = " ".join(clean_text(shown or "", 200).split())
    if not phrase:
        return f"{name}: {address}\r\n"
    parts = [f"{name}:"]
    if phrase.isascii() and len(phrase) <= 60 and "=?" not in phrase:
        plain = _ATOMS.fullmatch(phrase)
        parts.append(phrase if plain else '"' + phrase.replace("\\", r"\\").replace('"', r"\"") + '"')
    else:
        parts += _encoded_words(phrase, len(name) + 2)
    return _join([*parts, f"<{address}>"])


def token_header(name: str, value: str) -> str:
    """A line whose value is one word of visible ASCII, cut where the line would be too long; "" when none is left."""
    word = _NOT_TOKEN.sub("", value)[: MAX_LINE - len(name) - 2]
    return f"{name}: {word}\r\n" if word else ""


def _fold(head: str, words: str) -> str | None:
    """Plain words in lines of at most 78 characters; None when a word is too long for a line."""
    if len(head) + len(words) < FOLD:
        return f"{head} {words}\r\n"
    parts = words.split(" ")
    return None if max(map(len, parts)) > FOLD - len(head) - 1 else _join([head, *parts])


def _join(parts: list[str]) -> str:
    """Parts separated by a space, or by a fold where the line would be longer than 78 characters."""
    lines, line = [], parts[0]
    for index, part in enumerate(parts[1:]):
        if index and len(line) + 1 + len(part) > FOLD:
            lines.append(line)
            line = ""
        line += " " + part
    return "\r\n".join([*lines, line]) + "\r\n"


def _encoded_words(text: str, indent: int) -> list[str]:
    """RFC 2047 words of whole characters, the first shorter by `indent`; Q where that is not much longer than B."""
    marks = [_Q.get(mark) or "".join(f"={octet:02X}" for octet in mark.encode()) for mark in text]
    if sum(map(len, marks)) <= 2 * len(text.encode()):
        return [f"=?utf-8?q?{chunk}?=" for chunk in _chunks(marks, map(len, marks), WORD - 12, indent)]
    # 4 characters of base64 carry 3 octets, and the last of them are padded.
    chunks = _chunks(list(text), (len(mark.encode()) for mark in text), (WORD - 12) // 4 * 3, indent)
    return [f"=?utf-8?b?{b2a_base64(chunk.encode(), newline=False).decode()}?=" for chunk in chunks]


def _chunks(marks: list[str], sizes: Iterable[int], room: int, indent: int) -> Iterator[str]:
    """Pieces of whole marks whose sizes add up to at most `room`, the first to `room - indent`."""
    chunk: list[str] = []
    left = room - indent
    for mark, size in zip(marks, sizes, strict=True):
        if size > left and chunk:
            yield "".join(chunk)
            chunk, left = [], room
        chunk.append(mark)
        left -= size
    yield "".join(chunk)
