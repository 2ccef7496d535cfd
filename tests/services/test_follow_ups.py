"""What follows from a batch's cross-sells is planned for all of them at once, by somebody else if their worker dies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from plugin.services import follow_ups
from plugin.services.context import Context
from plugin.services.deliver import Courier, send_due
from plugin.store.models.messages import Message
from plugin.store.models.shops import Lease
from tests.services.world import Sink, World, consent, order, parcel, tracked

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """PostgreSQL alone: on SQLite each follow-up is planned as its cross-sell leaves."""
    return postgres_url


@pytest.fixture
def world(context: Context) -> World:
    world = World(context)
    start = world.now
    for number in (1001, 1002, 1003):
        who = {"customer": {"id": number}, "email": f"c{number}@example.com"}
        world.receive("customers_email_marketing_consent/update", consent(start, number=number, mail=who["email"]))
        world.receive("orders/create", order(start, number, **who))
        world.receive("fulfillments/create", parcel(start, order_id=number))
        world.receive("fulfillment_events/create", tracked(start, order_id=number))
    world.ingest()
    for _ in range(13):
        world.later(hours=12)
        world.send()
    world.sink.mails.clear()
    world.later(hours=12)
    return world


def owed(world: World) -> list[str]:
    with world.ctx.database.reading() as session:
        return list(session.scalars(select(Lease.name).where(Lease.name.startswith("follows:"))))


def follow_ups_of(world: World) -> list[str]:
    return [message.state for message in world.rows(Message, step="cross_sell_follow_up")]


def during(world: World, number: int, deed: Callable[[], None]) -> None:
    """Something happens while the message of that number is on its way."""
    seen: list[int] = []

    def before() -> None:
        seen.append(1)
        if len(seen) == number:
            deed()

    world.sink.before = before


def stop() -> None:
    raise KeyboardInterrupt


def test_a_batch_owes_until_it_has_planned(world: World) -> None:
    during(world, 2, lambda: seen.extend([owed(world), follow_ups_of(world)]))
    seen: list[list[str]] = []
    world.send()
    assert world.sink.steps() == ["cross_sell"] * 3
    assert [len(names) for names in seen] == [3, 3]
    assert set(seen[1]) == {"waiting"}
    assert owed(world) == []
    for message in world.rows(Message, step="cross_sell_follow_up"):
        cross_sell = world.message("cross_sell", order_id=message.order_id)
        assert (message.state, message.due_at) == ("planned", cross_sell.sent_at + timedelta(days=3))


def test_whatever_ends_a_batch_what_left_is_followed_up(world: World) -> None:
    during(world, 3, stop)
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert sorted(follow_ups_of(world)) == ["planned", "planned", "waiting"]
    assert owed(world) == []


def test_what_a_killed_worker_owes_is_planned_by_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(follow_ups, "keep", lambda *_: None)  # killed just before
        world.send()
    assert [m.state for m in world.rows(Message, step="cross_sell")] == ["sent"] * 3
    assert follow_ups_of(world) == ["waiting"] * 3
    other = Courier(Sink())
    send_due(world.ctx, other)
    assert follow_ups_of(world) == ["waiting"] * 3  # the other one may still be at it
    with world.ctx.database.transaction() as session:
        session.execute(update(Lease).values(until=datetime.now(UTC) - timedelta(seconds=1)))
    send_due(world.ctx, other)
    assert follow_ups_of(world) == ["planned"] * 3
    assert owed(world) == []


def test_planning_twice_changes_nothing(world: World) -> None:
    world.send()
    before = [(m.state, m.due_at) for m in world.rows(Message)]
    ids = [m.id for m in world.rows(Message, step="cross_sell")]
    follow_ups.keep(world.ctx, ids, "another")
    assert [(m.state, m.due_at) for m in world.rows(Message)] == before
