"""The three compliance requests: collect a customer's data, erase a customer, erase a shop."""

from __future__ import annotations

from plugin.services import erase, reports
from plugin.services.batch import Batch, Told
from schemas import events


def data_requested(batch: Batch, told: Told, event: events.DataRequested) -> None:
    reports.collect(batch.session, batch.ctx, batch.shop, event, told.received_at)


def customer_redacted(batch: Batch, told: Told, event: events.CustomerRedacted) -> None:
    batch.session.flush()
    batch.replan |= erase.erase_customer(batch.session, batch.ctx, batch.shop, event)
    erase.forget_body(batch.session, told.receipt_id)


def shop_redacted(batch: Batch, told: Told, event: events.ShopRedacted) -> None:
    """Unless the shop has been installed again since: then the request is about an installation that is gone."""
    at = told.triggered_at or told.received_at
    if batch.shop.uninstalled_at or at >= batch.shop.installed_at:
        batch.erase_shop = True
