"""Webhooks in groups, on both databases: the same receipts as one by one, and no rule forgotten."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from plugin.platforms.shopify.webhook import signature
from plugin.queues import INGEST
from plugin.services.context import Context
from plugin.services.receipt_groups import Groups, groups
from plugin.services.receive import Answer, receive_shopify
from plugin.store.models.shops import Receipt, Shop
from tests.services.world import DOMAIN, World, compliance, consent, order
from tests.support.fakes import RecordingQueues

OTHER = "other.myshopify.com"


class Door:
    """Receives as a web process with several threads does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.groups: Groups = groups(world.ctx)

    def post(self, topic: str, payload: dict[str, Any], webhook_id: str, domain: str = DOMAIN) -> Answer:
        body = json.dumps(payload).encode()
        headers = {
            "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": domain, "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Hmac-Sha256": signature(body, self.world.ctx.settings.shopify_api_secret or ""),
            "X-Shopify-Triggered-At": self.world.now.isoformat(),
        }  # fmt: skip
        return receive_shopify(self.world.ctx, headers, body, self.groups)

    def order(self, number: int, domain: str = DOMAIN, **changes: Any) -> int:
        return self.post("orders/create", order(self.world.now, number, **changes), f"w{number}", domain).status


@pytest.fixture
def door(both: World) -> Door:
    return Door(both)


def ids(world: World) -> list[str]:
    return sorted(receipt.webhook_id for receipt in world.rows(Receipt))


def test_a_plain_webhook_is_the_same_receipt_as_alone(door: Door) -> None:
    assert door.order(1) == 200
    door.world.receive("orders/create", order(door.world.now, 1), webhook_id="alone")
    grouped, alone = (
        {name: value for name, value in vars(receipt).items() if not name.startswith("_")}
        for receipt in door.world.rows(Receipt)
    )
    world = door.world
    assert world.ctx.vault.open_bytes(grouped.pop("body")) == world.ctx.vault.open_bytes(alone.pop("body"))
    for name in ("id", "webhook_id", "accepted_at", "next_attempt_at"):
        assert type(grouped.pop(name)) is type(alone.pop(name))
    assert grouped | {"event_id": None} == alone | {"event_id": None} | {"api_version": None}
    assert isinstance(world.ctx.queues, RecordingQueues)
    assert world.ctx.queues.nudges == [INGEST, INGEST]


def test_many_threads_one_receipt_each_and_duplicates_once(door: Door) -> None:
    door.world.add_shop(OTHER)
    calls = [(number, domain) for number in range(40) for domain in (DOMAIN, OTHER)] * 2
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda call: door.order(*call), calls))
    assert statuses == [200] * 160
    receipts = door.world.rows(Receipt)
    assert len({(receipt.shop_id, receipt.webhook_id) for receipt in receipts}) == len(receipts) == 80
    assert all(receipt.state == "received" for receipt in receipts)


def test_one_that_the_database_refuses_fails_alone(door: Door) -> None:
    with door.world.ctx.database.transaction() as session:
        session.execute(text("CREATE UNIQUE INDEX only_one ON receipts (order_ref) WHERE order_ref = '666'"))
    assert door.order(666) == 200

    def post(number: int) -> int | str:
        try:
            return door.post("orders/paid", order(door.world.now, 666 if number == 5 else number), f"n{number}").status
        except IntegrityError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(24)))
    assert answers == [200] * 5 + ["refused"] + [200] * 18
    assert len(ids(door.world)) == 24


def test_unknown_uninstalled_and_mismatched_shops_take_the_careful_way(door: Door) -> None:
    world = door.world
    assert door.order(1, "stranger.myshopify.com") == 200
    assert not world.row(Shop, domain="stranger.myshopify.com").live
    assert door.post("shop/update", {"id": 1, "myshopify_domain": OTHER}, "told").status == 200
    assert world.row(Receipt, webhook_id="told").reason == "its body names another shop"
    with world.ctx.database.transaction() as session:
        session.execute(
            update(Shop)
            .where(Shop.domain == DOMAIN)
            .values(uninstalled_at=world.now + timedelta(seconds=1), live=False)
        )
    assert door.order(2) == 200
    late = world.row(Receipt, webhook_id="w2")
    assert (late.state, late.body, late.reason) == ("kept", None, "the shop uninstalled Dasi before")


def test_an_uninstallation_counts_from_the_next_webhook_on(door: Door) -> None:
    world = door.world
    assert door.order(1) == 200
    assert door.post("app/uninstalled", {"id": 1, "domain": DOMAIN}, "gone").status == 200
    world.ingest()
    world.ctx.clock.move(timedelta(seconds=-1))  # type: ignore[attr-defined]
    assert door.order(2) == 200
    assert world.row(Receipt, webhook_id="w2").state == "kept"


def test_the_erased_are_not_kept_again(door: Door) -> None:
    world = door.world
    door.order(1001)
    assert door.post("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]), "redact").status == 200
    world.ingest()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(door.order, [1002, 1001])) == [200, 200]
        pool.submit(door.post, "customers_email_marketing_consent/update", consent(world.now), "c").result()
    for webhook_id in ("w1002", "c"):
        late = world.row(Receipt, webhook_id=webhook_id)
        assert (late.state, late.body, late.customer_ref) == ("kept", None, None)


def test_without_its_table_every_thread_hears_of_it(door: Door) -> None:
    with door.world.ctx.database.transaction() as session:
        session.execute(text("ALTER TABLE receipts RENAME TO elsewhere"))
    with ThreadPoolExecutor(4) as pool:
        errors = [future.exception() for future in [pool.submit(door.order, number) for number in range(4)]]
    assert all(errors)


@pytest.mark.postgres
def test_a_shop_whose_row_is_locked_holds_up_only_itself(context: Context, door: Door) -> None:
    if context.database.is_sqlite:
        pytest.skip("SQLite locks the whole database")
    world = door.world
    world.add_shop(OTHER)
    with ThreadPoolExecutor(2) as pool, world.ctx.database.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM shops WHERE domain = :domain FOR UPDATE"), {"domain": DOMAIN})
        held = pool.submit(door.order, 1)
        assert [door.order(number, OTHER) for number in (2, 3)] == [200, 200]
        assert not held.done()
        connection.rollback()
        assert held.result(5) == 200


@pytest.mark.postgres
def test_a_killed_transaction_keeps_nothing_and_is_tried_again(context: Context, door: Door) -> None:
    if context.database.is_sqlite:
        pytest.skip("SQLite has no backends to kill")
    with ThreadPoolExecutor(9) as pool:
        with context.database.engine.connect() as holder:
            holder.execute(text("LOCK TABLE receipts IN ACCESS EXCLUSIVE MODE"))
            waiting = [pool.submit(door.order, number) for number in range(6)]
            mine = holder.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as killer:
                killed = 0
                while not killed:
                    killed = len(killer.execute(
                        text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid NOT IN (:mine, "
                             "pg_backend_pid()) AND wait_event_type = 'Lock' AND datname = current_database()"),
                        {"mine": mine},
                    ).all())  # fmt: skip
            assert not any(future.done() and future.exception() is None for future in waiting)
            holder.rollback()
        answers = [future.exception() or future.result() for future in waiting]
    told = {f"w{number}" for number, answer in enumerate(answers) if answer == 200}
    assert told <= set(ids(door.world))
    assert len(told) >= 5  # who was killed while alone hears of it, and is sent again
