"""What runs every second or for every webhook must stand on an index, however many rows there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Connection, event

from plugin.domain import retention
from plugin.services import housekeeping, outcomes, replanning
from plugin.services.archive import archived_messages, find_message
from plugin.services.change_preview import preview_change
from plugin.services.context import Context
from plugin.services.deliver import anything_due, claim
from plugin.services.gone_orders import due_orders
from plugin.services.replanning import follow
from plugin.services.shop_work import work_off
from plugin.services.shops import find_shop
from plugin.services.sweep import anything_unprocessed
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from schemas.settings import Cap, QuietHours, ShopSettings, StepSettings
from tests.services.world import DOMAIN, World, compliance, consent, order, parcel, tracked

# Tables that hold a handful of rows whatever happens.
SMALL = {"shops", "clock", "leases"}


@contextmanager
def plans(database: Database) -> Iterator[list[tuple[str, str]]]:
    """(statement, step of its plan) of all that runs inside, as SQLite plans it with these very values."""
    found: list[tuple[str, str]] = []

    def explain(connection: Connection, cursor: Any, statement: str, values: Any, _: Any, many: bool) -> None:
        if re.match(r"(SELECT|UPDATE|DELETE|INSERT)", statement) and not many:
            driver = connection.connection.driver_connection
            assert driver is not None
            found.extend((statement, row[3]) for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    event.listen(database.engine, "before_cursor_execute", explain)
    yield found
    event.remove(database.engine, "before_cursor_execute", explain)


def scans(found: list[tuple[str, str]]) -> list[str]:
    """The steps that read a whole table."""
    bad = []
    for statement, step in found:
        table = re.match(r"SCAN (\w+)", step)
        if table and table[1] not in SMALL | {"CONSTANT"} and not table[1].startswith("anon_"):
            bad.append(f"{step}: {statement[:300]}")
    return bad


@pytest.fixture
def full(sqlite_context: Context) -> World:
    """A shop with rows of every kind; without statistics SQLite takes every table for a large one."""
    world = World(sqlite_context)
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    for number in range(1001, 1031):
        at = world.now
        world.receive("orders/create", order(at, number, customer={"id": number % 7 + 1}))
        world.receive("fulfillments/create", parcel(at, order_id=number))
        world.receive("fulfillment_events/create", tracked(at, order_id=number))
    world.ingest()
    return world


def test_what_runs_every_second(full: World) -> None:
    with plans(full.ctx.database) as found:
        anything_due(full.ctx)
        anything_unprocessed(full.ctx)
        claim(full.ctx, "token", 100)
        outcomes.recover_expired(full.ctx)
    assert len(found) >= 5
    assert scans(found) == []


def test_a_webhook_and_its_plan(full: World) -> None:
    with plans(full.ctx.database) as found:
        full.hook("orders/updated", order(full.now, 1001, financial_status="refunded"))
        full.hook("fulfillments/create", parcel(full.now, 2, order_id=1002))
        full.hook("customers_email_marketing_consent/update", consent(full.now, "unsubscribed"))
        full.hook("orders/create", order(full.now, 1999))
    assert scans(found) == []


def test_sending(full: World) -> None:
    full.configure(cap={"messages": 1, "days": 7})
    with plans(full.ctx.database) as found:
        full.send()
        full.walk(days=20)
    assert {"survey", "cross_sell"} & set(full.sink.steps())
    assert scans(found) == []


def test_keeping_house(full: World) -> None:
    """The receipts are walked by their ids; all else goes by an index, the archived messages of an order too."""
    full.walk(days=40)
    full.later(days=retention.MESSAGES.days)
    full.hook("orders/create", order(full.now, 1999))
    full.send()
    with plans(full.ctx.database) as found:
        housekeeping.prune(full.ctx)
    assert scans(found) == []
    (old, *_) = full.rows(Order, platform_id="1001")
    assert old.archived_at == full.now
    with plans(full.ctx.database) as found, full.ctx.database.reading() as session:
        (message, *_) = archived_messages(session, old.shop_id, old.id)
        assert find_message(session, message.id) is not None
    assert scans(found) == []


def test_erasing_what_is_archived(full: World) -> None:
    full.walk(days=40)
    full.later(days=retention.MESSAGES.days)
    full.hook("orders/create", order(full.now, 1999, customer={"id": 1}))
    full.send()
    housekeeping.prune(full.ctx)
    with plans(full.ctx.database) as found:
        full.hook("customers/redact", compliance(full.domain, 1, orders_to_redact=[1001]))
    assert scans(found) == []


def test_replanning_in_the_background(full: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "FEW", 0)
    monkeypatch.setattr(replanning, "BATCH", 20)
    with plans(full.ctx.database) as found:
        full.configure(marketing="soft_opt_in")
        while work_off(full.ctx):
            pass
    assert scans(found) == []
    # One way along the orders, without sorting all of them for each batch.
    sorted_whole = [s for s, step in found if "TEMP B-TREE FOR ORDER BY" in step and "orders.placed_at DESC" in s]
    assert sorted_whole == []


def test_previews(full: World) -> None:
    shop_id = full.row(Shop).id
    edited = ShopSettings(
        marketing="soft_opt_in", quiet_hours=QuietHours(start=time(8), end=time(10)), cap=Cap(messages=1, days=7),
        language="ko", delivery_days=9, steps={"survey": StepSettings(delay_minutes=5)},
    )  # fmt: skip
    with plans(full.ctx.database) as found, full.ctx.database.reading() as session:
        preview_change(session, full.ctx, shop_id, edited)
    assert scans(found) == []


def test_looking_for_deleted_orders(full: World) -> None:
    full.later(days=3, hours=23)
    with plans(full.ctx.database) as found:
        assert due_orders(full.ctx, full.row(Shop).id, 0, 250)
    assert scans(found) == []


def test_replanning_a_shop(full: World) -> None:
    with plans(full.ctx.database) as found, full.ctx.database.transaction() as session:
        shop = find_shop(session, DOMAIN)
        assert shop is not None
        follow(session, full.ctx, shop)
    assert scans(found) == []
