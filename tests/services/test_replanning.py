"""Settings of a large shop change at once and its orders are planned anew in the background: nothing leaves that the
new settings do not let leave, however far the background is and whatever happens to it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from plugin.clock import FixedClock
from plugin.config import Settings
from plugin.services import errands, replanning
from plugin.services.context import Context
from plugin.services.errands import REPLAN
from plugin.services.plan import plan_orders
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shop_work import work_off
from plugin.services.shops import find_shop, go_live, pause
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.platform import Errand
from plugin.store.models.shops import Shop
from plugin.store.session import Database
from schemas.settings import STEPS, ShopSettings, load_settings
from tests.services.world import DOMAIN, World, customer, order, parcel, tracked
from tests.support.fakes import RecordingQueues

DAY = 24 * 60


@pytest.fixture(autouse=True)
def every_shop_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "FEW", 0)
    monkeypatch.setattr(replanning, "BATCH", 2)


@pytest.fixture
def at_once(settings: Settings, clock: FixedClock, sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    """Another installation under the same clock, where every change is followed to its end at once."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'at_once.db')}")
    yield World(Context(settings, database, clock, RecordingQueues()))
    database.dispose()


def settings_of(world: World) -> ShopSettings:
    return load_settings(world.row(Shop).settings)


def change(world: World, edited: ShopSettings) -> None:
    with world.ctx.database.transaction() as session:
        change_settings(session, world.ctx, locked_shop(session, world.row(Shop).id), edited, "a test")


def delayed(world: World, step: str, minutes: int, enabled: bool = True) -> ShopSettings:
    settings = settings_of(world)
    one = replace(settings.step(step), delay_minutes=minutes, enabled=enabled)
    return replace(settings, steps={**settings.steps, step: one})


def finish(world: World) -> int:
    """Let the background end it; how many steps that took."""
    steps = 0
    while work_off(world.ctx):
        steps += 1
    assert not world.row(Shop).plans_behind
    return steps


def sent(world: World) -> set[str]:
    return {str(mail["X-Entity-Ref-ID"]) for mail in world.sink.parsed()}


def calendar(world: World) -> list[tuple[Any, ...]]:
    return [(m.order_id, m.step, m.subject, m.copy, m.state, m.reason, m.due_at) for m in world.rows(Message)]


def test_a_change_is_in_force_at_once_and_the_plans_follow(both: World) -> None:
    for number in range(1001, 1006):
        both.hook("orders/create", order(both.now, number, customer=customer(number)))
        both.hook("fulfillments/create", parcel(both.now, order_id=number))
    due = {m.due_at for m in both.rows(Message, step="shipped")}
    change(both, delayed(both, "shipped", 60))
    assert settings_of(both).delay_minutes("shipped") == 60
    assert {m.due_at for m in both.rows(Message, step="shipped")} == due
    with both.ctx.database.reading() as session:
        assert replanning.progress(session, both.row(Shop).id) == replanning.Replanning(0, None, stuck=False)
    work_off(both.ctx)
    with both.ctx.database.reading() as session:
        assert replanning.progress(session, both.row(Shop).id) == replanning.Replanning(2, 5, stuck=False)
    assert finish(both) == 3
    assert {m.due_at for m in both.rows(Message, step="shipped")} == {at + timedelta(minutes=50) for at in due}
    with both.ctx.database.reading() as session:
        assert replanning.progress(session, both.row(Shop).id) is None


def test_what_moved_later_does_not_leave_before_its_order_is_planned_anew(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.hook("fulfillments/create", parcel(both.now))
    both.send()
    change(both, delayed(both, "shipped", 60))
    both.later(minutes=20)
    both.send()  # due by the old plan
    assert "shipped" not in both.sink.steps()
    assert both.message("shipped").due_at == both.now + timedelta(minutes=40)
    both.later(minutes=41)
    both.send()  # and the background has not begun yet
    assert "shipped" in both.sink.steps()


def test_a_claim_made_before_the_change_is_no_leave(both: World) -> None:
    """Claimed by the old plan, the settings change while the mail before it is on its way."""
    for number in (1001, 1002):
        both.hook("orders/create", order(both.now, number, customer=customer(number)))

    def then() -> None:
        both.sink.before = None
        change(both, delayed(both, "thank_you", 60))

    both.sink.before = then
    both.send()
    assert both.sink.steps() == ["thank_you"]
    both.later(minutes=61)
    both.send()
    assert both.sink.steps() == ["thank_you"] * 2


def test_a_second_change_begins_anew_and_the_worker_of_the_first_changes_nothing(both: World) -> None:
    for number in range(1001, 1004):
        both.hook("orders/create", order(both.now, number, customer=customer(number)))
    change(both, delayed(both, "survey", 5 * DAY))
    slow = errands.claim(both.ctx)
    assert slow
    change(both, delayed(both, "thank_you", 30))
    with pytest.raises(errands.LostClaim):
        replanning.step(both.ctx, slow)
    assert both.row(Shop).plans_behind
    finish(both)
    assert {m.due_at for m in both.rows(Message, step="thank_you")} == {both.now + timedelta(minutes=30)}


def test_it_outlives_an_uninstallation(both: World) -> None:
    """What is left of the API's work goes; the plans must follow all the same, for the shop may come back."""
    both.hook("orders/create", order(both.now))
    change(both, delayed(both, "thank_you", 30))
    with both.ctx.database.transaction() as session:
        errands.forget(session, both.row(Shop).id)
    finish(both)


def test_old_orders_with_something_to_decide_are_planned_too(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.later(days=130)
    for number in (1002, 1003):
        both.hook("orders/create", order(both.now, number, customer=customer(number)))
    change(both, delayed(both, "survey", 5 * DAY, enabled=False))
    finish(both)
    assert {m.reason for m in both.rows(Message, step="survey")} == {"this step is switched off"}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_leaves_that_the_settings_in_force_do_not_let_leave(both: World, at_once: World, seed: int) -> None:
    """Two installations live through the same, one whose changes are followed to the end at once, and one whose
    background goes on now and then and is killed in between. At no time did the second send what the first had not."""
    dice = random.Random(seed)
    worlds = (both, at_once)
    for day in range(24):
        number = 1001 + day
        if day < 12:
            placed = order(both.now, number, customer=customer(501 + day % 5), buyer_accepts_marketing=day % 2 == 0)
            for world in worlds:
                world.hook("orders/create", placed)
                world.hook("fulfillments/create", parcel(world.now, order_id=number))
        if 3 <= day < 15:
            for world in worlds:
                world.hook("fulfillment_events/create", tracked(world.now, order_id=number - 3))
        if dice.random() < 0.6:
            _same_change(worlds, dice)
        finish(at_once)
        for _ in range(dice.randrange(3)):
            _go_on(both, dice)
        for _ in range(4):
            both.later(hours=dice.choice((1, 5, 12)))  # the clock is the same
            for world in worlds:
                world.send(limit=dice.choice((3, 100)))
            assert sent(both) <= sent(at_once)
    _again(both)
    finish(both)
    planned = calendar(both)
    with both.ctx.database.transaction() as session:
        ids = session.scalars(select(Order.id)).all()
        plan_orders(session, both.ctx, session.scalars(select(Shop)).one(), ids)
    assert calendar(both) == planned
    assert len(sent(both)) > 12


def _same_change(worlds: tuple[World, World], dice: random.Random) -> None:
    step, minutes = dice.choice(STEPS), dice.choice((0, 10, 300, DAY, 3 * DAY, 6 * DAY))
    kind, enabled = dice.random(), dice.random() < 0.7
    for world in worlds:
        if kind < 0.7:
            change(world, delayed(world, step, minutes, enabled))
        elif kind < 0.85:
            settings = settings_of(world)
            change(world, replace(settings, marketing="consent" if settings.marketing != "consent" else "soft_opt_in"))
        else:
            with world.ctx.database.transaction() as session:
                shop = find_shop(session, DOMAIN)
                assert shop
                (pause if shop.live else go_live)(session, world.ctx, shop)


def _go_on(world: World, dice: random.Random) -> None:
    """One step of the background; or it is killed in the middle of one, or between taking it up and beginning."""
    fate = dice.random()
    if fate < 0.5:
        work_off(world.ctx)
        return
    claimed = errands.claim(world.ctx)
    if claimed and fate < 0.8:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(errands, "proceed", _killed)
            with pytest.raises(KeyboardInterrupt):
                replanning.step(world.ctx, claimed)
    if claimed and dice.random() < 0.7:
        _again(world)


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _again(world: World) -> None:
    """The killed worker's lease is over."""
    with world.ctx.database.transaction() as session:
        session.execute(
            update(Errand).where(Errand.kind == REPLAN, Errand.next_at.is_not(None)).values(
                next_at=datetime.now(UTC) - timedelta(seconds=1)
            )
        )  # fmt: skip
