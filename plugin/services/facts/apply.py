"""Which function makes which event a fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plugin.services.batch import Batch, Told
from plugin.services.facts import catalogue, customers, orders, privacy, shop
from schemas import events
from schemas.events import Event

_HANDLERS: dict[type[Any], Callable[[Batch, Told, Any], None]] = {
    events.OrderPlaced: orders.order_placed,
    events.OrderEdited: orders.order_edited,
    events.OrderDeleted: orders.order_deleted,
    events.OrderRefunded: orders.order_refunded,
    events.ParcelShipped: orders.parcel_shipped,
    events.ParcelTracked: orders.parcel_tracked,
    events.ParcelDelivered: orders.parcel_tracked,
    events.ConsentChanged: customers.consent_changed,
    events.CustomerSeen: customers.customer_seen,
    events.CustomerDeleted: customers.customer_deleted,
    events.CustomersMerged: customers.customers_merged,
    events.CheckoutSeen: customers.checkout_seen,
    events.CheckoutDeleted: customers.checkout_deleted,
    events.ProductSeen: catalogue.product_seen,
    events.ProductDeleted: catalogue.product_deleted,
    events.ShopSeen: shop.shop_seen,
    events.AppUninstalled: shop.app_uninstalled,
    events.ScopesChanged: shop.scopes_changed,
    events.DataRequested: privacy.data_requested,
    events.CustomerRedacted: privacy.customer_redacted,
    events.ShopRedacted: privacy.shop_redacted,
}


def apply(batch: Batch, told: Told, event: Event) -> None:
    _HANDLERS[type(event)](batch, told, event)
