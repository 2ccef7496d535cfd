"""Rehearsing ninety days of 18,000 orders, against loading the rows that it needs."""

from __future__ import annotations

import gc
import statistics
import time

from sqlalchemy import select

from jobs.collector import settle
from plugin.services.context import Context
from plugin.services.rehearsal import _ORDER, _PARCEL, Progress, rehearse
from plugin.store.models.customers import Consent
from plugin.store.models.orders import Order, Parcel
from schemas.settings import ShopSettings
from tests.benchmarks.calendar import open_shop
from tests.benchmarks.harness import Options, Result, in_turns, progress, stage
from tests.benchmarks.season import fill_season

TITLE = "a rehearsal of 90 days, PostgreSQL, one process"
ORDERS, SHORT = 18_000, 2_000
LONGEST = 5.0  # seconds
SLICE = 0.7  # seconds after which a page's request hands back what it has


def run(options: Options) -> list[Result]:
    orders = SHORT if options.short else ORDERS
    with stage() as here:
        ctx = here.context(here.database())
        shop_id = open_shop(ctx)
        fill_season(ctx, shop_id, orders, ctx.clock.now())
        progress(f"{orders:,} orders")
        messages = rehearse(ctx, shop_id, ShopSettings()).tally.sent
        slices: list[float] = []
        before = gc.get_threshold()
        settle()  # as the web process does once it has started
        times = in_turns(
            options.rounds,
            {
                "ours": lambda _: _whole(ctx, shop_id),
                "in slices": lambda _: _in_slices(ctx, shop_id, slices),
                "floor": lambda _: _load(ctx, shop_id),
            },
        )
        gc.unfreeze()
        gc.set_threshold(*before)
        ctx.database.dispose()
    ours, sliced, floor = (statistics.median(times[name]) for name in ("ours", "in slices", "floor"))
    what = f"{orders:,} orders at once"
    return [
        Result("R", what, ours, floor, "s", ours / floor, f"< {LONGEST:.0f} s", ours < LONGEST,
               f"{messages:,} messages rehearsed; the floor loads the same rows of orders, parcels and consents"),
        Result("R", "the same in requests of a page, with what it hands over", sliced, floor, "s", sliced / floor,
               f"< {LONGEST:.0f} s", sliced < LONGEST, f"the longest request took {max(slices):.2f} s"),
    ]  # fmt: skip


def _whole(ctx: Context, shop_id: int) -> float:
    start = time.perf_counter()
    rehearse(ctx, shop_id, ShopSettings())
    return time.perf_counter() - start


def _in_slices(ctx: Context, shop_id: int, slices: list[float]) -> float:
    start = time.perf_counter()
    so_far: Progress | None = None
    while so_far is None or not so_far.finished:
        began = time.perf_counter()
        so_far = rehearse(ctx, shop_id, ShopSettings(), so_far and Progress.load(so_far.dump()), SLICE)
        slices.append(time.perf_counter() - began)
    return time.perf_counter() - start


def _load(ctx: Context, shop_id: int) -> float:
    start = time.perf_counter()
    with ctx.database.reading() as session:
        session.execute(select(*_ORDER).where(Order.shop_id == shop_id)).all()
        session.execute(select(*_PARCEL).where(Parcel.shop_id == shop_id)).all()
        session.execute(select(Consent.address, Consent.subscribed_at).where(Consent.shop_id == shop_id)).all()
    return time.perf_counter() - start
