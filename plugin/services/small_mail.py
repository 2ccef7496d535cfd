"""Mail that is not of the flow: what the shop is told, the desk's letters, ways to sign in, tests of a wording,
the question whether a sender address is the shop's.

Each kind keeps what is to be sent in rows of its own, and decides by itself what an unknown outcome means.
"""

from __future__ import annotations

from collections.abc import Callable

from plugin.channels.email.transport import Transport
from plugin.services.context import Context
from plugin.services.issues import anything_untold, tell_shops
from plugin.services.letters import any_letter, send_letters
from plugin.services.login_mail import any_link, mail_links
from plugin.services.sender_check import any_question, mail_questions
from plugin.services.template_drafts import any_test, send_tests

KINDS: tuple[tuple[Callable[[Context], bool], Callable[[Context, Transport], int]], ...] = (
    (anything_untold, tell_shops),
    (any_letter, send_letters),
    (any_link, mail_links),
    (any_test, send_tests),
    (any_question, mail_questions),
)


def anything_small(ctx: Context) -> bool:
    """Whether any of it waits to be sent."""
    return any(waits(ctx) for waits, _ in KINDS)


def send_small_mail(ctx: Context, transport: Transport) -> int:
    """Send what waits. Returns how many mails left."""
    return sum(send(ctx, transport) for waits, send in KINDS if waits(ctx))
