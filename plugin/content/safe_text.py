"""Foreign text and addresses made fit to print: names, titles and links come from customers, merchants and carriers."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

MAX_URL = 990  # characters: a plain-text line holds 998 octets
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
# Embeddings, overrides and isolates: unbalanced, they would turn the text that follows them around.
_BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
# What needs no second look: a host of letters and digits, and marks that stay as they are.
_PLAIN_URL = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(:[0-9]{1,4})?(/[A-Za-z0-9!$%&'()*+,/:;=?@\[\]~._-]*)?(?<!\?)", re.ASCII
)
_NONCHARACTERS = re.compile("[\ufdd0-\ufdef]|[\ufffe\uffff]")
_ADDRESS = re.compile(r"\S*(?:://|@|\w\.\w)\S*")  # as eager as the eagerest mail program
_JOINTS = re.compile(r"[.:/@](?=\S)")


def one_line(text: str | None, limit: int = 200) -> str | None:
    """`text` on one line without control characters, at most `limit` characters; None when nothing is left.

    Text with right-to-left letters comes in a Unicode isolate, which holds in HTML, attributes, subjects and plain text
    alike (a `<bdi>` would only hold in the first).
    """
    return None if text is None else _one_line(text, limit)


@lru_cache(maxsize=4096)
def _one_line(text: str, limit: int) -> str | None:
    if text.isascii() and text.isprintable():
        kept = " ".join(text.split())
    else:
        kept = " ".join("".join(_printable(letter) for letter in text if letter not in _BIDI_CONTROLS).split())
    if len(kept) > limit:
        kept = kept[: limit - 1].rstrip() + "…"
    if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in kept if not letter.isascii()):
        kept = FIRST_STRONG_ISOLATE + kept + POP_ISOLATE
    return kept or None


def _printable(letter: str) -> str:
    category = unicodedata.category(letter)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    # Format marks stay, since emoji and scripts join with them, and so do letters newer than Python's tables.
    return "" if category in ("Cs", "Co") or _NONCHARACTERS.match(letter) else letter


def subject_line(text: str, limit: int = 200) -> str | None:
    """A subject put together from clean values: one line, no control characters, its values' isolates kept."""
    if not text.isprintable() or not text.isascii():
        text = "".join(map(_printable, text))
    kept = " ".join(text.split())
    if len(kept) > limit:
        kept = kept[: limit - 1].rstrip() + "…"
        kept += POP_ISOLATE * (kept.count(FIRST_STRONG_ISOLATE) - kept.count(POP_ISOLATE))
    return kept or None


def block(text: str, limit: int = 20_000) -> str:
    """`text` with line breaks kept (as LF), without any other control character."""
    unified = text[:limit].replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(letter if letter == "\n" else _printable(letter) for letter in unified)


def safe_url(url: str | None) -> str | None:
    """`url` when it is an absolute http(s) address without blanks or control characters, in ASCII; else None."""
    if url is None or (len(url) <= MAX_URL and _PLAIN_URL.fullmatch(url)):
        return url
    return _safe_url(url.strip())


@lru_cache(maxsize=4096)
def _safe_url(url: str) -> str | None:
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username is not None:
        return None
    try:
        netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    ascii_url = parts._replace(netloc=netloc).geturl()
    ascii_url = quote(ascii_url, safe="!#$%&'()*+,/:;=?@[]~-._")
    return ascii_url if len(ascii_url) <= MAX_URL else None


def with_query(url: str, query: str) -> str:
    """`url` with one more `key=value`."""
    base, hash_mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{query}{hash_mark}{fragment}"


def phone_href(phone: str) -> str | None:
    """A `tel:` link for a phone number as people write it; None when it holds too few digits to be one."""
    digits = "".join(letter for letter in phone if letter.isascii() and letter.isdigit())
    if len(digits) < 3:
        return None
    return f"tel:{'+' if phone.strip().startswith('+') else ''}{digits}"


def unlinked(text: str) -> str:
    """Words that mail programs make no link of: an invisible mark parts what looks like an address of a page or a mail.

    Who reads them sees them as they were written.
    """
    return _ADDRESS.sub(lambda found: _JOINTS.sub("\\g<0>\u200b", found.group()), text)


def mail_href(address: str, subject: str | None = None) -> str:
    """A `mailto:` link."""
    return f"mailto:{quote(address, safe='@.+-_')}" + (f"?subject={quote(subject)}" if subject else "")
