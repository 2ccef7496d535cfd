"""Shops with orders to be learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select

from plugin.services.context import Context
from plugin.services.recommend import Recommendation, recommend
from plugin.store.models.shops import Shop
from tests.services.test_recommend import Store
from tests.support.training import learn


class Scene:
    """Shops that sell, are trained, and suggest."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.ids: dict[str, int] = {}

    @contextmanager
    def selling(self, code: str = "TEA01") -> Iterator[Store]:
        with self.ctx.database.transaction() as session:
            if code in self.ids:
                store = Store.__new__(Store)
                store.session, store.shop, store.numbers = session, session.get_one(Shop, self.ids[code]), _later
            else:
                store = Store(session, f"{code.lower()}.myshopify.com", code)
                self.ids[code] = store.shop.id
            yield store

    def learn(self, code: str = "TEA01", between: Callable[[], object] = lambda: None) -> int:
        return learn(self.ctx, self.ids[code], between)

    def suggest(self, *seeds: str, code: str = "TEA01", exclude: tuple[str, ...] = (), **how: Any
                ) -> list[Recommendation]:  # fmt: skip
        with self.ctx.database.reading() as session:
            shop = session.get_one(Shop, self.ids[code])
            return recommend(session, shop, exclude=exclude, seeds=seeds, **how)

    def told(self, *seeds: str, **how: Any) -> list[tuple[str, str, int, str | None]]:
        return [(one.product_id, one.reason, one.buyers, one.because) for one in self.suggest(*seeds, **how)]

    def count(self, model: type) -> int:
        with self.ctx.database.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


_later = iter(range(10_000, 20_000))


def tea(scene: Scene) -> None:
    """Pots with cups (four orders) and trays (two), a lamp bought alone, a vase nobody has bought yet."""
    with scene.selling() as store:
        for product_id in ("pot", "cup", "tray", "lamp", "vase"):
            store.product(product_id)
        for _ in range(4):
            store.order("pot", "cup")
        for _ in range(2):
            store.order("pot", "tray")
        for _ in range(9):
            store.order("lamp")
