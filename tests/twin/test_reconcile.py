"""Webhooks that never come: after the hourly look nothing of the shop is missing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from plugin.app import create_app_from
from plugin.clock import VirtualClock
from plugin.config import ClockSetting
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Receipt
from tests.replay.servers import clean_environment
from tests.twin.server import SECRET, SHARED
from tests.twin.shop import SHOP, TwinShop

pytestmark = pytest.mark.shared
START, SPEED = datetime(2026, 11, 2, 9, tzinfo=UTC), 100_000.0
LEAD = 12.0  # real seconds until the replay's first order: it reads its data first


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """The longest of the twin's tests: on one database only."""
    return postgres_url


@pytest.fixture
def running(shop: TwinShop) -> Iterator[tuple[TwinShop, str, float]]:
    """The shop in virtual time, synchronised while it was empty; the address that takes its webhooks; the epoch."""
    shop.open_app()
    shop.synchronise()
    epoch = time.time() + LEAD
    clock = VirtualClock(ClockSetting(epoch, START, SPEED))
    ctx = dataclasses.replace(shop.ctx, clock=clock)
    ctx.__dict__["shopify"] = shop.ctx.shopify
    server: BaseWSGIServer = make_server("127.0.0.1", 0, create_app_from(ctx), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield dataclasses.replace(shop, ctx=ctx), f"http://127.0.0.1:{server.server_port}", epoch
    server.shutdown()
    thread.join()
    server.server_close()


def replay(running: tuple[TwinShop, str, float], folder: Path, lose: float, orders: int) -> list[dict[str, Any]]:
    """Play the lives of some orders, a share of the webhooks lost; the ledger of what happened."""
    shop, url, epoch = running
    ledger = folder / "ledger.jsonl"
    command = [
        sys.executable, "-m", "twin.replay", "--app-url", url, "--secret", SECRET, "--shop", SHOP, "--orders", orders,
        "--seed", 7, "--clock-epoch", epoch, "--clock-start", START.isoformat(), "--clock-speed", SPEED, "--days", 4,
        "--duplicate", 0.05, "--shuffle", 0.1, "--lose", lose, "--twin-url", shop.twin.url, "--ledger", ledger,
    ]  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], env=clean_environment() | {"PYTHONPATH": str(SHARED)}, timeout=300,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["lost"] > 0
    assert summary["given_up"] == 0
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def missing(shop: TwinShop, ledger: list[dict[str, Any]]) -> list[str]:
    """What the shop's ledger tells and we do not know."""
    rows = {row.platform_id: row for row in shop.rows(Order) if row.version}
    parcels = {row.platform_id: row for row in shop.rows(Parcel) if row.version}
    planned = {row.subject for row in shop.rows(Message) if row.step == "thank_you"}
    optouts = {row.address for row in shop.rows(Consent) if row.opted_out_at}
    found = []
    for life in ledger:
        ref, name = life["order_id"], life["name"]
        if ref not in rows:
            found.append(f"{name} itself")
            continue
        if life["kind"] in ("normal", "digital", "pos") and ref not in planned:
            found.append(f"{name}: no plan")
        for event in life["events"]:
            match event["what"]:
                case "cancelled" if not rows[ref].cancelled_at:
                    found.append(f"{name} cancelled")
                case "refunded" if not rows[ref].refunds:
                    found.append(f"{name} refunded")
                case "shipped" if event["fulfillment_id"] not in parcels:
                    found.append(f"{name} shipped")
                case "consent" if event["state"] == "unsubscribed" and life["email"].lower() not in optouts:
                    found.append(f"{name} unsubscribed")
        delivered = sum(event["what"] == "delivered" for event in life["events"])
        mine = [row for row in parcels.values() if row.order_id == rows[ref].id]
        if sum(row.delivered_at is not None for row in mine) < delivered:
            found.append(f"{name} delivered")
    return found


@pytest.mark.parametrize(("lose", "orders"), [(0.02, 120), (0.3, 60)])
def test_after_it_nothing_is_missing(
    running: tuple[TwinShop, str, float], tmp_path: Path, lose: float, orders: int
) -> None:
    ledger = replay(running, tmp_path, lose, orders)
    shop = running[0]
    shop.ingest()
    assert shop.count(Receipt, Receipt.state.in_(["failed", "rejected"])) == 0
    before = missing(shop, ledger)
    recovered = shop.reconcile()
    assert missing(shop, ledger) == []
    if lose > 0.1:
        assert before
        assert 0 < recovered <= orders
    read = len(shop.twin.calls("OrderById"))
    assert read == recovered, "only what was lost is read whole"
    assert shop.ctx.clock.now() - START > timedelta(days=4)
    # With nothing lost since, the next look brings nothing.
    assert shop.reconcile() == 0
