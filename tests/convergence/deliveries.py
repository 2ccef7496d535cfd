"""Posts webhooks to the real entrance, lets the real ingestion run, and reads what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from plugin.clock import FixedClock
from plugin.platforms.shopify.webhook import signature
from plugin.services.context import Context
from plugin.services.ingest import ingest_receipts
from plugin.services.receive import receive_shopify
from plugin.services.shops import add_shop
from plugin.store.models.customers import Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Receipt, Shop
from tests.convergence.payloads import START, Hook

# Row ids and what is random by nature. An estimate is a decision, made when a parcel is first planned.
NOT_COMPARED = {"id", "shop_id", "order_id", "customer_id", "merged_into_id", "status_url", "estimated_at"}


class Run:
    """One shop of its own in the context's database, told of everything at one moment after the last happening."""

    def __init__(self, ctx: Context, clock: FixedClock, hooks: Iterable[Hook]) -> None:
        self.ctx = ctx
        self.domain = f"run-{uuid4().hex[:12]}.myshopify.com"
        clock.moment = START - timedelta(days=1)
        with ctx.database.transaction() as session:
            self.shop_id = add_shop(session, ctx, self.domain, live=True).id
        clock.moment = max(hook.triggered_at for hook in hooks) + timedelta(minutes=1)

    def post(self, hook: Hook, webhook_id: str) -> None:
        body = json.dumps(hook.payload).encode()
        answer = receive_shopify(self.ctx, {
            "X-Shopify-Topic": hook.topic,
            "X-Shopify-Hmac-Sha256": signature(body, self.ctx.settings.shopify_secrets[0]),
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Triggered-At": hook.triggered_at.isoformat(),
        }, body)  # fmt: skip
        assert answer.status == 200

    def ingest(self, limit: int = 100) -> None:
        while ingest_receipts(self.ctx, limit):
            pass

    def result(self) -> dict[str, Any]:
        """Facts and calendar, without what differs between any two runs."""
        with self.ctx.database.reading() as session:
            assert not session.scalars(
                select(Receipt).where(Receipt.shop_id == self.shop_id, Receipt.state.not_in(["done", "kept"]))
            ).all()
            assert session.get_one(Shop, self.shop_id).live
            customers = {c.id: c for c in session.scalars(select(Customer).where(Customer.shop_id == self.shop_id))}
            names = {id_: customer.platform_id for id_, customer in customers.items()} | {None: None}
            orders = session.scalars(select(Order).where(Order.shop_id == self.shop_id)).all()
            of = {order.id: order.platform_id for order in orders}
            return {
                "customers": {
                    c.platform_id: {**_columns(c), "merged": names[c.merged_into_id]} for c in customers.values()
                },
                "orders": {
                    o.platform_id: {**_columns(o), "customer": names[o.customer_id], "secret": o.status_url is not None}
                    for o in orders
                },
                "parcels": {
                    p.platform_id: {**_columns(p), "order": of[p.order_id]}
                    for p in session.scalars(select(Parcel).where(Parcel.shop_id == self.shop_id))
                },
                "consents": {
                    (c.channel, c.address): _columns(c)
                    for c in session.scalars(select(Consent).where(Consent.shop_id == self.shop_id))
                },
                "calendar": {
                    (of[m.order_id], m.step, m.subject, m.copy): (
                        m.state, m.due_at, m.ready_at, m.reason, sorted(m.parcels), m.estimated, names[m.customer_id],
                    )
                    for m in session.scalars(select(Message).where(Message.shop_id == self.shop_id))
                },
            }  # fmt: skip


def _columns(row: Any) -> dict[str, Any]:
    return {c.key: getattr(row, c.key) for c in row.__table__.columns if c.key not in NOT_COMPARED}
