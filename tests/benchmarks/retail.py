"""A real shop's year (UCI's Online Retail, CC BY 4.0, Chen, Sain and Guo 2012) as a shop of ours, up to some day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import insert

from plugin.services.context import Context
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.shops import Shop

FILE = Path("data") / "uci_online_retail.parquet"
ROWS = 1000  # of one insertion


@dataclass(frozen=True, slots=True)
class Basket:
    """An order: its products in a fixed order, each once."""

    placed_at: datetime
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retail:
    """`titles` and `prices` (minor units): each product's latest of the period."""

    baskets: list[Basket]
    titles: dict[str, str]
    prices: dict[str, int]

    @property
    def products(self) -> list[str]:
        return sorted(self.titles)


def read(shared: Path, begin: datetime, end: datetime) -> Retail:
    """What was sold from `begin` to before `end` (UTC): no cancellations, postage, fees or corrections."""
    rows = (
        pl.scan_parquet(shared / FILE)
        .filter(pl.col("invoice_date").is_between(begin.replace(tzinfo=None), end.replace(tzinfo=None), "left"))
        .filter(~pl.col("invoice_no").str.starts_with("C"), pl.col("quantity") > 0, pl.col("unit_price") > 0)
        .filter(pl.col("stock_code").str.contains(r"^\d{5}"))
        .with_columns(pl.col("stock_code").str.to_uppercase())
        .sort("invoice_date", "invoice_no", "stock_code")
        .collect()
    )
    orders = rows.group_by("invoice_no").agg(pl.col("invoice_date").min(), pl.col("stock_code").unique().sort())
    orders = orders.sort("invoice_date", "invoice_no")
    latest = rows.group_by("stock_code").agg(pl.col("description").drop_nulls().last(), pl.col("unit_price").last())
    facts = {code: (title or code, round(price * 100)) for code, title, price in latest.iter_rows()}
    return Retail(
        [Basket(at.replace(tzinfo=UTC), tuple(codes)) for _, at, codes in orders.iter_rows()],
        {code: title for code, (title, _) in facts.items()},
        {code: price for code, (_, price) in facts.items()},
    )


def open_shop(ctx: Context, sold: Retail, catalogue: Collection[Retail] = ()) -> int:
    """A shop that sold this and whose catalogue also has the products of `catalogue`. Returns its id."""
    with ctx.database.transaction() as session:
        shop = Shop(platform="shopify", domain="retail.myshopify.com", code="RETAIL", installed_at=ctx.clock.now(),
                    currency="GBP")  # fmt: skip
        session.add(shop)
        session.flush()
        products: dict[str, dict[str, Any]] = {}
        for told in (*catalogue, sold):
            for code, title in told.titles.items():
                products[code] = {"shop_id": shop.id, "platform_id": code, "title": title, "currency": "GBP",
                                  "price_minor": told.prices[code]}  # fmt: skip
        for some in _portions(list(products.values())):
            session.execute(insert(Product), some)
        orders = [
            {"shop_id": shop.id, "platform_id": str(number), "first_heard_at": one.placed_at, "lines": [],
             "placed_at": one.placed_at, "refunds": {}, "edits": {}, "version": "1"}
            for number, one in enumerate(sold.baskets)
        ]  # fmt: skip
        ids: list[int] = []
        for some in _portions(orders):
            ids += session.scalars(insert(Order).returning(Order.id, sort_by_parameter_order=True), some)
        purchases = [
            {"shop_id": shop.id, "order_id": id_, "product_id": code, "placed_at": one.placed_at,
             "title": sold.titles[code]}
            for id_, one in zip(ids, sold.baskets, strict=True) for code in one.products
        ]  # fmt: skip
        for some in _portions(purchases):
            session.execute(insert(Purchase), some)
        return shop.id


def _portions(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for place in range(0, len(rows), ROWS):
        yield list(rows[place : place + ROWS])
