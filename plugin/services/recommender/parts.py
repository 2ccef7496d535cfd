"""A shop's order lines for a training: read once, in pages, and kept packed until it has ended.

The database is asked for each line once, however many turns the training takes and whichever workers take them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from plugin.services.recommender.live import TEACHES
from plugin.services.recommender.maths import Lines, Numbers
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.recommender import TrainingPart

PAGE = 20_000  # lines read at once
HISTORY = timedelta(days=730)  # after which an order tells a hundredth of what a new one does
MOST = 3_000_000  # lines that one shop learns from, the newest
_ORDERS, _PRODUCTS, _COUNTRIES, _DAYS = (np.dtype(kind) for kind in ("<i8", "<i4", "<i2", "<f4"))


@dataclass(frozen=True, slots=True)
class Place:
    """The last line that was read."""

    placed_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Goods:
    """A product of the catalogue as a training sees it."""

    product_id: str
    title: str
    kind: str | None
    vendor: str | None
    offered: bool


@dataclass(frozen=True, slots=True)
class Learnable:
    """All that a training begins with. `lines` number `products`; `countries` has the country of each line's order."""

    products: list[str]
    lines: Lines
    countries: list[str]


def read_page(session: Session, shop_id: int, until: datetime, after: Place | None) -> Sequence[Any]:
    """The next lines before business time `until`, the newest first. Tests and what was called off teach nothing."""
    p, o = Purchase, Order
    bound = after.placed_at if after else until
    query = (
        select(p.id, p.order_id, p.product_id, p.placed_at, o.country_code)
        .join(o, o.id == p.order_id)
        .where(p.shop_id == shop_id, p.placed_at <= bound, p.placed_at > until - HISTORY)
        .where(*TEACHES)
        .order_by(p.placed_at.desc(), p.id.desc())
        .limit(PAGE)
    )
    if after:
        query = query.where(or_(p.placed_at < bound, and_(p.placed_at == bound, p.id < after.id)))
    return session.execute(query).all()


def pack_lines(rows: Sequence[Any], until: datetime) -> bytes:
    products, countries = _Numbers(), _Numbers()
    orders = np.array([row.order_id for row in rows], _ORDERS)
    bought = np.array([products.of(row.product_id) for row in rows], _PRODUCTS)
    where = np.array([countries.of(row.country_code or "") for row in rows], _COUNTRIES)
    days = np.array([max((until - row.placed_at).total_seconds() / 86400, 0) for row in rows], _DAYS)
    head = json.dumps({"lines": len(rows), "products": list(products), "countries": list(countries)}).encode()
    return zlib.compress(b"%s\n" % head + b"".join(a.tobytes() for a in (orders, bought, where, days)), 1)


def read_parts(session: Session, shop_id: int, more_products: Iterable[str]) -> Learnable:
    """What `pack_lines` packed, in one. Every product has its number, those without a line among them; the same parts
    give the same numbers."""
    products, countries = _Numbers(more_products), _Numbers([""])
    found: list[list[Numbers]] = [[np.zeros(0, kind)] for kind in (_ORDERS, _PRODUCTS, _COUNTRIES, _DAYS)]
    parts = select(TrainingPart.packed).where(TrainingPart.shop_id == shop_id).order_by(TrainingPart.number)
    for packed in session.scalars(parts.execution_options(yield_per=1)):
        head, _, rest = zlib.decompress(packed).partition(b"\n")
        told, at, columns = json.loads(head), 0, []
        for kind in (_ORDERS, _PRODUCTS, _COUNTRIES, _DAYS):
            columns.append(np.frombuffer(rest, kind, told["lines"], at))
            at += told["lines"] * kind.itemsize
        columns[1] = np.array([products.of(id_) for id_ in told["products"]], _PRODUCTS)[columns[1]]
        columns[2] = np.array([countries.of(code) for code in told["countries"]], _COUNTRIES)[columns[2]]
        for all_of_it, column in zip(found, columns, strict=True):
            all_of_it.append(column)
    orders, bought, where, days = (np.concatenate(columns) for columns in found)
    names = list(countries)
    return Learnable(list(products), Lines(orders, bought, days, where), names)


def read_catalogue(session: Session, shop_id: int) -> list[Goods]:
    """By id, so that every turn of a training sees the same order of them."""
    p = Product
    rows = session.execute(
        select(p.platform_id, p.title, p.product_type, p.vendor, p.deleted, p.published)
        .where(p.shop_id == shop_id)
        .order_by(p.platform_id)
    )
    return [
        Goods(row.platform_id, row.title, row.product_type, row.vendor, row.published and not row.deleted)
        for row in rows
    ]


class _Numbers(dict[str, int]):
    """Gives each word its number, from 0."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        super().__init__()
        for word in words:
            self.of(word)

    def of(self, word: str) -> int:
        return self.setdefault(word, len(self))
