"""What was told about the shop itself."""

from __future__ import annotations

from dataclasses import asdict

from plugin.services import shop_tokens
from plugin.services.batch import Batch, Told
from plugin.services.facts.orders import cut
from plugin.services.shops import uninstall
from schemas import events


def shop_seen(batch: Batch, told: Told, event: events.ShopSeen) -> None:
    shop = batch.shop
    told_at = min(event.updated_at or told.triggered_at or told.received_at, told.received_at)
    if shop.told_at and told_at < shop.told_at:
        return
    shop.told_at = told_at
    shop.name, shop.email = event.name or shop.name, event.customer_email or event.email
    shop.phone = cut(event.phone, 60)
    shop.storefront = event.domain
    shop.address = asdict(event.address) if event.address else None
    shop.currency, shop.locale = event.currency, event.locale
    shop.timezone = event.timezone or shop.timezone


def app_uninstalled(batch: Batch, told: Told, event: events.AppUninstalled) -> None:
    at = min(told.triggered_at or told.received_at, told.received_at)
    if at >= batch.shop.installed_at:  # an old word does not end a newer installation
        uninstall(batch.session, batch.shop, at)
        shop_tokens.forget(batch.session, batch.shop.id)


def scopes_changed(batch: Batch, told: Told, event: events.ScopesChanged) -> None:
    batch.shop.scopes = list(event.scopes)
    shop_tokens.scopes_changed(batch.session, batch.shop.id, list(event.scopes))
