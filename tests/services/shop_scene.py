"""A shop with a token, a Shopify of a few lines behind it, and the errands worked off by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from plugin.services import errands, shop_tokens, sync
from plugin.services.shop_work import work_off
from plugin.services.sync import Progress
from plugin.store.models.platform import Errand
from plugin.store.models.shops import Shop
from tests.schemas import admin_shapes as shapes
from tests.schemas.admin_shapes import gid
from tests.services.fake_shopify import FakeShopify, connection, data
from tests.services.world import World, iso

Node = dict[str, Any]


class ShopScene:
    """`ctx` from a fixture; the shop is live, installed now, with a token, and its first synchronisation is due."""

    def __init__(self, world: World) -> None:
        self.world, self.ctx = world, world.ctx
        self.shopify = FakeShopify().attach(world.ctx)
        self.shop_id = int(world.row(Shop).id)
        shop_tokens.exchange(self.ctx, self.shop_id, "a.session.token")
        self.answer(products=[], orders=[], customers=[])

    def answer(self, **lists: list[Node]) -> None:
        """What the API tells: one page of each kind that is given."""
        answers = self.shopify.answers
        answers["ShopFacts"] = [data(shop=shapes.api_shop(), currentAppInstallation=None)]
        answers["ShopLocale"] = [data(shopLocales=[{"locale": "ko", "primary": True}])]
        answers["HowMany"] = [data(**{f"{kind}Count": {"count": len(rows)} for kind, rows in lists.items()})]
        answers["OrdersThere"] = [lambda variables: data(nodes=[{"id": id_} for id_ in variables["ids"]])]
        for kind, document in (("products", "ProductsPage"), ("orders", "OrdersPage"), ("customers", "CustomersPage")):
            if kind in lists:
                answers[document] = [data(**{kind: connection(*lists[kind])})]

    def changed(self, *orders: Node) -> None:
        """What the API lists as changed, and tells of each when asked."""
        light = [{key: node[key] for key in ("id", "updatedAt", "displayFinancialStatus", "cancelledAt")}
                 for node in orders]  # fmt: skip
        self.shopify.answers["OrdersChanged"] = [data(orders=connection(*light))]
        by_id = {node["id"]: node for node in orders}
        self.shopify.answers["OrderById"] = [lambda variables: data(order=by_id[variables["id"]])]

    def work(self, steps: int = 1000) -> int:
        """Work off what is due now; how many steps that took."""
        done = 0
        while done < steps and work_off(self.ctx):
            done += 1
        return done

    def due(self, kind: str | None = None) -> None:
        """The pause is over."""
        which = Errand.next_at.is_not(None) if kind is None else Errand.kind == kind
        with self.ctx.database.transaction() as session:
            session.execute(
                update(Errand)
                .where(Errand.shop_id == self.shop_id, which)
                .values(next_at=datetime.now(UTC) - timedelta(seconds=1))
            )

    def errand(self, kind: str) -> Errand | None:
        with self.ctx.database.reading() as session:
            return session.scalar(select(Errand).where(Errand.kind == kind))

    def progress(self) -> Progress:
        with self.ctx.database.reading() as session:
            found = sync.progress(session, self.shop_id)
        assert found is not None
        return found

    def synchronised(self) -> None:
        self.work()
        assert self.progress().state == "done"
        self.shopify.calls.clear()

    def ask(self, kind: str) -> None:
        with self.ctx.database.transaction() as session:
            errands.ask(session, self.shop_id, kind)


def api_order(number: int, at: datetime, **changes: Any) -> Node:
    """An order of the API with ids and moments of its own, the parcel delivered two days later."""
    node = shapes.api_order()
    node |= {"id": gid("Order", number), "name": f"#{number}", "createdAt": iso(at), "processedAt": iso(at),
             "updatedAt": iso(at)}  # fmt: skip
    node["lineItems"] = connection(*(line | {"id": gid("LineItem", number * 10 + place)} for place, line in
                                     enumerate(node["lineItems"]["nodes"])))  # fmt: skip
    node["fulfillments"], node["refunds"] = [], []
    return node | changes


def api_parcel(number: int, shipped: datetime, delivered: datetime | None = None) -> Node:
    """A parcel of the order's first line."""
    parcel: Node = shapes.api_order()["fulfillments"][0]
    return parcel | {
        "id": gid("Fulfillment", number * 100), "createdAt": iso(shipped), "updatedAt": iso(delivered or shipped),
        "displayStatus": "DELIVERED" if delivered else "FULFILLED",
        "deliveredAt": iso(delivered) if delivered else None,
        "fulfillmentLineItems": connection({"quantity": 2, "lineItem": {"id": gid("LineItem", number * 10)}}),
        "events": connection(),
    }  # fmt: skip
