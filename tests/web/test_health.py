from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from plugin.app import create_app, create_app_from
from plugin.config import Settings
from plugin.queues import Queues
from plugin.services.context import Context
from plugin.store.models.messages import Message
from plugin.store.models.shops import Receipt
from tests.conftest import NOW
from tests.web.scenes import Scene


def test_ready(both: Scene):
    answer = both.app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")


def test_without_valkey_it_is_degraded_and_works(tea: Scene):
    ctx = Context(tea.ctx.settings, tea.ctx.database, tea.ctx.clock, Queues("unix:///nowhere/valkey.sock"))
    answer = create_app_from(ctx).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")


def test_a_database_that_is_not_migrated_is_not_ready(both: Scene):
    with both.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    answer = both.app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["errors"][0]["error"]) == (503, "not_migrated")


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql+psycopg://u@127.0.0.1:1/none"])
def test_a_database_that_is_away(settings: Settings, url):
    import dataclasses

    app = create_app(dataclasses.replace(settings, database_url=url))
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["errors"][0]["error"]) == (503, "database_unreachable")
    assert client.get("/metrics").status_code == 503
    assert "password" not in answer.text


@pytest.mark.parametrize(("free", "code", "said"), [(2**20, 503, None), (100 * 2**20, 200, "low"), (2**40, 200, "ok")])
def test_the_disk_under_sqlite(tea: Scene, monkeypatch: pytest.MonkeyPatch, free: int, code: int, said: str | None):
    monkeypatch.setattr("plugin.store.fitness.free_bytes", lambda _: free)
    answer = tea.app.test_client().get("/readyz")
    assert answer.status_code == code
    if said:
        assert answer.get_json()["checks"]["disk"] == said
        assert answer.get_json()["status"] == ("ok" if said == "ok" else "degraded")
    else:
        assert answer.get_json()["errors"][0]["error"] == "disk_full"


@pytest.mark.postgres
def test_a_database_that_takes_no_writes(context: Context):
    if context.database.is_sqlite:
        pytest.skip("SQLite has no read-only mode of its own")
    app = create_app_from(context)
    name = context.database.engine.url.database
    with context.database.transaction() as session:
        session.connection().exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    context.database.dispose()
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["errors"][0]["error"]) == (503, "read_only")


def test_metrics_count_the_database(both: Scene):
    now = both.ctx.clock.now()
    with both.ctx.database.transaction() as session:
        for number, state in enumerate(["received", "received", "failed", "rejected", "done", "kept"]):
            session.add(Receipt(
                shop_id=both.shop_id, webhook_id=str(number), topic="orders/create", received_at=now, accepted_at=now,
                state=state, next_attempt_at=now,
            ))  # fmt: skip
        session.get_one(Message, both.message_id).ready_at = NOW - timedelta(seconds=90)
    text = both.app.test_client().get("/metrics").text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples[("dasi_receipts", "received")] == 2
    assert samples[("dasi_receipts", "failed")] == 1
    assert samples[("dasi_receipts", "rejected")] == 1
    assert samples[("dasi_receipts_newest_id",)] == 6
    assert samples[("dasi_receipts_unprocessed_age_seconds",)] > 0
    assert samples[("dasi_messages", "planned")] == 1
    assert samples[("dasi_messages", "sent")] == 0
    assert samples[("dasi_messages_due_lag_seconds",)] == 90
    assert samples[("dasi_messages_due",)] == 1
    assert samples[("dasi_messages_looked_at_share",)] == 1
    assert "haneul" not in text


def test_nothing_waits_is_zero(tea: Scene, client):
    text = client.get("/metrics").text
    assert "dasi_messages_due_lag_seconds 0.0" in text
    assert "dasi_receipts_unprocessed_age_seconds 0.0" in text
