"""A provider's name and the raw body of its webhook -> what it says."""

from __future__ import annotations

from schemas.mail import mailgun, postmark, resend, sendgrid, ses
from schemas.mail.base import Rejected
from schemas.mail.events import Heard

PROVIDERS = ("ses", "sendgrid", "postmark", "mailgun", "resend")


def hear(provider: str, body: bytes, delivery: str) -> Heard:
    """`delivery`: the id of the delivery, where the provider's envelope has one. Raises Rejected, KeyError."""
    if provider == "resend":
        return resend.hear(body, delivery)
    readers = {"ses": ses.hear, "sendgrid": sendgrid.hear, "postmark": postmark.hear, "mailgun": mailgun.hear}
    return readers[provider](body)


__all__ = ["PROVIDERS", "Rejected", "hear"]
