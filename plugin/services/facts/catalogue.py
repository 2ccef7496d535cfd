"""What was told about products."""

from __future__ import annotations

from plugin.services.batch import Batch, Told
from plugin.store.versions import is_newer, version_of
from schemas import events


def product_seen(batch: Batch, told: Told, event: events.ProductSeen) -> None:
    product = batch.products[event.product_id]
    version = version_of(min(event.updated_at, told.received_at), told.triggered_at, False, event)
    if not is_newer(version, product.version):
        return
    product.version, product.title, product.handle = version, event.title, event.handle
    product.url, product.image_url = event.url, event.image_url
    product.price_minor = event.price.minor if event.price else None
    product.currency = (event.price.currency if event.price else None) or None
    product.published, product.in_stock = event.published, event.in_stock
    product.product_type, product.vendor = event.product_type, event.vendor


def product_deleted(batch: Batch, told: Told, event: events.ProductDeleted) -> None:
    """A deleted product's id never comes back, so no later snapshot revives it."""
    batch.products[event.product_id].deleted = True
