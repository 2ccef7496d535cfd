"""A calendar with something due in it: shops, orders, parcels and messages, inserted as rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from plugin.domain.flows import POST_PURCHASE, STEPS
from plugin.services.context import Context
from plugin.services.shops import add_shop, configure
from plugin.store.models.customers import Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.shops import Shop

# Of a hundred messages: what a shop sends in an ordinary hour, some of it with suggestions.
MIX = {"thank_you": 40, "shipped": 25, "delivered": 15, "survey": 10, "cross_sell": 7, "cross_sell_follow_up": 3}
CONSENTED = 0.3  # of the customers may get suggestions in a thank-you
PRODUCTS = 40
BRAND = {"legal_name": "Haneul Tea Ltd", "postal_address": "12 Bukchon-ro, Seoul 03052"}
SUPPORT = {"email": "help@haneul.example", "phone": "+82 2 555 0100"}


def open_shop(ctx: Context, number: int = 1) -> int:
    """A live shop with a catalogue; its id."""
    domain = f"bench{number}.myshopify.com"
    with ctx.database.transaction() as session:
        add_shop(session, ctx, domain, True, name="Haneul Tea")
        configure(session, ctx, domain, {"brand": BRAND, "support": SUPPORT})
        shop = session.scalars(select(Shop).where(Shop.domain == domain)).one()
        shop.email, shop.storefront, shop.currency = "hello@haneul.example", "haneul.example", "EUR"
        session.execute(insert(Product), [_product(shop.id, key) for key in range(PRODUCTS)])
        return shop.id


def _product(shop_id: int, key: int) -> dict[str, Any]:
    return {
        "shop_id": shop_id, "platform_id": str(7000 + key), "title": f"Green tea No. {key}", "handle": f"tea-{key}",
        "price_minor": 900 + key, "currency": "EUR", "published": True, "in_stock": True, "product_type": "Tea",
        "vendor": "Haneul", "image_url": f"https://cdn.haneul.example/tea-{key}.jpg",
    }  # fmt: skip


class Filler:
    """Adds orders that each have one message due now, in the proportions of `MIX`. The same for the same seed."""

    def __init__(self, ctx: Context, shop_id: int, seed: int = 7, mix: dict[str, int] = MIX) -> None:
        self.ctx, self.shop_id, self.random, self.number, self.mix = ctx, shop_id, random.Random(seed), 0, mix

    def fill(self, count: int) -> None:
        now = datetime.now(UTC)
        steps = self.random.choices(list(self.mix), list(self.mix.values()), k=count)
        tables: dict[type[Any], list[dict[str, Any]]] = {
            model: [] for model in (Customer, Consent, Order, Parcel, Purchase, Message)
        }
        for step in steps:
            self.number += 1
            for model, row in self._life(step, self.number, now):
                tables[model].append(row)
        with self.ctx.database.transaction() as session:
            for model, rows in tables.items():
                if rows:
                    session.execute(insert(model), rows)

    def _life(self, step: str, number: int, now: datetime) -> list[tuple[type[Any], dict[str, Any]]]:
        id_ = self.shop_id * 10_000_000 + number
        mine = {"id": id_, "shop_id": self.shop_id}
        lines = self.random.choice((1, 1, 2))
        keys = sorted({min(int(self.random.expovariate(0.25)), PRODUCTS - 1) for _ in range(lines)})
        placed = now - (timedelta() if step == "thank_you" else timedelta(days=8))
        address = f"customer{id_}@mail.example"
        found: list[tuple[type[Any], dict[str, Any]]] = [
            (Customer, mine | {"platform_id": str(id_), "email": address}),
            (Order, mine | {
                "platform_id": str(id_), "customer_id": id_, "version": "1", "first_heard_at": placed,
                "placed_at": placed, "name": f"#{number}", "email": address, "address": address, "first_name": "Jane",
                "last_name": "Doe", "locale": "en", "country_code": "DE", "financial_status": "paid",
                "source_name": "web", "total_minor": 2500 * len(keys), "currency": "EUR",
                "status_url": self.ctx.vault.seal(f"https://haneul.example/orders/{id_}/authenticate?key=0123456789"),
                "lines": [_line(id_, key) for key in keys], "refunds": {}, "edits": {}, "test": False, "pickup": False,
            }),
            (Message, mine | {
                "order_id": id_, "customer_id": id_, "flow": POST_PURCHASE, "step": step, "subject": str(id_),
                "channel": "email", "copy": 0, "state": "planned", "reason": "due", "attempts": 0, "estimated": False,
                "message_class": STEPS[step].message_class, "due_at": now, "ready_at": now,
                "parcels": [str(id_)] if step in ("shipped", "delivered") else [],
            }),
        ]  # fmt: skip
        found += [
            (Purchase, {"shop_id": self.shop_id, "order_id": id_, "product_id": str(7000 + key), "placed_at": placed,
                        "title": f"Green tea No. {key}", "price_minor": 900 + key, "currency": "EUR"})
            for key in keys
        ]  # fmt: skip
        if step != "thank_you":
            found.append((Parcel, mine | {
                "order_id": id_, "platform_id": str(id_), "version": "1", "first_heard_at": placed,
                "name": f"#{number}.1", "status": "success", "shipped_at": placed + timedelta(days=1),
                "carrier": "DHL", "tracking_numbers": [f"TRACK{id_}"],
                "tracking_urls": [f"https://track.example/TRACK{id_}"],
                "lines": [[str(id_ * 100 + key), 1] for key in keys], "country_code": "DE", "words": {},
                "estimated_at": placed + timedelta(days=8), "delivered_at": None,
            }))  # fmt: skip
        if step.startswith("cross_sell") or self.random.random() < CONSENTED:
            found.append((Consent, {"shop_id": self.shop_id, "channel": "email", "address": address,
                                    "subscribed_at": placed - timedelta(days=1)}))  # fmt: skip
        return found


def _line(id_: int, key: int) -> dict[str, Any]:
    return {
        "line_id": str(id_ * 100 + key), "title": f"Green tea No. {key}", "quantity": 1, "current_quantity": 1,
        "requires_shipping": True, "product_id": str(7000 + key), "variant_id": str(key), "variant_title": "100 g",
        "gift_card": False, "price": [900 + key, "EUR"],
    }  # fmt: skip
