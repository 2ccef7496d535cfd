"""A context whose Shopify is the twin's, and a shop that knows neither orders nor customers yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.config import Settings
from plugin.services.context import Context
from plugin.services.shops import register
from tests.support.fakes import RecordingQueues
from tests.twin.server import NEEDS, Twin
from tests.twin.shop import SHOP, TwinShop


@pytest.fixture(scope="session", autouse=True)
def needs() -> None:
    if NEEDS:
        pytest.skip(NEEDS)


@pytest.fixture
def options() -> list[object]:
    """Of the twin: a bucket that is no bottleneck, unless a test says otherwise."""
    return ["--bucket", 100_000, "--restore-rate", 10_000]


@pytest.fixture
def twin(tmp_path: Path, options: list[object]) -> Iterator[Twin]:
    twin = Twin([SHOP], tmp_path, *options)
    try:
        yield twin.start()
    finally:
        twin.stop()


@pytest.fixture
def twin_settings(settings: Settings, database_url: str, twin: Twin) -> Settings:
    return dataclasses.replace(settings, database_url=database_url, shopify_admin_url=twin.url)


@pytest.fixture
def shop(context: Context, twin: Twin, twin_settings: Settings) -> Iterator[TwinShop]:
    """On both databases, at the fixed time of the tests."""
    ctx = Context(twin_settings, context.database, context.clock, RecordingQueues())
    with ctx.database.transaction() as session:
        shop_id = register(session, SHOP, ctx.clock.now()).id
    yield TwinShop(ctx, twin, shop_id)
    ctx.shopify.close()
