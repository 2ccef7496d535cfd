"""E-mail addresses: which may be written to, how they are spelt in an envelope, and their key for consent.

Only what real mailboxes use is taken: a dot-atom (RFC 5321, with RFC 6531's letters of all scripts) at a host name with
a dot. Quoted local parts, comments and address literals are refused.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

MAX_ADDRESS = 254  # octets, RFC 5321 with its erratum 1690
MAX_LOCAL = 64  # octets
MAX_LABEL = 63

_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_IN_NAMES = {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}  # about what IDNA 2008 allows in a label


def sendable(raw: object) -> str | None:
    """The address for an envelope: trimmed, local part as told (NFC), domain in lower-case ASCII (punycode).

    None when it is not an address we may write to. The local part may hold letters beyond ASCII: see `is_ascii`.
    """
    if not isinstance(raw, str) or len(raw) > 2 * MAX_ADDRESS:
        return None
    local, at, host = raw.strip().rpartition("@")
    local = normalize("NFC", local)
    if not at or not _is_local(local):
        return None
    domain = ascii_domain(host)
    if domain is None or "." not in domain or domain.rpartition(".")[2].isdigit():
        return None
    address = f"{local}@{domain}"
    return address if len(address.encode()) <= MAX_ADDRESS else None


def normalise_email(raw: object) -> str | None:
    """The key under which an address's consent and suppression are kept: `sendable` in lower case, else None.

    Doing it twice changes nothing, so a key may be normalised again.
    """
    address = sendable(raw)
    if address is None or address.isascii():
        return address.lower() if address else None
    return sendable(normalize("NFC", address.lower()))


def ascii_domain(host: str) -> str | None:
    """A host name in lower-case ASCII, labels of other scripts in punycode; None when it cannot be one.

    Written by hand because the standard library's codec follows IDNA 2003, which turns ß into ss: another domain.
    """
    if not host.isascii():
        host = normalize("NFKC", host).replace("\u3002", ".")  # the ideographic full stop
        host = normalize("NFC", host.lower())
    if len(host) > 253:
        return None
    labels = [_ascii_label(label) for label in host.lower().split(".")]
    name = ".".join(label for label in labels if label)
    return name if all(labels) and len(name) <= 253 else None


def masked(address: str | None) -> str:
    """An address that may be shown to someone who need not know it: "j…@example.com"; "…" when it is none."""
    known = sendable(address)
    if known is None:
        return "…"
    local, _, domain = known.rpartition("@")
    return f"{local[0]}…@{domain}"


def _is_local(local: str) -> bool:
    """Is this a dot-atom of at most 64 octets?"""
    if len(local) > MAX_LOCAL:
        return False
    if local.isascii():
        return all(_ATEXT.fullmatch(atom) for atom in local.split("."))
    if any(category(mark)[0] in "CZ" for mark in local) or category(local[0])[0] == "M":
        return False
    ascii_only = "".join(mark if mark.isascii() else "x" for mark in local)
    return len(local.encode()) <= MAX_LOCAL and all(_ATEXT.fullmatch(atom) for atom in ascii_only.split("."))


def _ascii_label(label: str) -> str | None:
    if label.isascii():
        return label if _LABEL.fullmatch(label) else None
    kinds = [category(mark) for mark in label]
    if kinds[0][0] == "M" or label[0] == "-" or label[-1] == "-":
        return None
    if not all(kind in _IN_NAMES or mark == "-" for mark, kind in zip(label, kinds, strict=True)):
        return None
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= MAX_LABEL and _LABEL.fullmatch(encoded) else None
