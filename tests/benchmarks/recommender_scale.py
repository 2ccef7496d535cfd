"""A large shop's training and look-ups: 100,000 products and 2 million order lines, SQLite, a process of their own."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy import select

from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services.context import Context
from plugin.services.recommend import recommend
from plugin.services.recommender.learned import Learned
from plugin.store import migrate
from plugin.store.models.recommender import ProductList
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from tests.benchmarks.harness import Options, Result, progress
from tests.benchmarks.retail import Basket, Retail, open_shop
from tests.replay.servers import ROOT, clean_environment
from tests.support.fakes import RecordingQueues
from tests.support.training import learn

TITLE = "recommendations: training a large shop, and looking up what goes with an order, SQLite"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
PRODUCTS, LINES = 100_000, 2_000_000
EACH = 4  # products of an order
LOOKS = 500
MOST_MB, MOST_SECONDS, MOST_MS = 2048, 600, 1.0


def run(options: Options) -> list[Result]:
    products, lines = (5_000, 50_000) if options.short else (PRODUCTS, LINES)
    with tempfile.TemporaryDirectory() as folder:
        ctx = _context(Path(folder))
        migrate.upgrade(ctx.database)
        shop_id = open_shop(ctx, _sold(products, lines))
        ctx.database.dispose()
        progress(f"{lines:,} lines of {products:,} products are there")
        here = (sys.executable, "-m", "tests.benchmarks.recommender_scale", folder, str(shop_id))
        done = subprocess.run(here, cwd=ROOT, env=clean_environment(), check=True, stdout=subprocess.PIPE)
        told = json.loads(done.stdout)
    what = f"{products:,} products, {lines:,} order lines"
    return [
        Result("S", f"training, {what}", told["seconds"], None, "s", None, f"< {MOST_SECONDS} s",
               told["seconds"] < MOST_SECONDS, f"in {told['turns']:.0f} turns"),
        Result("S", "its process's most memory", told["mb"], None, "MB", None, f"< {MOST_MB} MB", told["mb"] < MOST_MB),
        Result("S", "a look-up of what goes with a product, median", told["ms"], told["floor"], "ms",
               told["ms"] / told["floor"], f"< {MOST_MS:g} ms", told["ms"] < MOST_MS,
               f"floor: one row by its key; 95 of 100 within {told['p95']:.2f} ms"),
        Result("S", "four suggestions for an order of one product, checked for stock and mixed", told["ms1"],
               told["floor"], "ms", told["ms1"] / told["floor"]),
        Result("S", "the same for an order of four", told["ms4"], told["floor"], "ms", told["ms4"] / told["floor"]),
    ]  # fmt: skip


def _context(folder: Path) -> Context:
    settings = Settings(
        database_url="sqlite://", redis_url="unix:///nowhere", data_dir=folder, public_url="http://127.0.0.1",
        secret_key="s" * 48, encryption_keys=(),
    )  # fmt: skip
    return Context(settings, Database(f"sqlite:///{folder}/shop.db"), FixedClock(NOW), RecordingQueues())


def _sold(products: int, lines: int) -> Retail:
    """A few products sell much and most little, in groups that are bought together more often than chance has it."""
    draw = np.random.default_rng(1)
    orders = lines // EACH
    first = (products * draw.random(orders) ** 3).astype(int)
    near = (first[:, None] + draw.integers(1, 20, (orders, EACH - 1))) % products
    names = [f"p{number:06d}" for number in range(products)]
    baskets = []
    for place, (one, others) in enumerate(zip(first.tolist(), near.tolist(), strict=True)):
        codes = tuple(names[number] for number in dict.fromkeys((one, *others)))
        baskets.append(Basket(NOW - timedelta(days=365 * (1 - place / orders)), codes))
    titles = {name: f"Thing {number % 997} of sort {number % 61}" for number, name in enumerate(names)}
    return Retail(baskets, titles, {name: 500 + number % 9000 for number, name in enumerate(names)})


def measure(folder: Path, shop_id: int) -> dict[str, float]:
    """Train and look up, in this process alone."""
    ctx = _context(folder)
    began = time.perf_counter()
    turns = learn(ctx, shop_id)
    told = {"turns": float(turns), "seconds": time.perf_counter() - began}
    told["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    draw = np.random.default_rng(2)
    asked = [f"p{number:06d}" for number in (5_000 * draw.random(LOOKS + EACH) ** 3).astype(int)]
    with ctx.database.reading() as session:
        shop = session.get_one(Shop, shop_id)
        held = session.execute(select(ProductList.generation, ProductList.key).limit(1)).one()
        by_key = select(ProductList.packed).where(
            ProductList.shop_id == shop_id, ProductList.generation == held.generation, ProductList.key == held.key
        )
        looks: list[float] = []
        singles: list[float] = []
        fours: list[float] = []
        floors: list[float] = []
        for place in range(LOOKS):
            seeds = asked[place : place + 1]
            looks.append(_ms(lambda seeds=seeds: Learned(session, shop, seeds, None).together(())))
            for taken, many in ((singles, 1), (fours, EACH)):
                seeds = asked[place : place + many]
                taken.append(_ms(partial(recommend, session, shop, exclude=(), seeds=seeds, rate=False)))
            floors.append(_ms(partial(session.scalar, by_key)))
    told |= {"ms": statistics.median(looks), "p95": sorted(looks)[int(0.95 * LOOKS)]}
    told |= {"ms1": statistics.median(singles), "ms4": statistics.median(fours)}
    return told | {"floor": statistics.median(floors)}


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
