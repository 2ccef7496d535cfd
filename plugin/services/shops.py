"""Shops: registering, finding, going live, leaving."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.platforms.shopify.webhook import SHOP
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.replanning import follow
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, dump_settings, load_settings

SHOPIFY = "shopify"
COMMAND_LINE = "command line"  # the actor of the change log


class UnknownShop(LookupError):
    """No such shop is registered."""


class BadShopDomain(ValueError):
    """Not the domain of a Shopify shop."""


def shop_code(platform: str, domain: str) -> str:
    """A short public name for a shop (10 characters), stable over re-installations."""
    return hashlib.sha256(f"{platform}:{domain}".encode()).hexdigest()[:10]


def find_shop(session: Session, domain: str, platform: str = SHOPIFY) -> Shop | None:
    return session.scalar(select(Shop).where(Shop.platform == platform, Shop.domain == domain.lower()))


def shop_of(session: Session, shop_id: int) -> Shop:
    """Raises UnknownShop."""
    shop = session.get(Shop, shop_id)
    if shop is None:
        raise UnknownShop(shop_id)
    return shop


def register(session: Session, domain: str, installed_at: datetime, platform: str = SHOPIFY) -> Shop:
    """Find the shop or add it, not live. Two processes that register it at once get the same row."""
    shop = find_shop(session, domain, platform)
    if shop:
        return shop
    code = shop_code(platform, domain)
    # Platforms tell whole seconds: an order of the same second is not older.
    installed_at = installed_at.replace(microsecond=0)
    shop = Shop(platform=platform, domain=domain, code=code, installed_at=installed_at, settings={})
    try:
        with session.begin_nested():
            session.add(shop)
    except IntegrityError:
        shop = find_shop(session, domain, platform)
        if shop is None:
            raise
    return shop


def add_shop(
    session: Session,
    ctx: Context,
    domain: str,
    live: bool = False,
    *,
    name: str | None = None,
    support_email: str | None = None,
    legal_name: str | None = None,
    postal_address: str | None = None,
) -> Shop:
    """Register a shop by hand, or change what is given of one that is there. `live` never takes a shop off.

    Raises BadShopDomain.
    """
    domain = domain.strip().lower()
    if not SHOP.fullmatch(domain):
        raise BadShopDomain(f"{domain!r} is not the domain of a Shopify shop (it ends in .myshopify.com)")
    shop = register(session, domain, ctx.clock.now())
    shop.name = name or shop.name
    given: dict[str, dict[str, Any]] = {
        "support": {"email": support_email},
        "brand": {"legal_name": legal_name, "postal_address": postal_address},
    }
    before = dict(shop.settings)
    settings = dict(before)
    for part, values in given.items():
        settings[part] = {**settings.get(part, {}), **{k: v for k, v in values.items() if v}}
    _save(shop, load_settings(settings))
    if before:
        record_change(session, shop.id, COMMAND_LINE, "settings", before, shop.settings, ctx.clock.now())
    if live:
        go_live(session, ctx, shop)
    return shop


def list_shops(session: Session) -> Sequence[Shop]:
    return session.scalars(select(Shop).order_by(Shop.domain)).all()


def configure(
    session: Session, ctx: Context, domain: str, data: dict[str, Any], actor: str = COMMAND_LINE
) -> Shop:
    """Replace a shop's settings, note it in the change log and replan what waits.

    Raises UnknownShop, marshmallow.ValidationError.
    """
    shop = find_shop(session, domain)
    if shop is None:
        raise UnknownShop(domain)
    before = shop.settings
    _save(shop, load_settings(data))
    record_change(session, shop.id, actor, "settings", before, shop.settings, ctx.clock.now())
    follow(session, ctx, shop)
    return shop


def go_live(session: Session, ctx: Context, shop: Shop, actor: str = COMMAND_LINE) -> None:
    """From now on messages leave. What waited for this is planned anew; what has gone stale is withheld."""
    if shop.live:
        return
    shop.live, shop.live_at = True, ctx.clock.now()
    record_change(session, shop.id, actor, "live", {"live": False}, {"live": True}, ctx.clock.now())
    follow(session, ctx, shop)


def pause(session: Session, ctx: Context, shop: Shop, actor: str = COMMAND_LINE) -> None:
    """Nothing leaves any more until the shop goes live again; everything goes on being recorded and planned."""
    if not shop.live:
        return
    shop.live, shop.live_at = False, None
    record_change(session, shop.id, actor, "live", {"live": True}, {"live": False}, ctx.clock.now())
    follow(session, ctx, shop)


def legally_named(shop: Shop) -> bool:
    """Whether marketing mail can say who sends it and from where, as the law asks."""
    brand = load_settings(shop.settings).brand
    return bool(brand.legal_name and (brand.postal_address or shop.address))


def uninstall(session: Session, shop: Shop, at: datetime) -> None:
    """The platform removed us: nothing leaves any more, secrets of the shop go at once, the rest at shop/redact."""
    session.execute(
        update(Shop).where(Shop.id == shop.id).values(live=False, live_at=None, uninstalled_at=at, scopes=None)
    )


def _save(shop: Shop, settings: ShopSettings) -> None:
    shop.settings = dump_settings(settings)
