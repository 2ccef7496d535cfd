"""A shop, its webhooks and its mail, walked through by hand: what a test does to Dasi and what comes out of it."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from plugin.channels.email.errors import SendError
from plugin.platforms.shopify.webhook import signature
from plugin.services.context import Context
from plugin.services.deliver import Courier, send_due
from plugin.services.ingest import ingest_receipts
from plugin.services.receive import Answer, receive_shopify
from plugin.services.shops import add_shop, configure
from plugin.store.models.messages import Message

DOMAIN = "haneul.myshopify.com"
EMAIL = "jane.doe@example.com"
BRAND = {"legal_name": "Haneul Tea Ltd", "postal_address": "12 Bukchon-ro, Seoul 03052"}
SUPPORT = {"email": "help@haneul.example", "phone": "+82 2 555 0100"}

Payload = dict[str, Any]


@dataclass
class Sink:
    """A transport that remembers. `trouble`: what the next sendings raise, None for a success."""

    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    trouble: list[SendError | None] = field(default_factory=list)
    before: Callable[[], None] | None = None  # called while a message is on its way

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        if self.before:
            self.before()
        if self.trouble and (error := self.trouble.pop(0)):
            raise error
        self.mails.append((sender, recipient, data))

    def close(self) -> None:
        pass

    def parsed(self) -> list[EmailMessage]:
        return [parse(data) for _, _, data in self.mails]

    def steps(self) -> list[str]:
        return [str(mail["Feedback-ID"]).partition(":")[0] for mail in self.parsed()]


@lru_cache(maxsize=1000)  # many tests look at all mail again after each step
def parse(data: bytes) -> EmailMessage:
    """Read a mail as its recipient's program would. To be looked at, not to be changed."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


class World:
    """One installation and what happens in it. `at` moves the clock."""

    def __init__(self, ctx: Context, *, live: bool = True, domain: str = DOMAIN) -> None:
        self.ctx = ctx
        self.domain = domain
        self.sink = Sink()
        self.courier = Courier(self.sink)
        self.count = 0
        self.add_shop(domain, live)

    def add_shop(self, domain: str, live: bool = True) -> None:
        with self.ctx.database.transaction() as session:
            add_shop(session, self.ctx, domain, live, name="Haneul Tea")
        self.configure(domain=domain)

    def configure(self, domain: str | None = None, **settings: Any) -> None:
        with self.ctx.database.transaction() as session:
            configure(session, self.ctx, domain or self.domain, {"brand": BRAND, "support": SUPPORT, **settings})

    @property
    def now(self) -> datetime:
        return self.ctx.clock.now()

    def later(self, **delta: float) -> None:
        self.ctx.clock.move(timedelta(**delta))  # type: ignore[attr-defined]

    def receive(self, topic: str, payload: Payload | bytes, **given: Any) -> Answer:
        """Post one webhook; `given`: domain, webhook_id, triggered_at, secret."""
        self.count += 1
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        secret = given.get("secret") or self.ctx.settings.shopify_api_secret
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature(data, secret),
            "X-Shopify-Shop-Domain": given.get("domain") or self.domain,
            "X-Shopify-Webhook-Id": given.get("webhook_id") or f"hook-{self.count}",
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Triggered-At": (given.get("triggered_at") or self.now).isoformat(),
        }
        return receive_shopify(self.ctx, headers, data)

    def hook(self, topic: str, payload: Payload | bytes, **given: Any) -> Answer:
        """Post one webhook and work off what waits."""
        answer = self.receive(topic, payload, **given)
        self.ingest()
        return answer

    def ingest(self) -> int:
        done = 0
        while found := ingest_receipts(self.ctx):
            done += found
        return done

    def send(self, limit: int = 100) -> int:
        """Send until nothing is due. Returns how many rows were taken."""
        taken = 0
        while found := send_due(self.ctx, self.courier, limit):
            taken += found
        return taken

    def walk(self, **delta: float) -> None:
        """Let time pass in ten steps, sending what becomes due at each."""
        for _ in range(10):
            self.later(**{unit: amount / 10 for unit, amount in delta.items()})
            self.send()

    def rows(self, model: type[Any], **where: Any) -> list[Any]:
        with self.ctx.database.reading() as session:
            return list(session.scalars(select(model).filter_by(**where).order_by(model.id)))

    def row(self, model: type[Any], **where: Any) -> Any:
        (only,) = self.rows(model, **where)
        return only

    def message(self, step: str, **where: Any) -> Any:
        return self.row(Message, step=step, **where)

    def plan(self) -> dict[str, str]:
        """Step -> "state: reason" of every message, joined when a step has several."""
        found: dict[str, list[str]] = {}
        for message in self.rows(Message):
            found.setdefault(message.step, []).append(f"{message.state}: {message.reason}")
        return {step: "; ".join(texts) for step, texts in found.items()}

    def text_of(self, step: str, kind: str = "plain") -> str:
        mails = [mail for mail, name in zip(self.sink.parsed(), self.sink.steps(), strict=True) if name == step]
        assert mails, f"no {step} left"
        return body(mails[-1], kind)


# -- payloads in Shopify's shape -------------------------------------------------------------------------------------
def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def money(amount: str) -> Payload:
    side = {"amount": amount, "currency_code": "EUR"}
    return {"shop_money": side, "presentment_money": side}


def line(number: int = 1, **changes: Any) -> Payload:
    return {
        "id": 9000 + number, "admin_graphql_api_id": f"gid://shopify/LineItem/{9000 + number}",
        "title": f"Green tea {number}", "variant_title": None, "vendor": "Haneul", "quantity": 2, "current_quantity": 2,
        "requires_shipping": True, "gift_card": False, "product_id": 7000 + number, "variant_id": 1, "price": "12.50",
        "price_set": money("12.50"),
    } | changes  # fmt: skip


def customer(number: int = 501, **changes: Any) -> Payload:
    return {
        "id": number, "admin_graphql_api_id": f"gid://shopify/Customer/{number}", "email": EMAIL, "phone": None,
        "first_name": "Jane", "last_name": "Doe",
    } | changes  # fmt: skip


def address(**changes: Any) -> Payload:
    return {
        "first_name": "Jane", "last_name": "Doe", "name": "Jane Doe", "address1": "Unter den Linden 5",
        "city": "Berlin", "zip": "10117", "country_code": "DE",
    } | changes  # fmt: skip


def order(at: datetime, number: int = 1001, **changes: Any) -> Payload:
    return {
        "id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}", "name": f"#{number}",
        "email": EMAIL, "contact_email": EMAIL, "phone": None, "created_at": iso(at), "processed_at": iso(at),
        "updated_at": iso(at), "cancelled_at": None, "currency": "EUR", "presentment_currency": "EUR",
        "total_price": "50.00", "total_price_set": money("50.00"), "buyer_accepts_marketing": False,
        "customer_locale": "en", "financial_status": "paid", "fulfillment_status": None, "test": False,
        "source_name": "web", "order_status_url": f"https://haneul.example/orders/{number}/auth?key=hush-hush",
        "customer": customer(), "shipping_address": address(), "billing_address": address(),
        "line_items": [line(1), line(2)], "shipping_lines": [{"code": "Standard", "title": "Standard"}],
        "fulfillments": [], "refunds": [],
    } | changes  # fmt: skip


def parcel(at: datetime, number: int = 1, order_id: int = 1001, **changes: Any) -> Payload:
    parcel_id = order_id * 1000 + number
    return {
        "id": parcel_id, "admin_graphql_api_id": f"gid://shopify/Fulfillment/{parcel_id}", "order_id": order_id,
        "name": f"#{order_id}.{number}", "status": "success", "shipment_status": None, "created_at": iso(at),
        "updated_at": iso(at), "tracking_company": "DHL", "tracking_number": f"TRACK{parcel_id}",
        "tracking_numbers": [f"TRACK{parcel_id}"], "tracking_url": f"https://track.example/{parcel_id}",
        "tracking_urls": [f"https://track.example/{parcel_id}"], "line_items": [line(1), line(2)],
    } | changes  # fmt: skip


def tracked(at: datetime, status: str = "delivered", number: int = 1, order_id: int = 1001) -> Payload:
    event_id = abs(hash((order_id, number, status, at.timestamp()))) % 10**9
    return {
        "id": event_id, "admin_graphql_api_id": f"gid://shopify/FulfillmentEvent/{event_id}", "order_id": order_id,
        "fulfillment_id": order_id * 1000 + number, "status": status, "happened_at": iso(at), "created_at": iso(at),
        "updated_at": iso(at),
    }  # fmt: skip


def refund(at: datetime, lines: dict[int, int], order_id: int = 1001, number: int = 1) -> Payload:
    return {
        "id": order_id * 100 + number, "order_id": order_id, "created_at": iso(at), "processed_at": iso(at),
        "refund_line_items": [
            {"id": key, "line_item_id": 9000 + key, "quantity": quantity, "line_item": line(key)}
            for key, quantity in lines.items()
        ],
    }  # fmt: skip


def consent(at: datetime, state: str = "subscribed", number: int = 501, mail: str = EMAIL) -> Payload:
    word = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": iso(at)}
    return {"customer_id": number, "email_address": mail, "email_marketing_consent": word}


def product(at: datetime, number: int, **changes: Any) -> Payload:
    return {
        "id": 7000 + number, "admin_graphql_api_id": f"gid://shopify/Product/{7000 + number}",
        "title": f"Product {number}", "handle": f"product-{number}", "product_type": "Tea", "vendor": "Haneul",
        "status": "active", "published_at": iso(at), "created_at": iso(at), "updated_at": iso(at), "images": [],
        "variants": [{"id": number, "price": "9.00", "inventory_quantity": 5, "inventory_policy": "deny"}],
    } | changes  # fmt: skip


def compliance(domain: str, number: int | None = 501, mail: str | None = EMAIL, **changes: Any) -> Payload:
    person = {"id": number, "email": mail, "phone": None}
    return {"shop_id": 1, "shop_domain": domain, "customer": person} | changes


def whole_life(world: World, number: int = 1001, **changes: Any) -> Iterator[str]:
    """Order, parcel, delivery, a day apart, each ingested and sent: yields what was done."""
    world.hook("orders/create", order(world.now, number, **changes))
    world.send()
    yield "placed"
    world.later(days=1)
    world.hook("fulfillments/create", parcel(world.now, order_id=number))
    world.later(minutes=11)
    world.send()
    yield "shipped"
    world.later(days=2)
    world.hook("fulfillment_events/create", tracked(world.now, order_id=number))
    world.send()
    yield "delivered"
