"""The merchant's pages on using a product, which messages after delivery link to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import shop_of
from plugin.store.models.orders import Product
from schemas.settings import dump_settings, load_settings

FOUND = 20  # products of one search


@dataclass(frozen=True, slots=True)
class HowTo:
    """A product and its page; `url` blank: none. `title` of a product that is gone is its id."""

    product_id: str
    title: str
    url: str


def how_to_pages(session: Session, shop_id: int, search: str = "") -> list[HowTo]:
    """The products that have a page, and those whose title holds `search`. Raises UnknownShop."""
    told = load_settings(shop_of(session, shop_id).settings).how_to
    p = Product
    mine = (p.shop_id == shop_id, p.deleted.is_(False))
    titles = product_titles(session, shop_id, told)
    found = [HowTo(id_, titles.get(id_, id_), url) for id_, url in told.items()]
    if search:
        like = p.title.icontains(search, autoescape=True)
        rows = session.execute(select(p.platform_id, p.title).where(*mine, like).order_by(p.title).limit(FOUND))
        found += [HowTo(id_, title, "") for id_, title in rows if id_ not in told]
    return sorted(found, key=lambda one: (not one.url, one.title))


def product_titles(session: Session, shop_id: int, ids: Collection[str]) -> dict[str, str]:
    """Platform id -> title, of those that the shop still has."""
    p = Product
    mine = (p.shop_id == shop_id, p.deleted.is_(False), p.platform_id.in_(ids))
    rows = session.execute(select(p.platform_id, p.title).where(*mine)) if ids else ()
    return {row.platform_id: row.title for row in rows}


def save_how_to(session: Session, ctx: Context, shop_id: int, actor: str, urls: Mapping[str, str]) -> None:
    """Set the page of each product given; a blank one takes it away. Raises marshmallow.ValidationError."""
    shop = locked_shop(session, shop_id)
    settings = load_settings(shop.settings)
    told = {**settings.how_to, **{id_: url.strip() for id_, url in urls.items()}}
    edited = replace(settings, how_to={id_: url for id_, url in told.items() if url})
    change_settings(session, ctx, shop, load_settings(dump_settings(edited)), actor, "how_to")
