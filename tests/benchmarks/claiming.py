"""P3: claiming 500 due messages among ten million that wait, against the same among a hundred thousand."""

from __future__ import annotations

import random
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import text

from plugin.services.claims import claim
from plugin.services.context import Context
from tests.benchmarks.calendar import open_shop
from tests.benchmarks.harness import Options, Result, Stage, percentile, progress, stage

TITLE = "claiming what is due out of a long calendar"
DUE = 500
SHOPS = 100
FEW, MANY, SHORT = 100_000, 10_000_000, 1_000_000
CLAIMS = 8  # of each calendar in a round
BACKLOG = 50_000  # of one shop, while each of the others has 50
ROOM_NEEDED = 12 * 2**30  # bytes of disk

_FILL = """
INSERT INTO messages (id, shop_id, order_id, flow, step, subject, channel, copy, state, reason, message_class, due_at,
                      ready_at, parcels, estimated, attempts)
SELECT i, 1 + i % :shops, i, 'post_purchase',
       (ARRAY['survey', 'cross_sell', 'cross_sell_follow_up', 'shipped', 'delivered'])[1 + i % 5], i::text, 'email', 0,
       'planned', 'due later', 'service', at, at, '[]', false, 0
FROM (SELECT i, now() + interval '1 day' + random() * interval '60 days' AS at FROM generate_series(1, :count) i) rows
"""

_MAKE_DUE = """
UPDATE messages SET ready_at = now() - interval '1 minute'
WHERE id IN (SELECT id FROM messages WHERE shop_id = :id ORDER BY id LIMIT :most)
"""


@dataclass
class Calendar:
    """A database with so many waiting messages, of which 500 at random places become due for each claim."""

    ctx: Context
    count: int
    random: random.Random = field(default_factory=lambda: random.Random(7))
    times: list[float] = field(default_factory=list)

    def execute(self, *statements: str, **values: object) -> None:
        with self.ctx.database.engine.begin() as connection:
            # No orders stand behind the rows.
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                connection.execute(text(statement), values)

    def fill(self) -> None:
        """Indexes are built afterwards, since that is many times as fast."""
        with self.ctx.database.engine.connect() as connection:
            found = connection.execute(text(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'messages' AND indexname LIKE 'ix_%'"
            )).all()  # fmt: skip
        self.execute(*[f"DROP INDEX {row.indexname}" for row in found])
        self.execute(_FILL, count=self.count, shops=SHOPS)
        self.execute("SET LOCAL maintenance_work_mem = '512MB'", *[row.indexdef for row in found])
        with self.ctx.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE messages"))
            connection.execute(text("CHECKPOINT"))

    def claim(self) -> float:
        """Seconds that one claim of all that is due takes; everything is put back afterwards."""
        ids = self.random.sample(range(1, self.count + 1), DUE)
        self.execute("UPDATE messages SET ready_at = now() - interval '1 minute' WHERE id = ANY(:ids)", ids=ids)
        start = time.perf_counter()
        taken = claim(self.ctx, "benchmark", DUE)
        seconds = time.perf_counter() - start
        if sorted(taken) != sorted(ids):
            raise RuntimeError(f"{len(taken)} messages claimed instead of {DUE}")
        self.execute(
            "UPDATE messages SET state = 'planned', claim_token = NULL, lease_until = NULL, ready_at = due_at"
            " WHERE id = ANY(:ids)", ids=ids,
        )  # fmt: skip
        return seconds

    def backlog(self) -> list[float]:
        """Seconds of the claims of 50 out of a backlog, of which one shop has nearly all."""
        for shop_id, most in [(1, BACKLOG), *((number, 50) for number in range(2, 11))]:
            self.execute(_MAKE_DUE, id=shop_id, most=most)
        times = []
        for _ in range(20):
            start = time.perf_counter()
            claim(self.ctx, "backlog", 50)
            times.append(time.perf_counter() - start)
        return times


def make(here: Stage, count: int) -> Calendar:
    ctx = here.context(here.database())
    for number in range(1, SHOPS + 1):
        open_shop(ctx, number)
    start = time.perf_counter()
    calendar = Calendar(ctx, count)
    calendar.fill()
    for _ in range(3):
        calendar.claim()
    progress(f"{count:,} messages wait, after {time.perf_counter() - start:.0f} s")
    return calendar


def run(options: Options) -> list[Result]:
    long = SHORT if options.short else MANY
    with stage() as here:
        if shutil.disk_usage(here.folder).free < ROOM_NEEDED:
            raise RuntimeError("this benchmark needs 12 GB of disk; --short needs 2 GB")
        few, many = make(here, FEW), make(here, long)
        measure: dict[str, Callable[[], float]] = {"few": few.claim, "many": many.claim}
        times: dict[str, list[float]] = {"few": [], "many": []}
        medians: dict[str, list[float]] = {"few": [], "many": []}
        for number in range(options.rounds):
            for name in list(measure)[:: -1 if number % 2 else 1]:
                found = [measure[name]() for _ in range(CLAIMS)]
                times[name] += found
                medians[name].append(statistics.median(found))
            progress(f"round {number + 1}: {1000 * medians['few'][-1]:.1f} and {1000 * medians['many'][-1]:.1f} ms")
        backlog = many.backlog()
        for calendar in (few, many):
            calendar.ctx.database.dispose()
    ours, floor = 1000 * statistics.median(medians["many"]), 1000 * statistics.median(medians["few"])
    worst = 1000 * percentile(times["many"], 0.95)
    return [
        Result("P3", f"{DUE} due among {long:,}, against {FEW:,}", ours, floor, "ms", ours / floor, "≤ 1.5×",
               ours / floor <= 1.5),
        Result("P3", f"p95 of {len(times['many'])} claims", worst, 1000 * percentile(times["few"], 0.95), "ms", None,
               "< 25 ms", worst < 25),
        Result("P3", f"a fair claim of 50, {BACKLOG:,} due in one shop and 50 in each of nine",
               1000 * statistics.median(backlog), None, "ms", None, "", None,
               f"p95 {1000 * percentile(backlog, 0.95):.1f} ms"),
    ]  # fmt: skip
