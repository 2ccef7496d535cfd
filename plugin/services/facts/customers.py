"""What was told about customers and their consent becomes facts."""

from __future__ import annotations

from sqlalchemy import update

from plugin.domain.addresses import normalise_email
from plugin.domain.consent import OLDEST
from plugin.services import holdouts
from plugin.services.batch import Batch, Told, Word, checkout_token
from plugin.services.consents import record_consent
from plugin.services.facts.orders import cut
from plugin.store.models.customers import Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.versions import is_newer, version_of
from schemas import events


def customer_seen(batch: Batch, told: Told, event: events.CustomerSeen) -> None:
    customer = batch.customers[event.customer_id]
    version = version_of(
        min(event.updated_at, told.received_at) if event.updated_at else None, told.triggered_at, False, event
    )
    if customer.redacted_at is None and is_newer(version, customer.version):
        customer.version = version
        customer.email, customer.phone = event.email, cut(event.phone, 60)
        customer.first_name, customer.last_name = event.first_name, event.last_name
        customer.locale = event.locale


def customer_deleted(batch: Batch, told: Told, event: events.CustomerDeleted) -> None:
    customer = batch.customers[event.customer_id]
    customer.deleted_at = min(customer.deleted_at or told.received_at, told.received_at)


def customers_merged(batch: Batch, told: Told, event: events.CustomersMerged) -> None:
    """Both rows are locked. Orders that come later under the old id follow the pointer."""
    kept, gone = batch.customer(event.kept_id), batch.customers[event.deleted_id]
    if kept is None or kept.id == gone.id or gone.merged_into_id:
        return
    batch.session.flush()
    gone.merged_into_id = kept.id
    session = batch.session
    session.execute(update(Customer).where(Customer.merged_into_id == gone.id).values(merged_into_id=kept.id))
    session.execute(update(Order).where(Order.customer_id == gone.id).values(customer_id=kept.id))
    session.execute(update(Message).where(Message.customer_id == gone.id).values(customer_id=kept.id))
    holdouts.merge(session, gone.id, kept.id)
    for order in batch.orders.values():
        session.refresh(order, ["customer_id"])
    batch.replan_customers.add(kept.id)


def consent_changed(batch: Batch, told: Told, event: events.ConsentChanged) -> None:
    """An e-mail address is keyed by its normal form; a telephone number is kept as told until SMS is sent."""
    address = normalise_email(event.address) if event.channel is events.Channel.EMAIL else event.address.strip()
    if not address:
        return
    at = min(event.at, told.received_at) if event.at else OLDEST
    batch.words.append(Word(event.channel, address, at, event.state, event.source))


def record_words(batch: Batch) -> None:
    """Store the batch's words about consent. In the order of the addresses, so that two workers cannot deadlock."""
    # Of one kind of word about an address only the latest counts, and every snapshot of an order repeats it.
    latest = {(word.channel, word.address, word.state, word.source): word for word in sorted(batch.words)}
    for word in sorted(latest.values()):
        changed = record_consent(
            batch.session, batch.shop.id, word.channel, word.address, word.state, word.source, word.at
        )
        if changed and word.channel is events.Channel.EMAIL:
            batch.replan_addresses.add(word.address)
    batch.words.clear()


def checkout_seen(batch: Batch, told: Told, event: events.CheckoutSeen) -> None:
    row = batch.checkouts[checkout_token(event)]
    if row.deleted:  # for good: its token never comes back, and what was forgotten stays forgotten
        return
    version = version_of(min(event.updated_at, told.received_at), told.triggered_at, bool(event.completed_at), event)
    if not is_newer(version, row.version):
        return
    row.version, row.customer_ref, row.email = version, event.customer_id, event.email
    row.completed_at = event.completed_at
    row.recovery_url = batch.ctx.vault.seal(event.recovery_url) if event.recovery_url else None
    row.details = {
        "created_at": event.created_at.isoformat() if event.created_at else None,
        "locale": event.locale,
        "phone": event.phone,
        "total": [event.total.minor, event.total.currency] if event.total else None,
        "lines": [[line.product_id, line.variant_id, line.title, line.quantity] for line in event.lines],
    }


def checkout_deleted(batch: Batch, told: Told, event: events.CheckoutDeleted) -> None:
    row = batch.checkouts[checkout_token(event)]
    row.deleted, row.email, row.recovery_url, row.details, row.customer_ref = True, None, None, None, None
