"""The merchant's lists over a million messages: each page against fifty rows read by their primary keys."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.issue_view import failed_messages
from plugin.services.message_list import Mark, Wanted, find_messages
from plugin.services.order_search import Cursor, find_orders
from plugin.services.order_view import order_view
from plugin.services.shops import add_shop, configure
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from tests.benchmarks.harness import Options, Result, Stage, percentile, progress, stage

TITLE = "lists of orders and messages over a million messages (the floor: fifty orders by their ids)"
MESSAGES, SHORT = 1_000_000, 30_000
PER_ORDER = 6
LIMIT = 100.0  # ms
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)

# Orders over two years, the newest the last. Names are drawn unevenly: one in eight is a Kim.
_ORDERS = """
INSERT INTO orders (shop_id, platform_id, version, first_heard_at, told_at, placed_at, name, email, address, first_name,
  last_name, locale, country_code, financial_status, test, pickup, total_minor, currency, lines, refunds, edits)
SELECT :shop, n::text, '1', at, at, at, '#' || (1000 + n), 'buyer' || (n % 60000) || '@example.com',
  'buyer' || (n % 60000) || '@example.com',
  (ARRAY['Jane','John','Anna','Minji','Sofia','Liam','Noah','Emma'])[1 + n % 8],
  (ARRAY['Kim','Doe','Smith','Lee','Park','Garcia','Brown','Jones'])[1 + (n / 8) % 8] ||
    CASE WHEN n % 3 = 0 THEN '' ELSE (n % 900)::text END,
  'en', 'DE', 'paid', false, false, 1900, 'EUR', '[]', '{}', '{}'
FROM (SELECT n, CAST(:now AS timestamptz) - make_interval(secs => (:orders - n) * (63072000.0 / :orders)) AS at
      FROM generate_series(1, :orders) n) made
"""
_MESSAGES = """
INSERT INTO messages (shop_id, order_id, flow, step, subject, channel, copy, state, reason, message_class, due_at,
  ready_at, parcels, estimated, attempts, sent_at, address)
SELECT o.shop_id, o.id, 'post_purchase', step, o.platform_id, 'email', 0, state, 'because', 'transactional',
  o.placed_at + gap, CASE WHEN state = 'planned' THEN o.placed_at + gap END, '[]', false, 0,
  CASE WHEN state = 'sent' THEN o.placed_at + gap END, o.address
FROM (
  SELECT o.*, step, k * interval '2 days' AS gap,
    CASE WHEN (o.id * 7 + k) % 997 = 0 THEN 'failed' WHEN k >= 4 AND o.id % 10 < 7 THEN 'withheld'
         WHEN (o.id + k) % 25 = 0 THEN 'cancelled'
         WHEN o.placed_at + k * interval '2 days' > :now AND k % 2 = 0 THEN 'planned'
         WHEN o.placed_at + k * interval '2 days' > :now THEN 'waiting' ELSE 'sent' END AS state
  FROM orders o,
    unnest(ARRAY['thank_you','shipped','delivered','survey','cross_sell','cross_sell_follow_up'])
      WITH ORDINALITY AS steps(step, ordinal), LATERAL (SELECT (ordinal - 1)::int AS k) numbered
  WHERE o.shop_id = :shop
) o
"""


def run(options: Options) -> list[Result]:
    count = SHORT if options.short else MESSAGES
    with stage() as here:
        ctx, shop_id = fill(here, count // PER_ORDER)
        try:
            return measure(ctx, shop_id, _lists(ctx, shop_id), options.rounds * 4)
        finally:
            ctx.database.dispose()
            ctx.queues.redis.close()


def fill(here: Stage, orders: int) -> tuple[Context, int]:
    """A shop with so many orders and six messages of each; its context and id."""
    ctx = here.context(here.database())
    with ctx.database.transaction() as session:
        shop = add_shop(session, ctx, "lists.myshopify.com", live=True, name="Lists")
        configure(session, ctx, shop.domain, {"brand": {"legal_name": "L", "postal_address": "1 Road"}})
        values = {"shop": shop.id, "orders": orders, "now": NOW}
        progress(f"{orders:,} orders")
        session.execute(text(_ORDERS), values)
        progress(f"{orders * PER_ORDER:,} messages")
        session.execute(text(_MESSAGES), values)
        shop_id = shop.id
    with ctx.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return ctx, shop_id


def measure(
    ctx: Context, shop_id: int, lists: dict[str, Callable[[Session], Any]], rounds: int, limit: float = LIMIT
) -> list[Result]:
    """Each list against fifty orders by their ids, read in the same rounds. `limit`: ms, for 95 of 100."""
    with ctx.database.reading() as session:
        ids = list(session.scalars(select(Order.id).where(Order.shop_id == shop_id).limit(50)))
    floor: list[float] = []
    measured: dict[str, list[float]] = {name: [] for name in lists}
    for number in range(rounds + 1):
        for name, read in lists.items():
            took = _time(ctx, read)
            by_ids = _time(ctx, lambda session: session.scalars(select(Order).where(Order.id.in_(ids))).all())
            if number:  # the first round warms statements and pages
                measured[name].append(took)
                floor.append(by_ids)
    base = statistics.median(floor)
    results = []
    for name, times in measured.items():
        middle = statistics.median(times)
        results.append(Result(name="L", what=name, ours=middle, floor=base, unit="ms", ratio=middle / base,
                              reach=f"< {limit:.0f} ms", reached=percentile(times, 0.95) < limit,
                              note=f"95 of 100 within {percentile(times, 0.95):.1f} ms"))  # fmt: skip
    return results


def _time(ctx: Context, read: Callable[[Session], Any]) -> float:
    """A page's queries in a session of their own, in ms."""
    begun = time.perf_counter()
    with ctx.database.reading() as session:
        read(session)
    return (time.perf_counter() - begun) * 1000


def _lists(ctx: Context, shop_id: int) -> dict[str, Callable[[Session], Any]]:
    with ctx.database.reading() as session:
        order_id, placed_at = session.execute(
            select(Order.id, Order.placed_at).where(Order.shop_id == shop_id).order_by(Order.id).limit(1)
        ).one()
        middle = session.execute(
            select(Message.id, Message.sent_at).where(Message.shop_id == shop_id, Message.sent_at.is_not(None))
            .order_by(Message.sent_at).limit(1)
        ).one()  # fmt: skip
    long_ago, month = Cursor(placed_at + timedelta(days=60), order_id), NOW - timedelta(days=30)

    def messages(after: Mark | None = None, **wanted: Any) -> Callable[[Session], Any]:
        return lambda session: find_messages(session, shop_id, Wanted(**wanted), after)

    def orders(words: str, after: Cursor | None = None) -> Callable[[Session], Any]:
        return lambda session: find_orders(session, shop_id, words, after)

    return {
        "orders, the newest": orders(""),
        "orders, a page of long ago": orders("", long_ago),
        "search: an order's number": orders("12345"),
        "search: one digit": orders("1"),
        "search: an address": orders("buyer4242@example.com"),
        "search: the beginning of every address": orders("buyer"),
        "search: a family name of an eighth": orders("kim"),
        "search: first and last name": orders("minji kim"),
        "search: nothing": orders("zzz"),
        "an order's page": lambda session: order_view(session, ctx, shop_id, order_id),
        "messages planned": messages(state="planned"),
        "messages planned, a step, 30 days": messages(
            state="planned", step="delivered", until=NOW + timedelta(days=30)
        ),
        "messages sent": messages(state="sent"),
        "messages sent, long ago": messages(Mark(middle.sent_at + timedelta(days=60), middle.id), state="sent"),
        "messages sent, a rare step": messages(state="sent", step="cross_sell_follow_up"),
        "messages waiting": messages(state="waiting"),
        "messages withheld": messages(state="withheld"),
        "messages withheld, a step that has none": messages(state="withheld", step="thank_you"),
        "messages withheld, 30 days": messages(state="withheld", since=month),
        "messages cancelled, 30 days, a step": messages(state="cancelled", step="shipped", since=month),
        "messages withheld, a day that had none": messages(
            state="withheld", since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)
        ),
        "failed messages of the desk": lambda session: failed_messages(session, shop_id),
    }
