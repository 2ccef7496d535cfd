"""A code of ours in a later order is recognised once, and given back when that order ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, World, compliance, iso, order

CODE = "DS-7QK2M-XW4RT"


def offered(world: World, code: str = CODE, number: int = 1001) -> int:
    """An offer that was made with order `number`; the row's id."""
    with world.ctx.database.transaction() as session:
        first = session.query(Order).filter_by(platform_id=str(number)).one()
        offer = Offer(
            shop_id=first.shop_id, order_id=first.id, purpose=f"cross_sell:{number}", tier="first_below", kind="amount",
            minor=500, currency="EUR", days=30, code=code, state="made", asked_at=world.now, made_at=world.now,
            expires_at=world.now + timedelta(days=30),
        )  # fmt: skip
        session.add(offer)
        session.flush()
        return offer.id


def using(world: World, number: int = 1002, code: str = CODE, **changes: Any) -> dict[str, Any]:
    rows = [{"code": code, "amount": "5.00", "type": "fixed_amount"}]
    return order(world.now, number, discount_codes=rows, **changes)


def redeemed(world: World) -> tuple[str | None, Any]:
    offer = world.row(Offer)
    return offer.redeemed_order_id, offer.redeemed_at


@pytest.fixture
def shop(both: World) -> World:
    both.hook("orders/create", order(both.now))
    offered(both)
    both.later(days=3)
    return both


def test_it_is_recognised_whatever_its_case(shop: World) -> None:
    shop.hook("orders/create", using(shop, code=CODE.lower()))
    assert redeemed(shop) == ("1002", shop.now)


def test_other_codes_and_other_shops_redeem_nothing(shop: World) -> None:
    shop.hook("orders/create", using(shop, code="TENOFF"))
    shop.add_shop("other.myshopify.com")
    shop.hook("orders/create", using(shop, 1003), domain="other.myshopify.com")
    assert redeemed(shop) == (None, None)


def test_once_however_often_it_is_told_of(shop: World) -> None:
    first = using(shop)
    shop.hook("orders/create", first)
    shop.later(hours=1)
    shop.hook("orders/create", using(shop, 1003))
    shop.hook("orders/updated", first | {"updated_at": iso(shop.now)})
    assert redeemed(shop)[0] == "1002"


def test_a_cancelled_order_gives_it_back(shop: World) -> None:
    placed = using(shop)
    shop.hook("orders/create", placed)
    shop.later(hours=1)
    shop.hook("orders/cancelled", placed | {"cancelled_at": iso(shop.now), "updated_at": iso(shop.now)})
    assert redeemed(shop) == (None, None)
    shop.hook("orders/create", using(shop, 1003))
    assert redeemed(shop)[0] == "1003"


def test_late_news_of_the_order_before_its_end_changes_nothing(shop: World) -> None:
    placed = using(shop)
    ended = placed | {"cancelled_at": iso(shop.now), "updated_at": iso(shop.now + timedelta(minutes=1))}
    shop.later(hours=1)
    shop.hook("orders/cancelled", ended)
    shop.hook("orders/create", placed)
    assert redeemed(shop) == (None, None)


def test_a_deleted_order_gives_it_back(shop: World) -> None:
    shop.hook("orders/create", using(shop))
    shop.hook("orders/delete", {"id": 1002})
    assert redeemed(shop) == (None, None)


def test_a_test_order_redeems_nothing(shop: World) -> None:
    shop.hook("orders/create", using(shop, test=True))
    assert redeemed(shop) == (None, None)


def test_on_an_index(sqlite_context: Any) -> None:
    world = World(sqlite_context)
    world.hook("orders/create", order(world.now))
    offered(world)
    world.receive("orders/create", using(world))
    with plans(world.ctx.database) as found:
        world.ingest()
    assert any("FROM offers" in statement for statement, _ in found)
    assert scans(found) == []


def test_erasure_takes_the_code(shop: World) -> None:
    shop.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    offer = shop.row(Offer)
    assert (offer.code, offer.platform_id, offer.kind) == (None, None, "amount")


def test_an_erased_shop_takes_its_offers(shop: World) -> None:
    shop.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    assert shop.rows(Offer) == []
    assert shop.rows(Shop) == []
