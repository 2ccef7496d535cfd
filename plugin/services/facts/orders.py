"""What was told of orders, refunds, edits and parcels. Each function merges; none depends on the order of arrival."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update

from plugin.domain.addresses import normalise_email
from plugin.services.batch import Batch, Told
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Purchase
from plugin.store.upserts import add_missing
from plugin.store.versions import is_newer, version_of
from schemas import events


def order_placed(batch: Batch, told: Told, event: events.OrderPlaced) -> None:
    order = _heard(batch, told, event.order_id)
    before = _place_in_customer(order)
    updated_at = min(event.updated_at, told.received_at)
    version = version_of(updated_at, told.triggered_at, event.cancelled_at is not None, event)
    if order.redacted_at is None and is_newer(version, order.version):
        order.version, order.told_at = version, updated_at
        _copy_facts(batch, order, event)
        _remember_purchases(batch, order, event)
        if event.discount_codes or not counts_as_purchase(order):
            batch.codes[order.id] = event.discount_codes
    if order.placed_at:  # no order was placed after we first heard of it: a moment in the future is a wrong clock
        order.placed_at = min(order.placed_at, order.first_heard_at)
    _mark(batch, order, before)


def cut(text: str | None, width: int) -> str | None:
    """As much as the column holds; nothing real is longer."""
    return text[:width] if text else None


def _copy_facts(batch: Batch, order: Order, event: events.OrderPlaced) -> None:
    customer = batch.customer(event.customer_id)
    order.customer_id = customer.id if customer else None
    order.placed_at = event.placed_at
    order.name = event.name
    order.email, order.address = event.email, normalise_email(event.email)
    order.phone, order.first_name, order.last_name = cut(event.phone, 60), event.first_name, event.last_name
    order.locale, order.country_code = event.locale, event.country_code
    order.shipping_address = asdict(event.shipping_address) if event.shipping_address else None
    order.financial_status, order.cancelled_at = cut(event.financial_status, 40), event.cancelled_at
    order.test, order.pickup, order.source_name = event.test, event.pickup, event.source_name
    order.total_minor, order.currency = event.total.minor, event.total.currency
    # A secret: it opens the order without a login.
    order.status_url = batch.ctx.vault.seal(event.order_status_url) if event.order_status_url else None
    order.lines = [_line(line) for line in event.lines]


def _line(line: events.OrderLine) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "title": line.title,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "requires_shipping": line.requires_shipping,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "variant_title": line.variant_title,
        "gift_card": line.gift_card,
        "price": [line.price.minor, line.price.currency] if line.price else None,
    }


def _remember_purchases(batch: Batch, order: Order, event: events.OrderPlaced) -> None:
    if event.test:
        return
    for line in event.lines:
        if line.product_id and not line.gift_card:
            batch.purchases.setdefault((order.id, line.product_id), {
                "shop_id": batch.shop.id,
                "order_id": order.id,
                "product_id": line.product_id,
                "placed_at": min(event.placed_at, order.first_heard_at),
                "title": line.title,
                "price_minor": line.price.minor if line.price else None,
                "currency": line.price.currency if line.price else None,
            })  # fmt: skip


def record_purchases(batch: Batch) -> None:
    """Store what the batch's orders bought; what is known of an order and a product already stays."""
    rows = [row for _, row in sorted(batch.purchases.items())]
    add_missing(batch.session, Purchase, rows, ["order_id", "product_id"])
    batch.purchases.clear()


def order_edited(batch: Batch, told: Told, event: events.OrderEdited) -> None:
    order = _heard(batch, told, event.order_id)
    committed_at = min(event.committed_at, told.received_at)
    order.edits = {**order.edits, event.edit_id: [committed_at.isoformat(), list(event.added), list(event.removed)]}
    batch.replan.add(order.id)


def order_deleted(batch: Batch, told: Told, event: events.OrderDeleted) -> None:
    order = _heard(batch, told, event.order_id)
    before = _place_in_customer(order)
    order.deleted_at = min(order.deleted_at or told.received_at, told.received_at)
    batch.codes.setdefault(order.id, ())
    _mark(batch, order, before)


def order_refunded(batch: Batch, told: Told, event: events.OrderRefunded) -> None:
    order = _heard(batch, told, event.order_id)
    if event.refund_id not in order.refunds:
        order.refunds = {**order.refunds, event.refund_id: [event.created_at.isoformat(), list(event.lines)]}
        batch.replan.add(order.id)


def parcel_shipped(batch: Batch, told: Told, event: events.ParcelShipped) -> None:
    order = _heard(batch, told, event.order_id)
    parcel = _parcel(batch, told, order, event.parcel_id)
    updated_at = min(event.updated_at, told.received_at)
    if event.shipment_status:
        # Snapshots repeat the carrier's word with ever newer times; the earliest is nearest to the truth.
        _hear_word(parcel, f"snapshot:{event.shipment_status}", event.shipment_status, updated_at)
    version = version_of(updated_at, told.triggered_at, event.status != "success", event)
    if is_newer(version, parcel.version):
        parcel.version = version
        parcel.name, parcel.status, parcel.shipped_at = event.name, event.status[:40], event.created_at
        parcel.carrier = cut(event.tracking_company, 120)
        parcel.tracking_numbers, parcel.tracking_urls = list(event.tracking_numbers), list(event.tracking_urls)
        parcel.lines = [list(pair) for pair in event.lines]
    if parcel.shipped_at:
        parcel.shipped_at = min(parcel.shipped_at, parcel.first_heard_at)
    batch.replan.add(order.id)


def parcel_tracked(batch: Batch, told: Told, event: events.ParcelTracked) -> None:
    order = _heard(batch, told, event.order_id)
    parcel = _parcel(batch, told, order, event.parcel_id)
    _hear_word(parcel, event.event_id, event.status, min(event.happened_at, told.received_at))
    batch.replan.add(order.id)


def _hear_word(parcel: Parcel, word_id: str, status: str, at: datetime) -> None:
    known = parcel.words.get(word_id)
    if known is None or at.isoformat() < known[1]:
        parcel.words = {**parcel.words, word_id: [status, at.isoformat()]}
    delivered = {key: datetime.fromisoformat(word[1]) for key, word in parcel.words.items() if word[0] == "delivered"}
    said = [when for key, when in delivered.items() if not key.startswith("snapshot:")]
    parcel.delivered_at = min(said or delivered.values(), default=None)


def _heard(batch: Batch, told: Told, order_id: str) -> Order:
    order = batch.orders[order_id]
    order.first_heard_at = min(order.first_heard_at, told.received_at)
    return order


def _parcel(batch: Batch, told: Told, order: Order, parcel_id: str) -> Parcel:
    parcel = batch.parcels.get(parcel_id)
    if parcel is None:
        parcel = Parcel(
            shop_id=batch.shop.id, order_id=order.id, platform_id=parcel_id, first_heard_at=told.received_at,
            words={}, lines=[], tracking_numbers=[], tracking_urls=[],
        )  # fmt: skip
        batch.session.add(parcel)
        batch.parcels[parcel_id] = parcel
    parcel.first_heard_at = min(parcel.first_heard_at, told.received_at)
    return parcel


CALLED_OFF = ("voided", "expired")  # payments that never came


def counts_as_purchase(order: Order | Row[Any]) -> bool:
    """Whether an order ends the customer's open cross-sells: neither a test nor called off."""
    return not (order.test or order.cancelled_at or order.deleted_at or order.financial_status in CALLED_OFF)


def _place_in_customer(order: Order) -> tuple[Any, ...]:
    return order.customer_id, order.placed_at, counts_as_purchase(order), order.version is None


def _mark(batch: Batch, order: Order, before: tuple[Any, ...]) -> None:
    """Plan the order anew, and the customer's other orders when this one's place among them changed."""
    batch.replan.add(order.id)
    after = _place_in_customer(order)
    if before[0] and before[0] != order.customer_id:
        batch.session.execute(
            update(Message).where(Message.order_id == order.id).values(customer_id=order.customer_id)
        )
    if before != after:
        batch.replan_customers |= {c for c in (before[0], order.customer_id) if c}
