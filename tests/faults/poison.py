"""Poisonous payloads and templates among good ones: each fails alone, with its reason."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import requests

from plugin.platforms.shopify.webhook import signature
from tests.faults import audit
from tests.faults.audit import Findings
from tests.faults.parts import Time
from tests.faults.plant import Plant
from tests.faults.sizes import Size
from tests.replay.servers import SECRET, SHOP

SPEED = 600.0
# Saved before the check that refuses them today: these messages leave without the merchant's words.
TEMPLATES = {
    "steps": {
        "delivered": {"subject": {"en": "{% for i in (1..100000000) %}x{% endfor %}", "ko": "{{ "}},
        "survey": {"subject": {"en": "{% nonsense %}"}, "intro": {"en": "{{ order | boom }}"}},
    }
}
# An order that nothing can be written from, and its message due at once.
SPOIL = """WITH spoilt AS (
  SELECT id, order_id FROM messages WHERE state = 'planned' AND step = 'survey' AND ready_at > %s LIMIT 3
), orders_spoilt AS (
  UPDATE orders SET lines = '[7]' WHERE id IN (SELECT order_id FROM spoilt)
) UPDATE messages SET ready_at = %s WHERE id IN (SELECT id FROM spoilt) RETURNING id"""


def payloads(order: dict[str, Any]) -> dict[str, bytes]:
    """Made of a good order: what a broken or hostile sender might sign."""

    def changed(**values: Any) -> bytes:
        return json.dumps(order | {"id": 990000 + len(values), "email": "p@example.com"} | values).encode()

    return {
        "no JSON": b"{",
        "not an object": b"[]",
        "nothing in it": b"{}",
        "nested too deep": b"[" * 60_000,
        "a NUL in a name": changed(id=99001, name="#9\u0000001", note="\u0000"),
        "half a surrogate pair": json.dumps(order | {"id": 99002, "name": "#\ud800"}).encode(),
        "an id beyond 64 bits": changed(id=10**40),
        "a price of words": changed(id=99003, total_price="many"),
        "a moment before time": changed(id=99004, created_at="0000-00-00T00:00:00Z"),
        "a moment before all zones": changed(id=99009, processed_at="0001-01-01T00:00:00+14:00"),
        "a name of 100,000 digits": changed(id=99005, name="#" + "9" * 100_000),
        "lines that are none": changed(id=99006, line_items=[None, 7, "x"]),
        "infinite money": json.dumps(order | {"id": 99007, "total_price": float("inf")}).encode(),
        "not UTF-8": changed(id=99008).replace(b"p@example.com", b"\xff\xfe@example.com"),
    }  # fmt: skip


def post(plant: Plant, name: str, topic: str, body: bytes) -> int:
    headers = {
        "X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature(body, SECRET), "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": f"poison {name}", "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Triggered-At": plant.clock.now.isoformat(),
    }  # fmt: skip
    return requests.post(f"{plant.url}/webhooks/shopify", data=body, headers=headers, timeout=10).status_code


def poison(plant: Plant, size: Size) -> Findings:
    """Every good webhook is worked off and every good message leaves; the poisonous say why they did not."""
    found, past = Findings("poison"), 7.3 * 86400
    plant.fresh(Time(time.time() - past / SPEED, SPEED))
    plant.sql("UPDATE shops SET settings = (settings::jsonb || %s::jsonb)::json", [json.dumps(TEMPLATES)])
    plant.start("web", "worker-1", "worker-2", "clock-1")
    source = plant.play(orders=size.poisoned, days=1.0, until_days=past / 86400, seed=size.seed, retry_speed=SPEED)
    plant.live(60, lambda: len(source.accepted()) > 20)
    order = {"id": 1, "name": "#1", "created_at": plant.clock.now.isoformat(), "line_items": [], "currency": "GBP"}
    answers = {name: post(plant, name, "orders/create", body) for name, body in payloads(order).items()}
    found.check(plant.live(size.patience, lambda: source.done), "the source did not end")
    plant.live(size.patience, lambda: not plant.count("state = 'received' AND attempts = 0", "receipts"))
    plant.sql("UPDATE receipts SET next_attempt_at = next_attempt_at - interval '1 day' WHERE state = 'received'")
    plant.settle(size.patience / 3)
    for _ in range(5):  # the waits between the tries of a failing receipt are minutes long
        plant.sql("UPDATE receipts SET next_attempt_at = next_attempt_at - interval '1 day' WHERE state = 'received'")
        if plant.settle(size.patience / 3):
            break
    spoilt = plant.sql(SPOIL, [plant.clock.now + timedelta(hours=2), plant.clock.now])
    plant.settle(size.patience / 3)
    plant.stop()
    rows = plant.sql("SELECT webhook_id, state, reason FROM receipts WHERE webhook_id LIKE 'poison%'")
    found.none([n for n, status in answers.items() if status not in (200, 400)], "poisonous webhooks got a 5xx")
    found.none([r["webhook_id"] for r in rows if r["state"] == "received"], "poisonous webhooks are tried for ever")
    found.none([r["webhook_id"] for r in rows if r["state"] in ("rejected", "failed") and not r["reason"]], "no reason")
    accepted = source.accepted()
    bad = plant.sql(
        "SELECT webhook_id FROM receipts WHERE state NOT IN ('done', 'kept') AND left(webhook_id, 6) <> 'poison'"
    )
    found.none([r["webhook_id"] for r in bad], "good webhooks were dragged along")
    audit.facts(plant, found, accepted)
    failed = plant.sql("SELECT id, reason FROM messages WHERE state = 'failed'")
    sent = {r["step"] for r in plant.sql("SELECT DISTINCT step FROM messages WHERE state = 'sent'")}
    found.check(bool(TEMPLATES["steps"].keys() & sent), f"poisonous templates stopped their steps: {sorted(sent)} left")
    found.check(len(spoilt) > 0, "no message was spoilt")
    found.check({r["id"] for r in failed} == {r["id"] for r in spoilt}, f"{len(spoilt)} were spoilt, failed: {failed}")
    found.check(all(r["reason"] for r in failed), "a failed message has no reason")
    found.figures |= {
        "poisonous payloads": len(answers), "answered": sorted(set(answers.values())),
        "receipts": {r["webhook_id"].removeprefix("poison "): r["state"] for r in rows},
        "messages spoilt": len(spoilt), "failed": {r["reason"]: len(failed) for r in failed},
        "steps that left": len(sent),
    }  # fmt: skip
    return found
