"""Every sample payload of the shared folder: it becomes events, or is kept with a reason, or is refused with errors."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.events import Event, OrderPlaced, ParcelShipped, ParcelTracked
from schemas.shopify.subjects import body_subjects
from schemas.shopify.topics import TOPICS, Rejected, parse

ROOT = Path(os.environ.get("DASI_SHARED") or Path(__file__).parents[2].parent / "shared") / "payloads" / "shopify"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/*.json"))
TOPIC_OF = {re.sub(r"[/_]", "-", topic): topic for topic in TOPICS}
TRIGGERED = datetime(2026, 11, 22, 9, tzinfo=UTC)

# Known topics whose payload says nothing that could be used, and why.
KEPT = {
    r"checkouts-delete/.*": "the deletion does not name the checkout's token",
    r"customers-merge/gadget-official-.*": "the merge of two customers did not happen: its status is not completed",
    r"customers-email-marketing-consent-update/gadget-official-2024-01-1\.json":
        "the consent is for no e-mail address that can be used",  # a sample with null everywhere
    r"customers-marketing-consent-update/gadget-exemplar-.*":
        "the consent is for no phone number that can be used",  # "example string"
}  # fmt: skip

# Payloads that are refused, and the field that says why.
REFUSED = {
    r"orders-updated/gadget-exemplar-.*": "total_price_set",  # every amount and currency is "example string"
    r"refunds-create/shopify-api-ruby-2026-07-5\.json": "order_id",  # a calculation: no refund was made
}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILES, reason=f"needs the shared sample payloads (DASI_SHARED), none in {ROOT}"),
]


def listed(table: dict[str, str], name: str) -> str | None:
    return next((value for pattern, value in table.items() if re.fullmatch(pattern, name)), None)


@pytest.mark.parametrize("name", FILES or ["none"])
def test_sample(name: str) -> None:
    body, folder = (ROOT / name).read_bytes(), name.partition("/")[0]
    topic = TOPIC_OF.get(folder, folder)
    if field := listed(REFUSED, name):
        with pytest.raises(Rejected) as caught:
            parse(topic, body, triggered_at=TRIGGERED)
        assert [error["field"] for error in caught.value.errors] == [field]
        assert all(error["message"] for error in caught.value.errors)
        return
    parsed = parse(topic, body, triggered_at=TRIGGERED)
    if folder not in TOPIC_OF:
        assert parsed.reason == f"topic not used by Dasi: {folder}"
    else:
        assert parsed.reason == listed(KEPT, name)
    assert bool(parsed.events) != bool(parsed.reason)
    for event in parsed.events:
        check(event)


def check(event: Event) -> None:
    """What must hold of any event, whatever the sample."""
    for value in (getattr(event, slot) for slot in event.__dataclass_fields__):
        if isinstance(value, datetime):
            assert value.utcoffset() is not None
            assert value.astimezone(UTC) == value
        elif isinstance(value, str):
            assert value.isprintable() or "\u200d" in value
    if isinstance(event, (OrderPlaced, ParcelShipped, ParcelTracked)):
        assert event.order_id.isdigit()


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("orders-create/gadget")] or ["none"])
def test_official_orders(name: str) -> None:
    body = (ROOT / name).read_bytes()
    order = parse("orders/create", body, triggered_at=TRIGGERED).events[0]
    assert isinstance(order, OrderPlaced)
    assert (order.order_id, order.email, order.customer_id) == (
        "820982911946154508", "jon@example.com", "115310627314723954")  # fmt: skip
    assert body_subjects(body)[:2] == ("115310627314723954", "820982911946154508")
    assert order.cancelled_at is not None  # the sample contradicts its topic: the body counts, the topic is not guessed
    assert {line.price is not None for line in order.lines} == {True}


def test_every_topic_of_the_corpus_is_met() -> None:
    """A file that moves or a topic that is renamed shows here, not as a silent 'topic not used'."""
    known = {TOPIC_OF[folder] for folder in {name.partition("/")[0] for name in FILES} if folder in TOPIC_OF}
    not_in_corpus = {"orders/delete", "products/create", "products/delete", "app/scopes_update", "shop/redact"}
    assert set(TOPICS) - known == not_in_corpus
