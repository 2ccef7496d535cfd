"""The demo's mail: the catcher that keeps each message as a file, and the reading of those files."""

from __future__ import annotations

import email
import email.policy
import os
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

NAME = re.compile(r"[0-9]{19}-[0-9a-f]{8}", re.ASCII)
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the list. `at`: its Date header, business time; None when it has none that can be read."""

    id: str
    sender: str
    sender_address: str
    to: str
    subject: str
    at: datetime | None
    step: str | None
    message_class: str | None
    preview: str


@dataclass(frozen=True, slots=True)
class OpenMail:
    mail: Mail
    html: str | None
    text: str
    headers: tuple[tuple[str, str], ...]
    size: int  # octets


class Catcher:
    """aiosmtpd's handler: writes what it is given, then says 250."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        content = envelope.original_content or envelope.content
        keep(self._folder, content if isinstance(content, bytes) else content.encode())
        return "250 OK"


def keep(folder: Path, content: bytes) -> str:
    """Write one mail; readers see it whole or not at all. Returns its id, which sorts by arrival."""
    name = f"{time.time_ns():019d}-{secrets.token_hex(4)}"
    draft = folder / f"{name}.tmp"
    draft.write_bytes(content)
    os.replace(draft, folder / f"{name}.eml")
    return name


def newest(folder: Path, limit: int = SHOWN) -> list[Mail]:
    """The mails of the folder, newest arrival first."""
    names = sorted((path.stem for path in folder.glob("*.eml")), reverse=True)
    found = (_listed(str(folder), name) for name in names[:limit])
    return [mail for mail in found if mail is not None]


def count(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.eml"))


def read(folder: Path, name: str) -> OpenMail | None:
    """One mail, or None when there is none of this name."""
    content = _content(folder, name)
    mail = _listed(str(folder), name)
    if content is None or mail is None:
        return None
    message = _parse(content)
    html = _part(message, "html")
    headers = tuple((key, str(value)) for key, value in message.items())
    return OpenMail(mail, html, _part(message, "plain") or "", headers, len(content))


def clear(folder: Path) -> None:
    for path in folder.glob("*.eml"):
        path.unlink(missing_ok=True)


@lru_cache(maxsize=2 * SHOWN)
def _listed(folder: str, name: str) -> Mail | None:
    """A file never changes once it is there, so its entry is read once."""
    content = _content(Path(folder), name)
    if content is None:
        return None
    message = _parse(content)
    sender, address = parseaddr(str(message.get("From", "")))
    feedback = str(message.get("Feedback-ID", "")).split(":")
    try:
        at = parsedate_to_datetime(str(message.get("Date", ""))).astimezone(UTC)
    except (TypeError, ValueError):
        at = None
    return Mail(
        id=name,
        sender=sender or address,
        sender_address=address,
        to=parseaddr(str(message.get("To", "")))[1],
        subject=str(message.get("Subject", "")),
        at=at,
        step=feedback[0] if len(feedback) == 4 else None,
        message_class=feedback[2] if len(feedback) == 4 else None,
        preview=" ".join((_part(message, "plain") or "").split())[:140],
    )


def _content(folder: Path, name: str) -> bytes | None:
    if not NAME.fullmatch(name):
        return None
    try:
        return (folder / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None


def _parse(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    content = part.get_content()
    return content if isinstance(content, str) else None
