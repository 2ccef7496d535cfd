"""A shop with ninety days behind it: orders, messages and what came of them, for the pages of numbers."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from plugin.services.context import Context
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Click, Message
from tests.benchmarks.season import fill_season

SENT = {"thank_you": 1.0, "shipped": 0.95, "delivered": 0.9, "survey": 0.8, "cross_sell": 0.45,
        "cross_sell_follow_up": 0.4}  # fmt: skip
DAYS_AFTER = {"thank_you": 0.0, "shipped": 1.5, "delivered": 5.0, "survey": 9.0, "cross_sell": 10.0,
              "cross_sell_follow_up": 13.0}  # fmt: skip


def fill_numbers(ctx: Context, shop_id: int, orders: int, now: datetime, seed: int = 5) -> None:
    """`orders` orders and their messages, some opened, clicked and answered with an unsubscription."""
    fill_season(ctx, shop_id, orders, now)
    dice = random.Random(seed)
    base = shop_id * 10_000_000
    tables: dict[type[Any], list[dict[str, Any]]] = {Message: [], Open: [], Click: [], Reaction: []}
    for number in range(orders):
        placed = now - timedelta(days=dice.uniform(0, 90))
        for place, (step, share) in enumerate(SENT.items()):
            at = placed + timedelta(days=DAYS_AFTER[step])
            if at > now or dice.random() > share:
                continue
            id_ = base + number * 10 + place
            tables[Message].append({
                "id": id_, "shop_id": shop_id, "order_id": base + number, "customer_id": base + number * 2 // 3,
                "flow": "post_purchase", "step": step, "subject": str(id_), "channel": "email", "copy": 0,
                "state": "sent", "reason": "sent", "message_class": "service", "parcels": [], "estimated": False,
                "attempts": 1, "sent_at": at,
            })  # fmt: skip
            _came_of_it(dice, tables, {"shop_id": shop_id, "message_id": id_}, step, at)
    with ctx.database.transaction() as session:
        for model, rows in tables.items():
            for start in range(0, len(rows), 2000):
                session.execute(insert(model), rows[start : start + 2000])


def _came_of_it(
    dice: random.Random, tables: dict[type[Any], list[dict[str, Any]]], mine: dict[str, Any], step: str, at: datetime
) -> None:
    soon = at + timedelta(hours=dice.uniform(0.1, 20))
    if step.startswith("cross_sell") and dice.random() < 0.5:
        opened = {**mine, "at": soon, "last_at": soon, "times": 1}
        tables[Open].append(opened | {"by_machine": dice.random() < 0.3})
        if dice.random() < 0.25:
            tables[Click].append({**mine, "target": "https://x/", "at": soon, "by_scanner": False})
    draw = dice.random()
    if draw < 0.01:
        tables[Reaction].append({**mine, "kind": "unsubscribed" if draw < 0.007 else "bounced", "at": soon})
