"""The first synchronisation against the twin: real baskets, throttling, failures, and a worker that is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest

from plugin.config import Settings
from plugin.platforms.shopify.admin import document, documents
from plugin.services.errands import FIRST_SYNC
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.shops import Shop
from tests.replay.servers import ROOT
from tests.twin.lives import records
from tests.twin.shop import SHOP, TwinShop

pytestmark = pytest.mark.shared
WORKER = """
import sys
from datetime import datetime
from pathlib import Path
from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.queues import Queues
from plugin.services.context import Context
from plugin.services.shop_work import work_off
from plugin.store.session import Database
url, key, admin, now = sys.argv[1:]
settings = Settings(database_url=url, redis_url="unix:///nowhere", data_dir=Path("."), secret_key="x" * 40,
                    public_url="http://127.0.0.1:8000", encryption_keys=(key,), shopify_api_key="test-key",
                    shopify_api_secret="a-shopify-secret-of-the-tests-000", shopify_admin_url=admin)
ctx = Context(settings, Database(url), FixedClock(datetime.fromisoformat(now)), Queues(settings.redis_url))
while True:
    work_off(ctx)
"""


@pytest.fixture
def month(shop: TwinShop) -> dict[str, list[dict[str, Any]]]:
    """Sixty orders of last month, told to the twin only."""
    told = records(60, SHOP, shop.ctx.clock.now() - timedelta(days=40), days=14)
    shop.twin.seed(**told)
    return told


def judge(shop: TwinShop, told: dict[str, list[dict[str, Any]]]) -> None:
    """What the shop's records say is what we know, and nothing is to be sent."""
    orders = {str(order["id"]): order for order in told["orders"]}
    rows = {row.platform_id: row for row in shop.rows(Order)}
    assert set(rows) == set(orders)
    for ref, order in orders.items():
        row = rows[ref]
        assert (row.financial_status, row.test, row.source_name) == (
            order["financial_status"], order["test"], order["source_name"]), ref  # fmt: skip
        assert bool(row.cancelled_at) == bool(order["cancelled_at"])
        assert [line["quantity"] for line in row.lines] == [line["quantity"] for line in order["line_items"]]
        assert [line["current_quantity"] for line in row.lines] == [
            line["current_quantity"] for line in order["line_items"]]  # fmt: skip
        assert row.total_minor == round(float(order["total_price"]) * 100)
        assert len(row.refunds) == len(order["refunds"])
    parcels = {str(parcel["id"]): parcel for order in told["orders"] for parcel in order["fulfillments"]}
    stored = {row.platform_id: row for row in shop.rows(Parcel)}
    assert set(stored) == set(parcels)
    for ref, parcel in parcels.items():
        assert bool(stored[ref].delivered_at) == (parcel["shipment_status"] == "delivered")
        assert [tuple(pair) for pair in stored[ref].lines] == [
            (str(line["id"]), line["quantity"]) for line in parcel["line_items"]]  # fmt: skip
    assert shop.count(Product) == len(told["products"])
    assert shop.count(Consent, Consent.subscribed_at.is_not(None)) >= sum(
        customer["email_marketing_consent"]["state"] == "subscribed" for customer in told["customers"])  # fmt: skip
    assert shop.count(Purchase) > 100
    assert shop.count(Message) == 0


def test_all_is_there_and_nothing_is_sent(shop: TwinShop, month: dict[str, list[dict[str, Any]]]) -> None:
    shop.open_app()
    shop.synchronise()
    judge(shop, month)
    (found,) = shop.rows(Shop)
    assert (found.name, found.timezone, found.currency) == ("Demo", "Europe/London", "GBP")
    assert "read_orders" in found.scopes


def test_throttled_and_failing_it_takes_longer(shop: TwinShop, month: dict[str, list[dict[str, Any]]]) -> None:
    shop.open_app()
    shop.twin.faults(throttle=0.15, http500=0.15, slow_ms=5)
    shop.synchronise()
    outcomes = {call["outcome"] for call in shop.twin.calls()}
    assert {"THROTTLED", "http 500", "ok"} <= outcomes
    judge(shop, month)


@pytest.mark.parametrize("options", [["--bucket", 1000, "--restore-rate", 4000]])
def test_a_small_bucket_is_never_overdrawn(shop: TwinShop, month: dict[str, list[dict[str, Any]]]) -> None:
    shop.open_app()
    shop.synchronise(hurried=False)
    judge(shop, month)
    outcomes = [call["outcome"] for call in shop.twin.calls()]
    assert outcomes.count("THROTTLED") <= 2
    assert "MAX_COST_EXCEEDED" not in outcomes


def test_a_killed_worker_is_followed_by_another(
    shop: TwinShop, month: dict[str, list[dict[str, Any]]], twin_settings: Settings
) -> None:
    shop.open_app()
    shop.twin.faults(slow_ms=60)
    (key,) = twin_settings.encryption_keys
    command = [sys.executable, "-c", WORKER, twin_settings.database_url, key, shop.twin.url,
               shop.ctx.clock.now().isoformat()]  # fmt: skip
    end = time.monotonic() + 90
    for wanted in (8, 24):
        worker = subprocess.Popen(command, cwd=ROOT)
        while shop.count(Order) < wanted and time.monotonic() < end:
            time.sleep(0.02)
        worker.kill()
        worker.wait()
        assert wanted <= shop.count(Order) < 60
        shop.lease_is_over(FIRST_SYNC)
    shop.twin.faults()
    shop.synchronise()
    judge(shop, month)
    pages = len([call for call in shop.twin.calls("OrdersPage") if call["outcome"] == "ok"])
    assert pages <= 60 / 4 + 2 * 2, "a kill costs the page under way"


def test_every_document_is_one_that_the_twin_takes(shop: TwinShop) -> None:
    """Validated by the twin against the full schema too, and within the cost of one call."""
    assert len(documents()) > 10
    assert all(document(name).count("{") == document(name).count("}") for name in documents())
    shop.open_app()
    shop.synchronise()
    shop.reconcile()
    named = {call["operation"] for call in shop.twin.calls()}
    assert {"ShopFacts", "OrdersPage", "ProductsPage", "CustomersPage", "OrdersChanged"} <= named
