"""The shops' tokens: got, kept secret, renewed by one process at a time, and never lost to a reply that is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from plugin.platforms.shopify.errors import Refused, Unavailable
from plugin.services import errands, leases, shop_tokens, sync
from plugin.services.context import Context
from plugin.services.shop_tokens import NoToken, TokenRefused, access_token, exchange, refresh_idle
from plugin.services.shops import UnknownShop
from plugin.store.models.platform import Errand, ShopToken
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import FakeShopify
from tests.services.world import DOMAIN, World

TOKEN = "a.session.token"


@pytest.fixture
def shopify(context: Context) -> Iterator[FakeShopify]:
    yield FakeShopify().attach(context)
    context.shopify.close()


@pytest.fixture
def world(context: Context, shopify: FakeShopify) -> World:
    return World(context)


def shop_id(world: World) -> int:
    return int(world.row(Shop, domain=DOMAIN).id)


def token_row(world: World) -> ShopToken | None:
    with world.ctx.database.reading() as session:
        return session.scalar(select(ShopToken))


def change(world: World, **values: Any) -> None:
    with world.ctx.database.transaction() as session:
        session.execute(update(ShopToken).values(**values))


def errand_kinds(world: World) -> dict[str, bool]:
    """Kind -> whether it is due."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    with world.ctx.database.reading() as session:
        return {row.kind: bool(row.next_at and row.next_at <= now) for row in session.scalars(select(Errand))}


def ago(**delta: float) -> datetime:
    return datetime.now(UTC) - timedelta(**delta)


# -- the exchange -----------------------------------------------------------------------------------------------------
def test_a_session_token_is_traded_for_an_expiring_one(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    (ask,) = shopify.grants
    assert ask["subject_token"] == TOKEN
    assert ask["requested_token_type"].endswith(":offline-access-token")
    assert ask["expiring"] == 1
    row = token_row(world)
    assert row is not None
    assert "shpat" not in row.access_token
    assert "shprt" not in str(row.refresh_token)
    assert row.scopes == ["read_orders", "write_customers"] == world.row(Shop).scopes
    assert timedelta(minutes=58) < row.access_expires_at - datetime.now(UTC) < timedelta(minutes=61)
    assert access_token(world.ctx, shop_id(world)) == "shpat_1"
    assert len(shopify.grants) == 1


def test_it_starts_the_first_synchronisation(world: World) -> None:
    with world.ctx.database.reading() as session:
        assert sync.progress(session, shop_id(world)) is None
    exchange(world.ctx, shop_id(world), TOKEN)
    with world.ctx.database.reading() as session:
        progress = sync.progress(session, shop_id(world))
    assert progress is not None
    assert (progress.state, progress.stage, progress.done, progress.of) == ("waiting", "shop", 0, None)
    assert errand_kinds(world)["first_sync"]


def test_with_a_good_token_nothing_is_asked(world: World, shopify: FakeShopify) -> None:
    for _ in range(3):
        exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(hours=5))  # its refresh token still holds
    exchange(world.ctx, shop_id(world), TOKEN)
    assert len(shopify.grants) == 1


@pytest.mark.parametrize("lost", [{"lapsed_at": datetime(2026, 11, 1, tzinfo=UTC)},
                                  {"refresh_expires_at": datetime(2026, 1, 1, tzinfo=UTC), "access_expires_at":
                                   datetime(2026, 1, 1, tzinfo=UTC)}])  # fmt: skip
def test_a_lapsed_one_is_replaced_and_what_it_held_up_goes_on(
    world: World, shopify: FakeShopify, lost: dict[str, Any]
) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, **lost)
    with world.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=None, attempts=2, reason="lapsed"))
    exchange(world.ctx, shop_id(world), TOKEN)
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"
    assert all(errand_kinds(world).values())


def test_what_shopify_refuses(world: World, shopify: FakeShopify) -> None:
    bad = httpx.Response(400, json={"error": "invalid_subject_token"})
    shopify.token_trouble = [bad, httpx.Response(400, json={"error": "invalid_client"}), httpx.ConnectError("x"),
                             httpx.Response(200, text="<html>"), httpx.Response(200, json={})]  # fmt: skip
    for error in (TokenRefused, TokenRefused, Unavailable, Unavailable, Unavailable):
        with pytest.raises(error):
            exchange(world.ctx, shop_id(world), TOKEN)
        assert token_row(world) is None
    with pytest.raises(UnknownShop):
        exchange(world.ctx, 999_999, TOKEN)
    with pytest.raises(NoToken, match="open the app"):
        access_token(world.ctx, shop_id(world))


def test_two_pages_that_open_at_once_get_one_token(world: World, shopify: FakeShopify) -> None:
    barrier = threading.Barrier(4)

    def open_app(_: int) -> None:
        barrier.wait()
        try:
            exchange(world.ctx, shop_id(world), TOKEN)
        except Unavailable:  # the other one is at it
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_app, range(4)))
    assert len(shopify.grants) == 1
    assert access_token(world.ctx, shop_id(world)) == "shpat_1"


# -- renewing ---------------------------------------------------------------------------------------------------------
def test_it_is_renewed_before_it_lapses(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=datetime.now(UTC) + timedelta(minutes=4))
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"
    assert shopify.grants[1]["refresh_token"] == "shprt_1"
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"
    assert len(shopify.grants) == 2


def test_many_at_once_renew_it_once(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(minutes=1))
    barrier = threading.Barrier(6)

    def ask(_: int) -> str:
        barrier.wait()
        return access_token(world.ctx, shop_id(world))

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {"shpat_2"}
    assert len(shopify.grants) == 2


def test_one_that_the_api_refused_is_replaced_once(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    mine = shop_id(world)
    assert access_token(world.ctx, mine, spent="shpat_1") == "shpat_2"
    assert access_token(world.ctx, mine, spent="shpat_1") == "shpat_2", "another process has replaced it meanwhile"
    assert len(shopify.grants) == 2


def test_a_reply_that_is_lost_costs_nothing(world: World, shopify: FakeShopify) -> None:
    """Shopify handed out a new pair that nobody received: the old refresh token holds until the new one is used."""
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(minutes=1))
    shopify.lose_reply = True
    with pytest.raises(Unavailable):
        access_token(world.ctx, shop_id(world))
    assert access_token(world.ctx, shop_id(world)) == "shpat_3"
    assert [ask.get("refresh_token") for ask in shopify.grants[1:]] == ["shprt_1", "shprt_1"]


def test_a_process_that_dies_while_renewing_holds_up_nobody_for_long(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=datetime.now(UTC) + timedelta(minutes=2))
    with world.ctx.database.transaction() as session:
        assert leases.acquire(session, f"token:{shop_id(world)}", "the dead", 0.8)
    assert access_token(world.ctx, shop_id(world)) == "shpat_1", "what is left of the old one is still good"
    change(world, access_expires_at=ago(minutes=1))
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"


def test_a_lapse_is_told_and_not_tried_again(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(minutes=1))
    shopify.refresh.clear()
    for _ in range(2):
        with pytest.raises(NoToken, match="lapsed"):
            access_token(world.ctx, shop_id(world))
    assert len(shopify.grants) == 2


def test_a_wrong_secret_of_ours_lapses_no_shop(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(minutes=1))
    shopify.token_trouble = [httpx.Response(400, json={"error": "invalid_client"})]
    with pytest.raises(Refused):
        access_token(world.ctx, shop_id(world))
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"


def test_idle_tokens_are_renewed(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    assert refresh_idle(world.ctx) == 0
    change(world, renewed_at=ago(days=8))
    assert refresh_idle(world.ctx) == 1
    with world.ctx.database.transaction() as session:
        session.execute(update(Errand).where(Errand.kind != "token").values(next_at=None))
    claimed = errands.claim(world.ctx)
    assert claimed is not None
    shop_tokens.step(world.ctx, claimed)
    assert len(shopify.grants) == 2
    assert refresh_idle(world.ctx) == 0
    assert not errands.anything_waiting(world.ctx)


# -- leaving and coming back ------------------------------------------------------------------------------------------
def test_with_the_app_its_tokens_go_at_once(world: World) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    world.later(hours=1)
    world.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    assert token_row(world) is None
    assert errand_kinds(world) == {}
    with pytest.raises(NoToken):
        access_token(world.ctx, shop_id(world))


def test_a_token_on_its_way_while_the_app_is_removed_is_not_kept(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    change(world, access_expires_at=ago(minutes=1))
    original = shopify._grant

    def removed_meanwhile(ask: dict[str, Any]) -> httpx.Response:
        world.later(hours=1)
        world.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
        return original(ask)

    shopify._grant = removed_meanwhile  # type: ignore[method-assign]
    with pytest.raises(NoToken, match="removed"):
        access_token(world.ctx, shop_id(world))
    assert token_row(world) is None


def test_installed_again_it_begins_anew(world: World, shopify: FakeShopify) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    world.later(hours=1)
    world.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    world.later(hours=1)
    exchange(world.ctx, shop_id(world), TOKEN)
    shop = world.row(Shop)
    assert (shop.uninstalled_at, shop.installed_at, shop.live) == (None, world.now, False)
    assert access_token(world.ctx, shop_id(world)) == "shpat_2"
    assert errand_kinds(world)["first_sync"]
    # The old word about the removal, delivered late, ends nothing.
    world.hook("app/uninstalled", {"id": 1, "domain": DOMAIN}, triggered_at=world.now - timedelta(hours=1, minutes=1))
    assert token_row(world) is not None


def test_a_shop_that_installed_us_unheard_gets_its_token_when_it_opens_the_app(
    world: World, shopify: FakeShopify
) -> None:
    quiet = "quiet.myshopify.com"
    world.hook("shop/update", {"name": "Quiet", "domain": "quiet.example", "myshopify_domain": quiet}, domain=quiet)
    shop = world.row(Shop, domain=quiet)
    assert not shop.live
    with pytest.raises(NoToken):
        access_token(world.ctx, shop.id)
    exchange(world.ctx, shop.id, TOKEN)
    assert access_token(world.ctx, shop.id) == "shpat_1"
    assert world.row(Shop, domain=quiet).installed_at == shop.installed_at


def test_changed_scopes_are_kept_and_let_what_was_denied_try_again(world: World) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    later = datetime.now(UTC) + timedelta(hours=6)
    with world.ctx.database.transaction() as session:
        session.execute(update(Errand).values(next_at=later, attempts=1, reason="a scope is missing"))
    payload = {"id": 1, "previous": [], "current": ["read_orders", "read_products"], "updated_at": str(world.now)}
    world.hook("app/scopes_update", payload)
    row = token_row(world)
    assert row is not None
    assert row.scopes == ["read_orders", "read_products"] == world.row(Shop).scopes
    assert all(errand_kinds(world).values())


def test_an_erased_shop_leaves_nothing(world: World) -> None:
    exchange(world.ctx, shop_id(world), TOKEN)
    world.later(hours=1)
    world.hook("app/uninstalled", {"id": 1, "domain": DOMAIN})
    world.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    assert token_row(world) is None
    assert errand_kinds(world) == {}
