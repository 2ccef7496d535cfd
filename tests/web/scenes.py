"""A shop, an order under way and its messages, as rows; and a way to see that nothing moved."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.base import Base
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from plugin.tokens import ARRIVAL, CLICK, SURVEY, UNSUBSCRIBE
from tests.support.apps import app_over

ADDRESS = "jane@example.com"
BRAND = {"colour": "#1f5f5b", "legal_name": "Haneul Tea Ltd", "postal_address": "12 Bukchon-ro\nSeoul 03052"}
SUPPORT = {
    "email": "help@haneul.example", "phone": "+82 2 555 0100", "hours": "Mon–Fri 10:00–18:00",
    "help_url": "https://haneul.example/help",
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """One message of one order, and the app that serves its pages."""

    ctx: Context
    app: Flask
    shop_id: int
    order_id: int
    message_id: int

    def url(self, page: str, parcel: str = "9001", target: str = "https://haneul.example/p/1") -> str:
        values: dict[str, tuple[int | str, ...]] = {
            UNSUBSCRIBE: (self.message_id,),
            SURVEY: (self.message_id,),
            ARRIVAL: (self.message_id, parcel),
            CLICK: (self.message_id, target),
        }
        return f"/{page}/{self.ctx.tokens.make(page, *values[page])}"

    def rows(self, model: type[Any], **where: Any) -> list[Any]:
        with self.ctx.database.reading() as session:
            return list(session.scalars(select(model).filter_by(**where).order_by(model.id)))

    def rows_soon(self, model: type[Any], count: int = 1) -> list[Any]:
        """The rows, once there are so many: for what is written down behind the customer's back."""
        deadline = time.monotonic() + 20
        while len(found := self.rows(model)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


def scene(ctx: Context, locale: str | None = "en", **order: Any) -> Scene:
    """A live shop whose customer's order was shipped three days ago; its survey is planned."""
    with ctx.database.transaction() as session:
        shop = add_shop(session, ctx)
        customer = Customer(shop_id=shop.id, platform_id="501", email=ADDRESS, first_name="Jane")
        session.add(customer)
        session.flush()
        message = add_order(session, ctx, shop, customer, "1001", locale=locale, **order)
        ids = shop.id, message.order_id, message.id
    return Scene(ctx, app_over(ctx), *ids)


def add_shop(session: Session, ctx: Context, domain: str = "haneul.myshopify.com") -> Shop:
    now = ctx.clock.now()
    shop = Shop(
        platform="shopify", domain=domain, code=domain[:10], live=True, installed_at=now - timedelta(days=90),
        live_at=now - timedelta(days=90), name="Haneul Tea", email="owner@haneul.example", storefront="haneul.example",
        currency="EUR", locale="en", timezone="Asia/Seoul", settings={"brand": BRAND, "support": SUPPORT},
    )  # fmt: skip
    session.add(shop)
    session.flush()
    return shop


def add_order(
    session: Session, ctx: Context, shop: Shop, customer: Customer | None, number: str, **changes: Any
) -> Message:
    """An order of one product with one parcel, and its planned survey."""
    now = ctx.clock.now()
    line = {
        "line_id": f"{number}1", "title": "First-flush green tea, 50 g", "quantity": 1, "current_quantity": 1,
        "requires_shipping": True, "product_id": "7001", "variant_id": None, "variant_title": None, "gift_card": False,
        "price": [1900, "EUR"],
    }  # fmt: skip
    order = Order(**{
        "shop_id": shop.id, "platform_id": number, "customer_id": customer.id if customer else None, "version": "1",
        "first_heard_at": now - timedelta(days=5), "told_at": now - timedelta(days=3),
        "placed_at": now - timedelta(days=5), "name": f"#{number}", "email": ADDRESS, "address": ADDRESS,
        "locale": "en", "country_code": "DE", "financial_status": "paid", "total_minor": 1900, "currency": "EUR",
        "lines": [line], **changes,
    })  # fmt: skip
    session.add(order)
    session.flush()
    parcel_id = "9001" if number == "1001" else f"9{number}"
    session.add(Parcel(
        shop_id=shop.id, order_id=order.id, platform_id=parcel_id, version="1", first_heard_at=now - timedelta(days=3),
        name=f"#{number}.1", status="success", shipped_at=now - timedelta(days=3), carrier="DHL",
        tracking_numbers=["00340"], tracking_urls=["https://track.example/00340"], lines=[[f"{number}1", 1]],
        country_code="DE",
    ))  # fmt: skip
    message = Message(
        shop_id=shop.id, order_id=order.id, customer_id=order.customer_id, flow="post_purchase", step="survey",
        subject=number, state="planned", reason="due", message_class="service", due_at=now + timedelta(days=9),
        ready_at=now + timedelta(days=9),
    )  # fmt: skip
    session.add(message)
    session.flush()
    return message


def snapshot(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }
