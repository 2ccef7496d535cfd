"""Every sample of a mail provider's in the shared folder: it becomes these events, or none for this reason."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from schemas.mail.providers import PROVIDERS, hear
from tests.support.mail_providers import sns

ROOT = Path(os.environ.get("DASI_SHARED") or Path(__file__).parents[2].parent / "shared") / "payloads"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("email-*/*/*.json"))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILES, reason=f"needs the shared sample payloads (DASI_SHARED), none in {ROOT}"),
]

# Folder or file -> the words of its events; the rest say nothing that we use.
SAID = {
    "email-mailgun/failed-permanent": ["bounced"],
    "email-mailgun/rejected": ["undelivered"],
    "email-mailgun/unsubscribed": ["unsubscribed"],
    "email-postmark/Bounce-HardBounce": ["bounced"],
    "email-postmark/SpamComplaint-SpamComplaint": ["complained"],
    "email-postmark/SubscriptionChange": ["bounced"],  # its reason is HardBounce
    "email-resend/email-bounced/anymail-1.json": ["bounced"],
    "email-resend/email-bounced/anymail-2.json": ["undelivered"],  # on the account's own list
    "email-resend/email-complained": ["complained"],
    "email-sendgrid/dropped/anymail-1.json": ["bounced"],
    "email-sendgrid/dropped/anymail-2.json": ["bounced"],
    "email-sendgrid/dropped/anymail-3.json": ["undelivered"],  # unsubscribed from somebody of the account
    "email-sendgrid/signed-vector": ["bounced"],
    "email-ses/Bounce/anymail-1.json": ["bounced"],
    "email-ses/Bounce/anymail-2.json": ["bounced", "bounced"],
    "email-ses/Reject": ["undelivered"],
}


def body_of(name: str) -> tuple[str, bytes]:
    """(provider, the webhook's body)"""
    provider, data = name.partition("/")[0].removeprefix("email-"), (ROOT / name).read_bytes()
    payload: Any = json.loads(data)
    if provider == "ses" and "sns" not in name:
        return provider, sns(payload)
    return provider, payload["raw_body"].encode() if "raw_body" in payload else data


@pytest.mark.parametrize("name", FILES or ["none"])
def test_sample(name: str) -> None:
    heard = hear(*body_of(name), "delivery")
    wanted = SAID.get(name) or SAID.get(name.rpartition("/")[0]) or []
    assert [str(event.word) for event in heard.events] == wanted
    assert bool(heard.events) != bool(heard.unused)
    for event in heard.events:
        assert event.event_id
        assert event.recipient or event.rfc_id
        assert event.at is None or event.at.utcoffset() is not None


def test_every_provider_has_samples() -> None:
    assert {name.partition("/")[0].removeprefix("email-") for name in FILES} == set(PROVIDERS)
    met = {name for name in FILES if name in SAID or name.rpartition("/")[0] in SAID}
    assert {key for key in SAID if not any(name.startswith(key) for name in met)} == set()
