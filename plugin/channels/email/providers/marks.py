"""Headers by which a provider hands a message's key back in its webhooks.

Amazon SES and Resend tell a message's own headers, `X-Entity-Ref-ID` among them, and need none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from plugin.channels.email.headers import token_header
from schemas.mail.base import KEY_NAME


def marks(providers: Iterable[str], key: str) -> str:
    """Header lines, each ending in CRLF; "" for providers that need none."""
    lines = []
    for provider in sorted(providers):
        if provider == "sendgrid":
            lines.append(token_header("X-SMTPAPI", _json({"unique_args": {KEY_NAME: key}})))
        elif provider == "mailgun":
            lines.append(token_header("X-Mailgun-Variables", _json({KEY_NAME: key})))
        elif provider == "postmark":
            lines.append(token_header(f"X-PM-Metadata-{KEY_NAME}", key))
    return "".join(lines)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
