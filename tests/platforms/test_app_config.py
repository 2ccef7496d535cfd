"""What Shopify is told to send is what the schemas understand: no topic is forgotten on either side."""

from __future__ import annotations

import tomllib
from pathlib import Path

from schemas.shopify.topics import TOPICS

CONFIG = tomllib.loads((Path(__file__).parents[2] / "shopify.app.toml").read_text())


def test_the_subscriptions_are_exactly_the_topics_with_a_schema() -> None:
    subscribed = [
        topic
        for subscription in CONFIG["webhooks"]["subscriptions"]
        for topic in subscription.get("topics", []) + subscription.get("compliance_topics", [])
    ]
    assert sorted(subscribed) == sorted(TOPICS)


def test_every_webhook_comes_to_the_one_endpoint_in_the_current_version() -> None:
    assert {s["uri"] for s in CONFIG["webhooks"]["subscriptions"]} == {"/webhooks/shopify"}
    assert CONFIG["webhooks"]["api_version"] == "2026-10"


def test_compliance_topics_are_declared_as_such() -> None:
    declared = [s["compliance_topics"] for s in CONFIG["webhooks"]["subscriptions"] if "compliance_topics" in s]
    assert declared == [["customers/data_request", "customers/redact", "shop/redact"]]
