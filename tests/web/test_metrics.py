"""What /metrics tells: true for all processes together, bounded in its labels, and all that the dashboard asks for."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy import insert, select

from plugin.domain import reasons
from plugin.queues import INGEST, Queues
from plugin.services import measures
from plugin.services.tallies import MOST_NAMES, Listener, Tallies, read
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Receipt
from tests.support.apps import app_over
from tests.web.scenes import Scene

GRAFANA = Path(__file__).parents[2] / "docs" / "grafana"
NAME = re.compile(r"\bdasi_[a-z_]+\b")


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(scene: Scene, redis_url: str) -> dict[tuple[str, ...], float]:
    ctx = replace(scene.ctx, queues=Queues(redis_url))
    found = samples(app_over(ctx).test_client().get("/metrics").text)
    ctx.queues.redis.close()
    return found


@pytest.mark.valkey
@pytest.mark.parametrize("file", ["dasi.json", "alerts.yml"])
def test_all_that_is_asked_for_is_told(tea: Scene, valkey: str, file: str) -> None:
    asked = set(NAME.findall((GRAFANA / file).read_text()))
    assert len(asked) > 8
    assert asked - {name for name, *_ in scraped(tea, valkey)} - {"dasi_webhooks_total"} == set()


def test_the_dashboard_is_one() -> None:
    board = json.loads((GRAFANA / "dasi.json").read_text())
    assert board["title"] == "Dasi"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])


@pytest.mark.valkey
def test_processes_count_together(tea: Scene, valkey: str) -> None:
    with Redis.from_url(valkey) as redis:
        ours, others = Tallies(redis), Tallies(redis)
        ours.add("webhooks", "accepted", "orders.create", count=3)
        others.add("webhooks", "accepted", "orders.create")
        others.add("recorded", "sent", count=2)
        assert ours.deliver()
        assert others.deliver()
        assert others.deliver()  # nothing new
        redis.rpush("rq:queue:ingest", "a", "b")
    found = scraped(tea, valkey)
    assert found[("dasi_webhooks_total", "accepted", "orders/create")] == 4
    assert found[("dasi_messages_recorded_total", "sent")] == 2
    assert found[("dasi_messages_recorded_total", "failed")] == 0
    assert found[("dasi_jobs", INGEST)] == 2
    assert found[("dasi_valkey_up",)] == 1
    assert found[("dasi_workers",)] == 0


def test_without_valkey_the_rest_is_told(tea: Scene) -> None:
    found = scraped(tea, "unix:///nowhere/valkey.sock")
    assert found[("dasi_valkey_up",)] == 0
    assert ("dasi_messages", "planned") in found
    assert not any(name.startswith("dasi_webhooks") for name, *_ in found)


@pytest.mark.valkey
def test_what_valkey_did_not_take_is_kept(valkey: str) -> None:
    with Redis.from_url("unix:///nowhere") as away, Redis.from_url(valkey) as here:
        tallies = Tallies(away)
        tallies.add("ingested", count=5)
        assert not tallies.deliver()
        tallies._redis = here
        assert tallies.deliver()
        assert read(here) == {"ingested": 5}


def test_names_are_bounded() -> None:
    tallies = Tallies(Redis.from_url("unix:///nowhere"))
    for number in range(MOST_NAMES + 50):
        tallies.add("recorded", f"state-{number}")
    assert len(tallies._counts) == MOST_NAMES + 1


def test_the_log_is_counted() -> None:
    tallies = Tallies(Redis.from_url("unix:///nowhere"))
    logger = logging.Logger("counted", logging.INFO)
    logger.addHandler(Listener(tallies))
    logger.info("message_recorded", extra={"message_id": 1, "step": "survey", "state": "sent"})
    logger.info("receipts_ingested", extra={"count": 7})
    logger.info("something else")
    assert dict(tallies._counts) == {"recorded/sent": 1, "ingested": 7}


def add_messages(scene: Scene, count: int, state: str, reason: str) -> None:
    with scene.ctx.database.transaction() as session:
        row = session.get_one(Message, scene.message_id)
        template = {c.key: getattr(row, c.key) for c in Message.__table__.c if c.key != "id"}
        session.execute(
            insert(Message),
            [template | {"subject": f"{state}-{n}", "state": state, "reason": reason} for n in range(count)],
        )


def test_few_are_counted_exactly(both: Scene) -> None:
    add_messages(both, 3, "withheld", "no consent to marketing")
    add_messages(both, 2, "cancelled", "told with #1001.1")
    add_messages(both, 1, "failed", "a sentence with jane@example.com in it")
    with both.ctx.database.reading() as session:
        found = measures.census(session)
    assert found.share == 1
    assert found.states == {"planned": 1, "withheld": 3, "cancelled": 2, "failed": 1}
    assert found.reasons[("withheld", "no consent")] == 3
    assert found.reasons[("cancelled", "told with another parcel")] == 2
    assert found.reasons[("failed", "other")] == 1
    assert {kind for _, kind in found.reasons} <= reasons.NAMES


def test_many_are_estimated(tea: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "STRETCHES", 20)
    monkeypatch.setattr(measures, "LENGTH", 10)
    add_messages(tea, 3000, "sent", "sent 2 Nov 09:00 UTC")
    add_messages(tea, 1000, "withheld", "too late: it was due 2 Nov 09:00 UTC")
    with tea.ctx.database.reading() as session:
        found = measures.census(session)
    assert found.share < 0.06
    assert found.states["sent"] == pytest.approx(3000, rel=0.1)
    assert found.reasons[("withheld", "too late")] == pytest.approx(1000, rel=0.1)


def test_the_way_from_an_order_to_its_thank_you(both: Scene) -> None:
    now = datetime.now(UTC)
    with both.ctx.database.transaction() as session:
        order = session.get_one(Order, both.order_id)
        message = session.get_one(Message, both.message_id)
        message.step, message.state, message.accepted_at = "thank_you", "sent", now - timedelta(seconds=3)
        session.add(Receipt(
            shop_id=both.shop_id, webhook_id="w", topic="orders/create", received_at=now, order_ref=order.platform_id,
            accepted_at=now - timedelta(seconds=5), state="done", next_attempt_at=now,
        ))  # fmt: skip
    with both.ctx.database.reading() as session:
        found = measures.ways(session, both.ctx.clock.now())
    assert found.seconds == pytest.approx([2])
    assert found.percentile(0.99) == pytest.approx(2)
    with both.ctx.database.transaction() as session:  # under way: as long as it has taken so far
        message = session.get_one(Message, both.message_id)
        message.state, message.accepted_at = "queued", None
    with both.ctx.database.reading() as session:
        assert measures.ways(session, both.ctx.clock.now()).percentile(0.5) >= 5
        assert session.scalar(select(Message.state)) == "queued"


def test_every_reason_of_the_plan_has_a_kind() -> None:
    known = ["no consent to marketing", "too late: it was due 2 Nov 09:00 UTC", "deferred to 09:00 in Seoul",
             "waits for the shop to go live", "will be tried again: the mail server cannot be reached"]  # fmt: skip
    assert reasons.OTHER not in map(reasons.kind_of, known)
    assert reasons.kind_of("who knows") == reasons.OTHER
