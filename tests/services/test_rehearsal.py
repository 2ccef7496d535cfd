"""A rehearsal over a shop's real rows: what it counts, what it leaves alone, and that its parts add up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from plugin.domain.flows import State
from plugin.domain.history import Left
from plugin.domain.timeline import plan
from plugin.services import histories, rehearsal
from plugin.services.context import Context
from plugin.services.rehearsal import Progress, rehearse
from plugin.services.shops import UnknownShop, find_shop
from plugin.store.models.base import Base
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import Cap, ShopSettings, StepSettings
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, World, consent, customer, order, parcel, refund, tracked

OTHER = "other.myshopify.com"


@pytest.fixture
def season(both: World) -> World:
    """One customer agreed, one did not, one unsubscribed, a guest has no address; and there is a test order."""
    world = both
    world.later(days=-60)
    for number, who in ((1001, 501), (1002, 502), (1003, 503)):
        mail = f"c{who}@example.com"
        known = order(world.now, number, customer=customer(who, email=mail), email=mail, contact_email=mail)
        world.hook("orders/create", known)
        world.hook("fulfillments/create", parcel(world.now + timedelta(days=1), order_id=number))
        world.hook("fulfillment_events/create", tracked(world.now + timedelta(days=3), order_id=number))
    world.hook("orders/create", order(world.now, 1004, customer=None, email=None, contact_email=None, phone=None))
    world.hook("orders/create", order(world.now, 1005, test=True, customer=customer(505), email="t@example.com"))
    world.hook("customers_email_marketing_consent/update", consent(world.now, mail="c501@example.com", number=501))
    word = consent(world.now, "unsubscribed", mail="c503@example.com", number=503)
    world.hook("customers_email_marketing_consent/update", word)
    world.later(days=60)
    return world


def shop_id(world: World, domain: str = DOMAIN) -> int:
    found: int = world.row(Shop, domain=domain).id
    return found


def contents(ctx: Context) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    with ctx.database.reading() as session:
        return {t.name: session.execute(select(func.count()).select_from(t)).scalar_one() for t in tables}


def by_step(progress: Progress) -> dict[str, int]:
    found: dict[str, int] = {}
    for (step, _), count in progress.tally.messages.items():
        found[step] = found.get(step, 0) + count
    return found


def test_what_would_go_and_what_would_not(season: World) -> None:
    done = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert done.finished
    assert (done.tally.orders, done.tally.people) == (5, 5)
    assert by_step(done) == {
        "thank_you": 3, "shipped": 3, "delivered": 3, "survey": 2, "cross_sell": 1, "cross_sell_follow_up": 1,
    }  # fmt: skip
    assert done.tally.silent == 2
    assert done.tally.orders_left_out == {"no_consent": 1, "unsubscribed": 1, "no_address": 1, "test": 1}
    assert done.tally.left_out_samples["unsubscribed"][0][1] == "#1003"
    assert done.tally.most_in_30[0] == 6
    assert done.tally.most_in_30[2] == "#1001"


def test_settings_as_edited_decide(season: World) -> None:
    off = ShopSettings(steps={"survey": StepSettings(enabled=False)}, marketing="soft_opt_in")
    steps = by_step(rehearse(season.ctx, shop_id(season), off))
    assert "survey" not in steps
    assert (steps["cross_sell"], steps["cross_sell_follow_up"]) == (2, 2)  # Germany allows the soft opt-in
    capped = rehearse(season.ctx, shop_id(season), ShopSettings(cap=Cap(messages=1, days=30)))
    assert by_step(capped)["survey"] == 2
    assert capped.tally.orders_left_out["capped"] == 1


def test_orders_before_the_installation_count_too(season: World) -> None:
    with season.ctx.database.transaction() as session:
        shop = session.get_one(Shop, shop_id(season))
        shop.installed_at, shop.live = season.now, False
    assert rehearse(season.ctx, shop_id(season), ShopSettings()).tally.sent == 13


def test_a_new_order_ends_the_cross_sell_only_when_it_came_before_it(season: World) -> None:
    mail = "c501@example.com"
    season.later(days=-40)
    season.hook("orders/create", order(season.now, 1011, customer=customer(501, email=mail), email=mail))
    season.later(days=40)
    done = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert by_step(done)["cross_sell"] == 1  # of #1001, which left before #1011 was placed
    assert done.tally.orders_left_out["bought_again"] == 0
    season.later(days=-54)
    season.hook("orders/create", order(season.now, 1013, customer=customer(501, email=mail), email=mail))
    season.later(days=54)
    done = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert by_step(done).get("cross_sell") is None
    assert done.tally.orders_left_out["bought_again"] == 1
    assert done.tally.orders_left_out["no_cross_sell"] == 1


def test_what_is_known_today_counts(season: World) -> None:
    season.hook("refunds/create", refund(season.now, {1: 2, 2: 2}, order_id=1001))
    done = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert done.tally.orders_left_out["ended"] == 1


def test_the_follow_up_is_the_plans_own(season: World) -> None:
    """The shortcut says what planning anew from the cross-sell's leaving would say."""
    edited = ShopSettings(steps={"cross_sell_follow_up": StepSettings(delay_minutes=5 * 24 * 60)})
    done = rehearse(season.ctx, shop_id(season), edited)
    days = {step: day for (step, day), _ in done.tally.messages.items()}
    with season.ctx.database.transaction() as session:
        shop = find_shop(session, DOMAIN)
        assert shop
        rows = session.query(Order).filter_by(platform_id="1001").all()
        (planning,) = histories.read(session, shop, rows)
        history = replace(planning.history, live=True, installed_at=planning.history.order.placed_at)
        first = next(m for m in plan(edited, history) if m.step == "cross_sell")
        left = Left(step="cross_sell", subject="1001", copy=0, state=State.SENT, at=first.due_at)
        follow_up = next(m for m in plan(edited, replace(history, left=(left,))) if m.step == "cross_sell_follow_up")
    assert follow_up.due_at
    assert days["cross_sell_follow_up"] == follow_up.due_at.date()


def test_nothing_is_sent_or_stored(season: World) -> None:
    before = contents(season.ctx)
    sink = len(season.sink.mails)
    statements: list[str] = []

    def heard(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement.split()[0].upper())

    event.listen(season.ctx.database.engine, "before_cursor_execute", heard)
    rehearse(season.ctx, shop_id(season), ShopSettings())
    event.remove(season.ctx.database.engine, "before_cursor_execute", heard)
    assert set(statements) <= {"SELECT", "BEGIN"}
    assert contents(season.ctx) == before
    assert len(season.sink.mails) == sink


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "IN_ONE_PART", 1)


def test_parts_in_any_process_add_up_to_the_whole(season: World, small_parts: None) -> None:
    whole = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert whole.parts == 5
    progress, requests = rehearse(season.ctx, shop_id(season), ShopSettings(), seconds=0), 1
    assert progress.done == 1
    while not progress.finished:
        carried = Progress.load(json.loads(json.dumps(progress.dump())))
        season.later(minutes=1)  # the window stays where it was
        progress, requests = rehearse(season.ctx, shop_id(season), ShopSettings(), carried, seconds=0), requests + 1
    assert requests == 5
    assert progress.tally.dump() == whole.tally.dump()


def test_another_shops_orders_are_not_in_it(season: World) -> None:
    season.add_shop(OTHER)
    season.hook("orders/create", order(season.now, 1001, email="x@example.com"), domain=OTHER)
    mine = rehearse(season.ctx, shop_id(season), ShopSettings())
    assert mine.tally.orders == 5
    assert rehearse(season.ctx, shop_id(season, OTHER), ShopSettings()).tally.orders == 1
    with pytest.raises(UnknownShop):
        rehearse(season.ctx, 999, ShopSettings())


def test_every_query_stands_on_an_index(world: World) -> None:
    world.hook("orders/create", order(world.now, 1001))
    world.hook("fulfillments/create", parcel(world.now, order_id=1001))
    with plans(world.ctx.database) as found:
        rehearse(world.ctx, shop_id(world), ShopSettings())
    assert scans(found) == []
