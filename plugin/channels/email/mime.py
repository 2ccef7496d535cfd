"""A finished message as the bytes of an e-mail: RFC 5322 headers, a text and an HTML part, CRLF everywhere.

Written by hand since the standard library's EmailMessage takes many times as long for a page of HTML: here each part is
encoded in one pass of C code, and only the headers are looked at by Python.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

from plugin.channels.email.errors import Permanent, Retryable
from plugin.channels.email.headers import MAX_LINE, address_header, text_header, token_header
from plugin.domain.addresses import ascii_domain, sendable

_LINK = re.compile(r"https?://[!-;=?-~]+", re.ASCII)
_sendable = lru_cache(maxsize=1024)(sendable)  # the shop's addresses are the same in all of its mail
_ascii_domain = lru_cache(maxsize=1024)(ascii_domain)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n") | {0x7F})
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message. Names and the subject may hold anything; `message_id` is that of the function below.

    `list_unsubscribe_url` is given for service and marketing mail. `date` is aware: machine time, when it leaves.
    """

    key: str
    message_id: str
    sender_name: str
    sender_address: str
    reply_to: str
    to: str
    to_name: str | None = None
    subject: str
    text: str
    html: str
    feedback_id: str
    list_unsubscribe_url: str | None = None
    language: str
    date: datetime
    marks: str = ""  # further header lines, as of `providers.marks`


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a message's key, always the same: `<32 hex digits@domain>`. `domain`: the sender's."""
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{_ascii_domain(domain) or 'localhost'}>"


def build(mail: Mail) -> bytes:
    """The message for `send`. 7-bit, but for a recipient's local part beyond ASCII (RFC 6532, needs SMTPUTF8).

    Raises Permanent when `to` is no address, Retryable when the sender's or the reply address is none,
    ValueError for an unsubscribe link that is none and for a naive date.

    No Auto-Submitted: every message asks for a person's answer, and the mail desks of companies drop what carries it.
    Vacation notes are kept off the shop's inbox by X-Auto-Response-Suppress, which drops nothing.
    """
    to = sendable(mail.to)
    if to is None:
        raise Permanent("the customer's address is not an e-mail address")
    sender = _sendable(mail.sender_address)
    if sender is None or not sender.isascii():
        raise Retryable("the shop's sender address is not an e-mail address")
    reply_to = _sendable(mail.reply_to)
    if reply_to is None or not reply_to.isascii():
        raise Retryable("the shop's support address is not an e-mail address")
    if mail.date.tzinfo is None:
        raise ValueError("a moment without a time zone")
    boundary = "=_" + sha256(b"boundary " + mail.key.encode(errors="replace")).hexdigest()[:32]
    head = [
        f"Date: {format_datetime(mail.date.astimezone(UTC))}\r\n",
        address_header("From", sender, mail.sender_name),
        address_header("To", to, mail.to_name),
        address_header("Reply-To", reply_to),
        text_header("Subject", mail.subject),
        token_header("Message-ID", mail.message_id),
        token_header("Feedback-ID", mail.feedback_id),
        token_header("X-Entity-Ref-ID", mail.key),
        mail.marks,
        "X-Auto-Response-Suppress: OOF, AutoReply\r\n",
        _unsubscribe(mail.list_unsubscribe_url) if mail.list_unsubscribe_url else "",
        f"Content-Language: {mail.language}\r\n" if _LANGUAGE.fullmatch(mail.language) else "",
        "MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n',
    ]
    mark = f"--{boundary}".encode()
    parts = (_part("plain", mail.text), _part("html", mail.html))
    # "=_" occurs neither in quoted-printable nor in base64, so the boundary cannot occur in a part.
    return b"".join(
        ["".join(head).encode(), *(piece for part in parts for piece in (mark, b"\r\n", *part)), mark, b"--\r\n"]
    )


def _unsubscribe(url: str) -> str:
    line = f"List-Unsubscribe: <{url}>"
    if not _LINK.fullmatch(url) or len(line) > MAX_LINE:
        raise ValueError("the unsubscribe link is not a web address")
    return f"{line}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _as_it_is(kind: str, body: str) -> bytes | None:
    """Short lines of ASCII, which need no encoding; in a page the few letters beyond it stand as `&#8217;`.

    None where it must be encoded: for long lines, for blanks at a line's end, which servers take away, and for other
    letters in a text, in a style sheet, or so many of them that an encoding is shorter.
    """
    if not body.isascii():
        style = body[body.find("<style") : body.rfind("</style>")]
        if kind != "html" or not body.startswith("<!doctype html>") or not style.isascii():
            return None
        if len(body.encode(errors="replace")) - len(body) > len(body) // 50:
            return None
    raw = body.encode("ascii", "xmlcharrefreplace")
    if not raw.endswith(b"\n"):
        raw += b"\n"
    if len(raw.translate(None, _CONTROLS)) < len(raw):
        return None
    lines = raw.split(b"\n")
    if max(map(len, lines)) > MAX_LINE or not {b" ", b"\t"}.isdisjoint({line[-1:] for line in lines}):
        return None
    return b"\r\n".join(lines)


def _part(kind: str, body: str) -> tuple[bytes, bytes]:
    """The headers and the encoded body of one part, ending in CRLF."""
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if (plain := _as_it_is(kind, body)) is not None:
        return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n".encode(), plain
    body = body.replace("\n", "\r\n")
    raw = body.encode(errors="replace")
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"  # its own line end also tells b2a_qp to break lines by CRLF
    # Quoted-printable is the shorter one while less than a sixth of the octets are beyond ASCII; Hangul has 3 of them
    # for one character, so 2 more octets than characters.
    if 9 * (len(raw) - len(body)) <= len(raw):
        encoding, data = "quoted-printable", b2a_qp(raw, istext=True)
    else:
        encoding, flat = "base64", b2a_base64(raw, newline=False)
        data = b"\r\n".join([flat[at : at + 76] for at in range(0, len(flat), 76)]) + b"\r\n"
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode(), data
