"""What a batch of claimed messages is decided and written from: read with one query of each kind, not one for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, literal_column, null, or_, select
from sqlalchemy.orm import Session

from plugin.content.model import ShopView
from plugin.domain.consent import ConsentWords
from plugin.services.mending_words import MendingWords, mending_words
from plugin.services.recommend import Recommendation, recommend
from plugin.services.reviews import Shown as Review
from plugin.services.reviews import shown_reviews
from plugin.services.suggestions import Suggestions
from plugin.store.models.customers import Consent, Suppression
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.shops import Shop
from schemas.events import Channel
from schemas.settings import ShopSettings, load_settings


@dataclass(frozen=True, slots=True)
class Seal:
    """The versions of the rows that a message was decided and written from (PostgreSQL's xmin), as text."""

    shop: str
    order: str
    consent: str | None
    parcels: str | None


@dataclass
class Desk:
    """The facts of some messages, as they were when the desk was laid out. Reads more while its session is open."""

    session: Session
    shops: dict[int, Shop]
    orders: dict[int, Order]
    parcels: dict[int, list[Parcel]]  # by order; those that a snapshot told of
    consents: dict[tuple[int, str], ConsentWords]  # by shop and address
    suppressed: dict[tuple[int, str], str]
    products: dict[tuple[int, str], Product]
    seals: dict[int, Seal]  # by message
    remembered: tuple[Suggestions, datetime] | None = None  # None: every search is made anew
    mended: dict[int, MendingWords] = field(default_factory=dict)  # by message
    shop_views: dict[int, ShopView] = field(default_factory=dict)  # by shop, once made
    _settings: dict[int, ShopSettings] = field(default_factory=dict)
    _reviews: dict[tuple[int, str, str], Review | None] = field(default_factory=dict)  # by shop, product and language

    def settings_of(self, shop: Shop) -> ShopSettings:
        """Parsed once. Raises marshmallow.ValidationError."""
        if shop.id not in self._settings:
            self._settings[shop.id] = load_settings(shop.settings)
        return self._settings[shop.id]

    def suggestions(self, shop: Shop, order: Order, seeds: Sequence[str], limit: int) -> list[Recommendation]:
        """What to suggest to the customer of this order, who has none of it."""
        had = self._had.get(order.customer_id or 0, set()) | self._in_order.get(order.id, set())
        if self.remembered is None:
            return recommend(
                self.session, shop, exclude=had | set(seeds), seeds=seeds, limit=limit, country=order.country_code
            )
        suggestions, now = self.remembered
        return suggestions.find(self.session, shop, had, seeds, limit, now, order.country_code)

    def reviews(self, shop: Shop, product_ids: Sequence[str], language: str) -> dict[str, Review]:
        """The newest approved review of each product that has one. Read once for a batch, and never remembered beyond
        it: a customer may take their words back at any moment."""
        new = [id_ for id_ in product_ids if (shop.id, id_, language) not in self._reviews]
        if new:
            found = shown_reviews(self.session, shop.id, new, language)
            self._reviews |= {(shop.id, id_, language): found.get(id_) for id_ in new}
        kept = {id_: self._reviews[shop.id, id_, language] for id_ in product_ids}
        return {id_: review for id_, review in kept.items() if review is not None}

    @cached_property
    def _had(self) -> dict[int, set[str]]:
        """What each customer has bought."""
        customers = {order.customer_id for order in self.orders.values() if order.customer_id}
        return _sets(
            self.session.execute(
                select(Order.customer_id, Purchase.product_id)
                .join(Purchase, Purchase.order_id == Order.id)
                .where(Order.customer_id.in_(customers), Purchase.shop_id == Order.shop_id)
            )
        )

    @cached_property
    def _in_order(self) -> dict[int, set[str]]:
        """What is in the orders of nobody known."""
        ids = [order.id for order in self.orders.values() if not order.customer_id]
        if not ids:
            return {}
        return _sets(
            self.session.execute(select(Purchase.order_id, Purchase.product_id).where(Purchase.order_id.in_(ids)))
        )


def lay_out(
    session: Session, messages: Sequence[Message], remembered: tuple[Suggestions, datetime] | None = None
) -> Desk:
    """Read the facts of these messages. `remembered`: may answer for a search, at that business time."""
    sealed = session.get_bind().dialect.name == "postgresql"
    shop_rows = _versioned(session, Shop, Shop.id.in_({message.shop_id for message in messages}), sealed)
    order_rows = _versioned(session, Order, Order.id.in_({message.order_id for message in messages}), sealed)
    shops = {shop.id: shop for shop, _ in shop_rows}
    orders = {order.id: order for order, _ in order_rows}
    parcels: defaultdict[int, list[Parcel]] = defaultdict(list)
    versions: defaultdict[int, list[str]] = defaultdict(list)
    for parcel, version in _versioned(session, Parcel, Parcel.order_id.in_(orders), sealed):
        versions[parcel.order_id].append(version)
        if parcel.version is not None:
            parcels[parcel.order_id].append(parcel)
    addresses = {(order.shop_id, order.address) for order in orders.values() if order.address}
    consents, consent_versions = _consents(session, addresses, sealed)
    seals = {}
    if sealed:
        of_shop = {shop.id: version for shop, version in shop_rows}
        of_order = {order.id: version for order, version in order_rows}
        for message in messages:
            order = orders[message.order_id]
            seals[message.id] = Seal(
                of_shop[message.shop_id],
                of_order[order.id],
                consent_versions.get((order.shop_id, order.address or "")),
                ",".join(versions[order.id]) or None,
            )
    return Desk(
        session=session,
        shops=shops,
        orders=orders,
        parcels=dict(parcels),
        consents=consents,
        suppressed=_suppressed(session, addresses),
        products=_products(session, orders.values()),
        seals=seals,
        remembered=remembered,
        mended=mending_words(session, messages),
    )


def _versioned(session: Session, model: type[Any], condition: Any, sealed: bool) -> list[tuple[Any, str]]:
    """Rows with the version of each, in the order of their ids. The two come from one look at the row."""
    version = literal_column(f"{model.__tablename__}.xmin::text") if sealed else null()
    return [(row[0], row[1]) for row in session.execute(select(model, version).where(condition).order_by(model.id))]


def _consents(
    session: Session, addresses: Collection[tuple[int, str]], sealed: bool
) -> tuple[dict[tuple[int, str], ConsentWords], dict[tuple[int, str], str]]:
    if not addresses:
        return {}, {}
    c = Consent
    version: ColumnElement[Any] = literal_column("consents.xmin::text") if sealed else null()
    rows = session.execute(
        select(c.shop_id, c.address, c.subscribed_at, c.opted_out_at, c.checkbox_at, c.neutral_at, version).where(
            c.channel == Channel.EMAIL, _among(c, addresses)
        )
    ).all()
    words = {(row[0], row[1]): ConsentWords(row[2], row[3], row[4], row[5]) for row in rows}
    versions: dict[tuple[int, str], str] = {(row[0], row[1]): row[6] for row in rows if row[6]}
    return words, versions


def _suppressed(session: Session, addresses: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    if not addresses:
        return {}
    s = Suppression
    rows = session.execute(
        select(s.shop_id, s.address, s.cause).where(
            s.channel == Channel.EMAIL, s.cause != "lifted", _among(s, addresses)
        )
    )
    return {(row[0], row[1]): row[2] for row in rows}


def _among(model: type[Consent] | type[Suppression], addresses: Iterable[tuple[int, str]]) -> ColumnElement[bool]:
    """A list of addresses for each shop: fifty pairs would be fifty conditions to plan."""
    return or_(
        *(
            (model.shop_id == shop_id) & model.address.in_(sorted(theirs))
            for shop_id, theirs in _sets(addresses).items()
        )
    )


def _products(session: Session, orders: Iterable[Order]) -> dict[tuple[int, str], Product]:
    wanted: defaultdict[int, set[str]] = defaultdict(set)
    for order in orders:
        wanted[order.shop_id] |= {line["product_id"] for line in order.lines if line["product_id"]}
    conditions = [(Product.shop_id == shop_id) & Product.platform_id.in_(ids) for shop_id, ids in wanted.items() if ids]
    if not conditions:
        return {}
    return {(p.shop_id, p.platform_id): p for p in session.scalars(select(Product).where(or_(*conditions)))}


def _sets(rows: Iterable[Any]) -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for key, value in rows:
        found[key].add(value)
    return dict(found)
