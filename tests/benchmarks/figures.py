"""The page of figures of a shop with a million messages, against reading one day's messages; and counting its days."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import text

from plugin.domain.figures import bounds
from plugin.services.context import Context
from plugin.services.figure_days import roll_up_shop
from plugin.services.figures import figures
from tests.benchmarks.calendar import open_shop
from tests.benchmarks.harness import Options, Result, in_turns, percentile, progress, stage

TITLE = "figures of a year of a shop's messages, PostgreSQL"
MESSAGES, SHORT = 1_000_000, 50_000
LONGEST = 300.0  # ms

# A year of orders, one of each customer every six days, with four messages each, of which a third were opened, a tenth
# clicked, and one in 200 made somebody unsubscribe.
_FILL = """
INSERT INTO customers (id, shop_id, platform_id)
  SELECT n, :shop, n FROM generate_series(1, :orders / 60) n;
INSERT INTO orders (id, shop_id, platform_id, version, first_heard_at, placed_at, name, address, customer_id,
                    total_minor, currency, test, pickup, lines, refunds, edits)
  SELECT n, :shop, n, '1', at, at, '#' || n, 'c' || n % (:orders / 60) || '@mail.example', 1 + n % (:orders / 60), 2500,
         'EUR', false, false, '[]', '{}', '{}'
  FROM (SELECT n, now() - interval '365 days' * n / :orders AS at FROM generate_series(1, :orders) n) placed;
INSERT INTO messages (id, shop_id, order_id, customer_id, flow, step, subject, channel, copy, state, reason,
                      message_class, parcels, estimated, attempts, sent_at)
  SELECT n, :shop, o.id, o.customer_id, 'post_purchase',
         (ARRAY['thank_you', 'shipped', 'delivered', 'survey'])[1 + n % 4], n, 'email', 0, 'sent', 'sent',
         'service', '[]', false, 1, least(o.placed_at + interval '2 days' * (n % 4), now())
  FROM generate_series(1, :orders * 4) n JOIN orders o ON o.id = 1 + n / 4 AND o.shop_id = :shop;
INSERT INTO opens (shop_id, message_id, by_machine, at, last_at, times)
  SELECT :shop, id, id % 2 = 0, sent_at + interval '1 hour', sent_at + interval '1 hour', 1
  FROM messages WHERE id % 3 = 0;
INSERT INTO clicks (shop_id, message_id, target, at, by_scanner)
  SELECT :shop, id, 'https://shop.example/', sent_at + interval '2 hours', false FROM messages WHERE id % 10 = 0;
INSERT INTO reactions (shop_id, message_id, kind, at)
  SELECT :shop, id, 'unsubscribed', sent_at + interval '3 hours' FROM messages WHERE id % 200 = 0;
INSERT INTO figure_days (shop_id, day, step, sent, bounced, opened, machine_opened, clicked, unsubscribed, complained,
                         orders, revenue)
  SELECT :shop, date(sent_at), step, count(*), 0, 9, 9, 9, 1, 0, 3, '{"EUR": 7500}' FROM messages
  WHERE sent_at < now() - interval '30 days' GROUP BY 2, 3;
INSERT INTO figure_runs (shop_id, through, seen_at)
  SELECT :shop, max(day), now() - interval '1 hour' FROM figure_days
"""


def run(options: Options) -> list[Result]:
    count = SHORT if options.short else MESSAGES
    with stage() as here:
        ctx = here.context(here.database())
        shop_id = open_shop(ctx)
        _fill(ctx, shop_id, count // 4)
        first = _timed(lambda: roll_up_shop(ctx, shop_id))
        progress(f"{count:,} messages, a month counted in {first:.1f} s")
        found = figures(ctx, shop_id, "months")
        again = statistics.median(_timed(lambda: roll_up_shop(ctx, shop_id)) for _ in range(3))
        variants: dict[str, Callable[[int], float]] = {
            period: lambda _, period=period: 1000 * _timed(lambda: figures(ctx, shop_id, period))  # type: ignore[misc]
            for period in ("7", "30", "90", "months")
        }
        variants["floor"] = lambda _: 1000 * _timed(lambda: _one_day(ctx, shop_id))
        times = in_turns(max(options.rounds, 3) * 3, variants)
        ctx.database.dispose()
    floor = statistics.median(times.pop("floor"))
    return [
        *(
            Result("F", f"period {period} of {count:,} messages", statistics.median(took), floor, "ms", None,
                   f"< {LONGEST:.0f} ms", percentile(took, 0.95) < LONGEST, f"p95 {percentile(took, 0.95):.1f} ms")
            for period, took in times.items()
        ),
        Result("F", "housekeeping's hourly count", again, None, "s", None, "", None,
               f"the first, of a month: {first:.1f} s; {found.total.orders:,} orders credited"),
    ]  # fmt: skip


def _fill(ctx: Context, shop_id: int, orders: int) -> None:
    with ctx.database.engine.begin() as connection:
        for statement in _FILL.split(";\n"):
            connection.execute(text(statement), {"shop": shop_id, "orders": orders})
    with ctx.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _one_day(ctx: Context, shop_id: int) -> None:
    today = ctx.clock.now().date()
    start, end = bounds(today, today, ZoneInfo("UTC"))
    mine = "shop_id = :shop AND sent_at >= :a AND sent_at < :b"
    query = text(f"SELECT step, count(*) FROM messages WHERE {mine} GROUP BY 1")  # noqa: S608
    with ctx.database.reading() as session:
        session.execute(query, {"shop": shop_id, "a": start, "b": end}).all()


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
