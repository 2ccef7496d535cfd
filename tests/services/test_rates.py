"""Send rates: the ramp and the windows as tables; what they hold back and what they never do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from plugin.config import ConfigError, load
from plugin.domain import rates
from plugin.domain.rates import DAY, HOUR, SECOND, Quota
from plugin.services.deliver import Courier, send_due
from plugin.store.models.messages import Message, SendQuota
from tests.services.test_ingest_together import together
from tests.services.world import Sink, World, order, parcel, tracked

FIRST = datetime(2026, 11, 2, 15, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


@pytest.mark.parametrize(
    ("now", "allowance"),
    [
        ("11-02T15:30", 50),
        ("11-02T23:59", 50),
        ("11-03T00:00", 100),
        ("11-04T12:00", 200),
        ("11-15T23:59", 50 * 2**13),
        ("11-16T00:00", None),
        ("11-01T00:00", 50),  # a clock that was set back
    ],
)
def test_the_ramp_doubles_daily(now: str, allowance: int | None) -> None:
    assert rates.warm_up_allowance(FIRST, at(now), 50) == allowance


@pytest.mark.parametrize(
    ("quota", "now", "length", "expected"),
    [
        (None, "11-02T15:30", HOUR, Quota(at("11-02T15:00"))),
        (Quota(at("11-02T15:00"), 7), "11-02T15:59", HOUR, Quota(at("11-02T15:00"), 7)),
        (Quota(at("11-02T15:00"), 7, 9), "11-02T16:00", HOUR, Quota(at("11-02T16:00"))),
        (Quota(at("11-02T15:00"), 7), "11-02T14:00", HOUR, Quota(at("11-02T15:00"), 7)),
        (Quota(at("11-02T00:00"), 7), "11-02T23:59", DAY, Quota(at("11-02T00:00"), 7)),
    ],
)
def test_a_window_begins_empty(quota: Quota | None, now: str, length: timedelta, expected: Quota) -> None:
    assert rates.current(quota, at(now), length) == expected


@pytest.mark.parametrize(
    ("used", "allowance", "wanted", "granted"),
    [(0, 10, 4, 4), (8, 10, 4, 2), (10, 10, 4, 0), (12, 10, 4, 0), (0, 10, 0, 0)],
)
def test_a_window_grants_what_it_has_left(used: int, allowance: int, wanted: int, granted: int) -> None:
    quota, got = rates.take(Quota(FIRST, used), allowance, wanted)
    assert (got, quota.used) == (granted, used + granted)


def test_what_is_put_off_is_spread_over_the_windows_to_come() -> None:
    quota, found = Quota(at("11-02T15:00"), 2), []
    for _ in range(5):
        quota, until = rates.put_off(quota, 2, HOUR)
        found.append(until)
    assert found == [at(f"11-02T{hour}:00") for hour in (16, 16, 17, 17, 18)]


# -- the provider's --------------------------------------------------------------------------------------------------
def limit(world: World, **limits: int) -> None:
    world.ctx.settings = replace(world.ctx.settings, **limits)


def next_window(world: World, length: timedelta) -> None:
    """As if so much machine time had passed."""
    with world.ctx.database.transaction() as session:
        for quota in session.scalars(select(SendQuota)):
            quota.window_at -= length


def many(world: World, count: int) -> None:
    for number in range(1001, 1001 + count):
        world.receive("orders/create", order(world.now, number, customer=None, email=f"c{number}@example.com"))
    world.ingest()


def hold_the_window(world: World) -> None:
    """Let the present window last for the whole test."""
    with world.ctx.database.transaction() as session:
        session.execute(update(SendQuota).values(window_at=datetime.now(UTC) + timedelta(hours=1)))


def test_the_providers_rate_holds_for_all_workers(both: World) -> None:
    many(both, 10)
    limit(both, email_max_per_second=1)
    assert send_due(both.ctx, both.courier) == 1
    hold_the_window(both)
    limit(both, email_max_per_second=6)
    couriers = [Courier(Sink()) for _ in range(3)]
    together(*[lambda courier=courier: send_due(both.ctx, courier) for courier in couriers])
    assert sum(len(courier.transport.mails) for courier in couriers) == 5  # type: ignore[attr-defined]
    assert both.send() == 0
    next_window(both, timedelta(hours=1, seconds=2))
    assert send_due(both.ctx, both.courier) == 4


def test_room_that_nobody_needed_is_given_back(both: World) -> None:
    many(both, 2)
    limit(both, email_max_per_second=5)
    assert send_due(both.ctx, both.courier, limit=1) == 1
    hold_the_window(both)
    assert used(both) == 1
    assert both.send() == 1
    assert used(both) == 2


def used(world: World) -> int:
    with world.ctx.database.reading() as session:
        return session.scalars(select(SendQuota.used)).one()


@pytest.mark.parametrize("wrong", ["0", "-1", "ten", "1.5", "10000000"])
def test_a_wrong_rate_stops_the_start(wrong: str) -> None:
    secrets = {"SECRET_KEY": "x" * 40, "ENCRYPTION_KEYS": "y"}
    with pytest.raises(ConfigError, match="EMAIL_MAX_PER_SECOND must be"):
        load(secrets | {"EMAIL_MAX_PER_SECOND": wrong})
    assert load(secrets | {"EMAIL_MAX_PER_SECOND": "25", "EMAIL_WARM_UP": "50"}).email_max_per_second == 25
    assert load(secrets).email_max_per_second is None


# -- a shop's, and a new domain's -------------------------------------------------------------------------------------
def surveys(world: World, count: int) -> None:
    """So many surveys are due now, and nothing else."""
    for number in range(1001, 1001 + count):
        who = {"customer": {"id": number}, "email": f"c{number}@example.com"}
        world.receive("orders/create", order(world.now, number, **who))
        world.receive("fulfillments/create", parcel(world.now, order_id=number))
        world.receive("fulfillment_events/create", tracked(world.now, order_id=number))
    world.ingest()
    world.send()
    world.later(minutes=11)
    world.send()
    world.sink.mails.clear()
    world.later(days=4)


@pytest.mark.parametrize("how", ["max_per_hour", "email_warm_up"])
def test_service_mail_waits_for_room_and_news_of_orders_never_does(both: World, how: str) -> None:
    surveys(both, 5)
    if how == "max_per_hour":
        both.configure(max_per_hour=2)
    else:
        limit(both, email_warm_up=2)
    both.send()
    assert both.sink.steps() == ["survey"] * 2
    waiting = both.rows(Message, step="survey", state="planned")
    assert len(waiting) == 3
    assert all(m.reason.startswith("deferred to ") for m in waiting)
    length = HOUR if how == "max_per_hour" else DAY
    first, second, third = sorted(m.ready_at - both.now for m in waiting)
    assert first <= second <= length < third <= 2 * length
    assert second - first < timedelta(minutes=1)
    both.hook("orders/create", order(both.now, 2001, customer={"id": 2001}, email="new@example.com"))
    both.send()
    assert both.sink.steps() == ["survey"] * 2 + ["thank_you"]
    next_window(both, length)
    both.ctx.clock.move(second)  # type: ignore[attr-defined]
    both.send()
    assert both.sink.steps()[3:].count("survey") == 2


def test_a_domain_that_was_warmed_up_is_not_held_back(both: World) -> None:
    surveys(both, 4)
    limit(both, email_warm_up=1)
    both.send()
    assert both.sink.steps() == ["survey"]
    with both.ctx.database.transaction() as session:
        session.execute(update(SendQuota).values(first_at=datetime.now(UTC) - timedelta(days=20)))
    both.later(days=5)
    both.send()
    assert both.sink.steps().count("survey") == 4


def test_a_second_is_a_window() -> None:
    assert rates.current(None, FIRST + timedelta(milliseconds=999), SECOND).window_at == FIRST
