"""The envelope: signature first, over the raw bytes; then the headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from plugin.platforms.shopify.webhook import BadEnvelope, Envelope, open_envelope, signature

SECRETS = ("the-current-secret", "the-old-secret")
BODY = b'{"id": 1}'


def headers(body: bytes = BODY, secret: str = SECRETS[0], **changes: str | None) -> Mapping[str, str]:
    given: dict[str, str | None] = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": signature(body, secret),
        "X-Shopify-Shop-Domain": "haneul.myshopify.com",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Triggered-At": "2026-11-02T09:00:00.123456789Z",
    }
    named = {f"X-Shopify-{name.replace('_', '-')}": value for name, value in changes.items()}
    return {name: value for name, value in {**given, **named}.items() if value is not None}


def refused(given: Mapping[str, str], body: bytes = BODY, secrets: tuple[str, ...] = SECRETS) -> tuple[int, str]:
    with pytest.raises(BadEnvelope) as caught:
        open_envelope(given, body, secrets)
    return caught.value.status, caught.value.error


def test_a_good_one() -> None:
    assert open_envelope(headers(), BODY, SECRETS) == Envelope(
        shop="haneul.myshopify.com",
        topic="orders/create",
        webhook_id="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        event_id=None,
        api_version=None,
        triggered_at=datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC),
    )


def test_the_old_secret_serves_while_a_rotation_lasts() -> None:
    assert open_envelope(headers(secret=SECRETS[1]), BODY, SECRETS).topic == "orders/create"
    assert refused(headers(secret=SECRETS[1]), secrets=SECRETS[:1]) == (401, "wrong_hmac")


def test_the_signature_is_over_bytes_that_need_not_be_text() -> None:
    body = b'{"name": "\xff\xfe\x00"}'
    assert open_envelope(headers(body), body, SECRETS).topic == "orders/create"


@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_signature(given: str | None) -> None:
    assert refused(headers(Hmac_Sha256=given)) == (400, "missing_hmac")


@pytest.mark.parametrize(
    "given", ["x", "é", "\ud800", "=" * 5000, signature(BODY, "another"), signature(b"", SECRETS[0])]
)
def test_a_wrong_signature(given: str) -> None:
    assert refused(headers(Hmac_Sha256=given)) == (401, "wrong_hmac")


def test_without_a_secret_nothing_is_accepted() -> None:
    assert refused(headers(secret=""), secrets=()) == (401, "wrong_hmac")


def test_the_signature_is_looked_at_before_the_other_headers() -> None:
    assert refused({"X-Shopify-Hmac-Sha256": "x"}) == (401, "wrong_hmac")


@pytest.mark.parametrize(
    "shop",
    [
        None, "", "haneul.example.com", "haneul.myshopify.com.evil.example", "-a.myshopify.com", "a b.myshopify.com",
        ".myshopify.com", "haneul.myshopify.com/../x", "haneul\n.myshopify.com", "한글.myshopify.com",
        "a" * 250 + ".myshopify.com",
    ],
)  # fmt: skip
def test_a_shop_that_is_none(shop: str | None) -> None:
    assert refused(headers(Shop_Domain=shop)) == (400, "bad_shop")


def test_a_shop_is_lower_case() -> None:
    assert open_envelope(headers(Shop_Domain=" Haneul.MyShopify.com "), BODY, SECRETS).shop == "haneul.myshopify.com"


@pytest.mark.parametrize("topic", [None, "", "orders", "orders/", "orders/create; drop", "ordérs/a", "a/" + "b" * 200])
def test_a_topic_that_is_none(topic: str | None) -> None:
    assert refused(headers(Topic=topic)) == (400, "bad_topic")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-11-02T18:00:00+09:00", datetime(2026, 11, 2, 9, tzinfo=UTC)),
        ("2026-11-02T09:00:00", datetime(2026, 11, 2, 9, tzinfo=UTC)),
        (None, None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("2026-13-45T00:00:00Z", None),
    ],
)
def test_when_it_was_triggered(given: str | None, read: datetime | None) -> None:
    assert open_envelope(headers(Triggered_At=given), BODY, SECRETS).triggered_at == read


def test_without_an_id_the_same_bytes_under_the_same_topic_are_the_same_delivery() -> None:
    def own(body: bytes = BODY, **changes: str | None) -> str:
        return open_envelope(headers(body, Webhook_Id=None, **changes), body, SECRETS).webhook_id

    assert own() == own() == own(Triggered_At=None)
    assert len({own(), own(b"{}"), own(Topic="orders/updated")}) == 3


def test_ids_fit_their_columns_and_stay_distinct() -> None:
    ids = {open_envelope(headers(Webhook_Id=text), BODY, SECRETS).webhook_id for text in ("a" * 300, "a" * 301, "a\0b")}
    assert len(ids) == 3
    assert all(len(one) <= 120 and "\0" not in one for one in ids)
