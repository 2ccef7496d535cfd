"""What an SMTP server's reply means for a message. Its text is read but never repeated: it may hold an address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugin.channels.email.errors import Permanent, Retryable, SendError

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
# 5.1.7 to 5.1.9 are about the sender's address (RFC 3463, RFC 3886's registry), the others about the recipient's.
_DEAD = re.compile(r"5\.1\.([0-6]|10)")
_NO_MAILBOX = re.compile(r"\b(user|mailbox|recipient|account|addressee)\b", re.I)
_POLICY = re.compile(r"spam|block|polic|relay|den(y|ied)|sender|quota|full|limit|rate|reputation|\bip\b|auth", re.I)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the server; code -1 when it could not be read."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def closing(self) -> bool:
        """421: the server is about to close the connection. Unreadable: nobody knows where its next reply begins."""
        return self.code == 421 or not 200 <= self.code < 600

    @property
    def enhanced(self) -> str | None:
        found = _ENHANCED.match(self.text)
        return found[0] if found else None

    @property
    def status(self) -> str:
        """The codes for a reason, e.g. "550 5.1.1"."""
        if not 200 <= self.code < 600:
            return "unreadable"
        return f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)

    @property
    def no_mailbox(self) -> bool:
        """Does a 550, 551 or 553 say that the recipient does not exist, rather than that it does not want this?"""
        if self.code not in (550, 551, 553):
            return False
        if self.enhanced:
            return bool(_DEAD.fullmatch(self.enhanced))
        return bool(_NO_MAILBOX.search(self.text)) and not _POLICY.search(self.text)


def of_sender(reply: Reply) -> SendError:
    """MAIL refused: what is refused is the sender, so the shop's or the operator's settings, not the message."""
    if reply.code == 552:
        return Permanent(f"the mail server finds the message too large ({reply.status})")
    if reply.code in (530, 535):
        return Retryable(f"the mail server wants a login: see EMAIL_URL ({reply.status})", channel_down=True)
    if 500 <= reply.code < 600:
        return Retryable(f"the mail server refuses the shop's sender address ({reply.status})")
    return Retryable(f"the mail server does not take mail now ({reply.status})")


def of_recipient(reply: Reply) -> SendError:
    """RCPT refused."""
    if reply.code in (530, 535):
        return Retryable(f"the mail server wants a login: see EMAIL_URL ({reply.status})", channel_down=True)
    if 500 <= reply.code < 600 and not reply.no_mailbox and "relay" in reply.text.lower():
        return Retryable(f"the mail server does not relay for us: see EMAIL_URL ({reply.status})")
    if 500 <= reply.code < 600:
        what = "there is no such mailbox" if reply.no_mailbox else "the mail server refuses the recipient"
        return Permanent(f"{what} ({reply.status})", dead_address=reply.no_mailbox)
    return Retryable(f"the mail server asks to try again later ({reply.status})")


def of_data(reply: Reply) -> SendError:
    """DATA or the message itself refused. Only an enhanced code can lay that on the address."""
    if 500 <= reply.code < 600:
        dead = reply.no_mailbox and reply.enhanced is not None
        what = "there is no such mailbox" if dead else "the mail server refuses the message"
        return Permanent(f"{what} ({reply.status})", dead_address=dead)
    return Retryable(f"the mail server asks to try again later ({reply.status})")
