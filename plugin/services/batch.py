"""The rows that a batch of events is about, locked in one order, with their facts at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from plugin.domain.addresses import normalise_email
from plugin.services.context import Context
from plugin.store.models.customers import Checkout, Customer
from plugin.store.models.orders import Order, Parcel, Product
from plugin.store.models.shops import Shop
from plugin.store.upserts import add_missing
from schemas import events
from schemas.events import Event


class LockAgain(Exception):
    """An order got a customer whose row we had not locked: the transaction starts anew."""


@dataclass(frozen=True, slots=True)
class Told:
    """One receipt's events, with the moments that order them."""

    receipt_id: int
    topic: str
    received_at: datetime
    triggered_at: datetime | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """One word about consent for a normalised address."""

    channel: events.Channel
    address: str
    at: datetime
    state: events.ConsentState
    source: events.ConsentSource


@dataclass
class Batch:
    """One shop's share of a batch. The maps are keyed by the platform's ids. `replan`: ids of orders to plan anew;
    `replan_customers`: customers all of whose recent orders must be."""

    ctx: Context
    session: Session
    shop: Shop
    now: datetime
    customers: dict[str, Customer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    checkouts: dict[str, Checkout] = field(default_factory=dict)  # by token
    words: list[Word] = field(default_factory=list)  # about consent, to be stored together
    # What was bought, likewise: order's row id and product's platform id -> the row as it was first told
    purchases: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)  # by order's row id: that it was placed with
    replan: set[int] = field(default_factory=set)
    replan_customers: set[int] = field(default_factory=set)
    replan_addresses: set[str] = field(default_factory=set)
    erase_shop: bool = False  # at the end: everything about the shop goes, the batch's own receipts included

    def customer(self, platform_id: str | None) -> Customer | None:
        """The customer's row, or the one it was merged into."""
        row = self.customers.get(platform_id or "")
        seen: set[int] = set()
        while row is not None and row.merged_into_id and row.id not in seen:
            seen.add(row.id)
            row = self.session.get(Customer, row.merged_into_id)
        return row


@dataclass
class Refs:
    """Who and what a batch's events speak of: platform ids, and addresses whose consent may change."""

    customers: set[str] = field(default_factory=set)
    orders: dict[str, datetime] = field(default_factory=dict)  # order -> the earliest receipt that named it
    products: set[str] = field(default_factory=set)
    checkouts: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    @property
    def rows(self) -> bool:
        """Whether anything must be there before it can be locked."""
        return bool(self.customers or self.orders or self.products or self.checkouts)


def refs_of(told: Iterable[Told]) -> Refs:
    refs = Refs()
    for receipt in told:
        for event in receipt.events:
            match event:
                case events.CustomersMerged():
                    refs.customers |= {event.kept_id, event.deleted_id}
                case events.DataRequested() | events.CustomerRedacted():
                    continue  # these look for what is there and must not add anything
                case events.ConsentChanged():
                    if event.customer_id:
                        refs.customers.add(event.customer_id)
                    if address := normalise_email(event.address):
                        refs.addresses.add(address)
                case events.OrderPlaced() | events.CustomerSeen() | events.CustomerDeleted():
                    if event.customer_id:
                        refs.customers.add(event.customer_id)
                case events.ProductSeen() | events.ProductDeleted():
                    refs.products.add(event.product_id)
                case events.CheckoutSeen() | events.CheckoutDeleted():
                    refs.checkouts.add(checkout_token(event))
                case _:
                    pass
            order_id = getattr(event, "order_id", None)
            if order_id:
                refs.orders[order_id] = min(refs.orders.get(order_id, receipt.received_at), receipt.received_at)
    return refs


def checkout_token(event: events.CheckoutSeen | events.CheckoutDeleted) -> str:
    """As it is stored. Real ones are 32 characters."""
    return event.token[:120]


def add_stubs(session: Session, shop_id: int, refs: Refs) -> None:
    """Rows to lock for everyone named. A stub is no fact: nothing is planned for an order without a version."""
    add_missing(
        session, Customer, [{"shop_id": shop_id, "platform_id": ref} for ref in sorted(refs.customers)],
        ["shop_id", "platform_id"],
    )  # fmt: skip
    add_missing(
        session, Order,
        [{"shop_id": shop_id, "platform_id": ref, "first_heard_at": at, "lines": [], "refunds": {}, "edits": {},
          "test": False, "pickup": False} for ref, at in sorted(refs.orders.items())],
        ["shop_id", "platform_id"],
    )  # fmt: skip
    add_missing(
        session, Product,
        [{"shop_id": shop_id, "platform_id": ref, "title": "", "published": False, "deleted": False}
         for ref in sorted(refs.products)],
        ["shop_id", "platform_id"],
    )  # fmt: skip
    add_missing(
        session, Checkout,
        [{"shop_id": shop_id, "token": token, "deleted": False} for token in sorted(refs.checkouts)],
        ["shop_id", "token"],
    )  # fmt: skip


def lock(batch: Batch, refs: Refs) -> None:
    """Lock customers, orders, products and checkouts, each in the order of their row ids, and load them.

    Orders without a customer are locked by their address too. Raises LockAgain.
    """
    session, shop_id = batch.session, batch.shop.id
    wanted = _customer_ids(session, shop_id, refs)
    customers = session.scalars(
        select(Customer).where(Customer.id.in_(wanted)).order_by(Customer.id).with_for_update()
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
    batch.customers = {c.platform_id: c for c in customers}
    named: ColumnElement[bool] = Order.platform_id.in_(refs.orders)
    if refs.addresses:
        named = or_(named, and_(Order.address.in_(refs.addresses), Order.customer_id.is_(None)))
    orders = session.scalars(
        select(Order).where(Order.shop_id == shop_id, named).order_by(Order.id)
        .with_for_update().execution_options(populate_existing=True)
    ).all()  # fmt: skip
    batch.orders = {o.platform_id: o for o in orders}
    locked = {c.id for c in customers}
    if any(o.customer_id and o.customer_id not in locked for o in orders):
        raise LockAgain
    if any(c.merged_into_id and c.merged_into_id not in locked for c in customers):
        raise LockAgain
    if orders:
        parcels = session.scalars(select(Parcel).where(Parcel.order_id.in_([o.id for o in orders]))).all()
        batch.parcels = {p.platform_id: p for p in parcels}
    if refs.products:
        products = session.scalars(
            select(Product).where(Product.shop_id == shop_id, Product.platform_id.in_(refs.products))
            .order_by(Product.id).with_for_update().execution_options(populate_existing=True)
        )  # fmt: skip
        batch.products = {p.platform_id: p for p in products}
    if refs.checkouts:
        checkouts = session.scalars(
            select(Checkout).where(Checkout.shop_id == shop_id, Checkout.token.in_(refs.checkouts))
            .order_by(Checkout.id).with_for_update().execution_options(populate_existing=True)
        )  # fmt: skip
        batch.checkouts = {c.token: c for c in checkouts}


def _customer_ids(session: Session, shop_id: int, refs: Refs) -> set[int]:
    found: set[int] = set()
    if refs.customers:
        rows = session.execute(
            select(Customer.id, Customer.merged_into_id).where(
                Customer.shop_id == shop_id, Customer.platform_id.in_(refs.customers)
            )
        ).all()
        found |= {id_ for row in rows for id_ in row if id_}
    if refs.orders:
        found |= set(
            session.scalars(
                select(Order.customer_id).where(
                    Order.shop_id == shop_id, Order.platform_id.in_(refs.orders), Order.customer_id.is_not(None)
                )
            )
        )
    if refs.addresses:
        found |= set(
            session.scalars(
                select(Order.customer_id).where(
                    Order.shop_id == shop_id, Order.address.in_(refs.addresses), Order.customer_id.is_not(None)
                )
            )
        )
    merged = session.scalars(
        select(Customer.merged_into_id).where(Customer.id.in_(found), Customer.merged_into_id.is_not(None))
    ).all()
    return found | {id_ for id_ in merged if id_}
