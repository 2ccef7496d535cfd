"""Ninety days of a shop: orders of new and returning customers, parcels and consents, inserted as rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from plugin.services.context import Context
from plugin.store.models.customers import Consent, Customer
from plugin.store.models.orders import Order, Parcel

DAYS = 90
AT_ONCE = 3000
COUNTRIES = ("KR", "KR", "KR", "DE", "GB", "US")
CARRIERS = ("CJ Logistics", "DHL", "UPS")


def fill_season(ctx: Context, shop_id: int, orders: int, now: datetime, seed: int = 11) -> None:
    """`orders` orders of the 90 days before `now`, by about two thirds as many customers."""
    dice = random.Random(seed)
    customers = max(1, orders * 2 // 3)
    base = shop_id * 10_000_000
    with ctx.database.transaction() as session:
        for start in range(0, customers, AT_ONCE):
            ids = range(base + start, base + min(start + AT_ONCE, customers))
            session.execute(insert(Customer), [
                {"id": id_, "shop_id": shop_id, "platform_id": str(id_), "email": _address(id_)} for id_ in ids
            ])  # fmt: skip
            words = [_consent(dice, shop_id, id_, now) for id_ in ids]
            session.execute(insert(Consent), [word for word in words if word])
        for start in range(0, orders, AT_ONCE):
            rows = [
                _order(dice, shop_id, base + number, base + dice.randrange(customers), now)
                for number in range(start, min(start + AT_ONCE, orders))
            ]
            session.execute(insert(Order), rows)
            parcels = [parcel for row in rows for parcel in _parcels(dice, row, now)]
            session.execute(insert(Parcel), parcels)


def _address(id_: int) -> str:
    return f"customer{id_}@mail.example"


def _consent(dice: random.Random, shop_id: int, id_: int, now: datetime) -> dict[str, Any] | None:
    draw = dice.random()
    if draw > 0.55:
        return None
    at = now - timedelta(days=dice.uniform(90, 400))
    row = {"shop_id": shop_id, "channel": "email", "address": _address(id_)}
    return row | {"subscribed_at": None if draw > 0.5 else at, "opted_out_at": at if draw > 0.5 else None}


def _order(dice: random.Random, shop_id: int, id_: int, customer_id: int, now: datetime) -> dict[str, Any]:
    placed = now - timedelta(days=dice.uniform(0, DAYS))
    draw = dice.random()
    lines = [
        {"line_id": f"{id_}-{key}", "title": f"Green tea No. {key}", "quantity": dice.choice((1, 1, 2)),
         "current_quantity": None, "requires_shipping": draw > 0.05, "product_id": str(7000 + key),
         "variant_id": str(key), "variant_title": "100 g", "gift_card": False, "price": [900 + key, "EUR"]}
        for key in dice.sample(range(40), dice.choice((1, 1, 2, 3)))
    ]  # fmt: skip
    return {
        "id": id_, "shop_id": shop_id, "platform_id": str(id_), "customer_id": customer_id, "version": "1",
        "first_heard_at": placed, "placed_at": placed, "name": f"#{id_ % 10_000_000}",
        "address": None if draw > 0.98 else _address(customer_id), "country_code": dice.choice(COUNTRIES),
        "financial_status": "paid", "cancelled_at": placed + timedelta(hours=2) if 0.93 < draw < 0.95 else None,
        "source_name": "web", "total_minor": 2500 * len(lines), "currency": "EUR", "lines": lines, "refunds": {},
        "edits": {}, "test": 0.95 < draw < 0.955, "pickup": False,
    }  # fmt: skip


def _parcels(dice: random.Random, order: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    if order["cancelled_at"]:
        return []
    lines = order["lines"]
    halves = [lines[:1], lines[1:]] if len(lines) > 1 and dice.random() < 0.15 else [lines]
    found = []
    for number, half in enumerate(halves):
        shipped = order["placed_at"] + timedelta(days=dice.uniform(0.3, 3))
        if shipped > now:
            continue
        arrived = shipped + timedelta(days=dice.uniform(1, 8))
        delivered = arrived if arrived < now and dice.random() < 0.8 else None
        words = {f"{order['id']}-{number}": ["delivered", delivered.isoformat()]} if delivered else {}
        found.append({
            "shop_id": order["shop_id"], "order_id": order["id"], "platform_id": f"{order['id']}-{number}",
            "version": "1", "first_heard_at": shipped, "name": f"{order['name']}.{number + 1}", "status": "success",
            "shipped_at": shipped, "carrier": dice.choice(CARRIERS), "tracking_urls": [],
            "tracking_numbers": [f"TRACK{order['id']}{number}"],
            "lines": [[line["line_id"], line["quantity"]] for line in half],
            "country_code": order["country_code"], "words": words, "delivered_at": delivered, "estimated_at": None,
        })  # fmt: skip
    return found
