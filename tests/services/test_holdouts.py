"""A customer in a step's holdout: planned like everybody, kept back at the last moment, and never written to after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.holdout import KEPT_OUT, TO_BE_KEPT_OUT, kept_out
from plugin.services.acts import act
from plugin.services.context import Context
from plugin.services.experiments import experiments
from plugin.services.keeping_out import will_keep_out
from plugin.services.rehearsal import rehearse
from plugin.store.models.customers import Customer
from plugin.store.models.holdouts import Holdout
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, StepSettings, load_settings
from tests.services.world import World, customer, order

HALF = {"thank_you": {"holdout_percent": 50}}


@pytest.fixture
def world(context: Context) -> World:
    return World(context)


def place(world: World, number: int, **changes: object) -> None:
    who = customer(5000 + number, email=f"c{number}@example.com")
    world.hook("orders/create", order(world.now, number, customer=who, email=who["email"], contact_email=who["email"],
                                      **changes))  # fmt: skip


def is_out(world: World, number: int) -> bool:
    shop, person = world.row(Shop), world.row(Customer, platform_id=str(5000 + number))
    return kept_out(shop.code, person.id, "thank_you", 50)


def test_those_kept_out_are_recorded_and_get_nothing(world: World) -> None:
    world.configure(steps=HALF)
    for number in range(1, 21):
        place(world, number)
    world.send()
    out = {n for n in range(1, 21) if is_out(world, n)}
    assert 0 < len(out) < 20
    assert {to for _, to, _ in world.sink.mails} == {f"c{n}@example.com" for n in range(1, 21) if n not in out}
    rows = world.rows(Holdout)
    assert len(rows) == 20
    assert sum(row.kept_out for row in rows) == len(out)
    assert all(row.until - row.at == timedelta(days=30) for row in rows)


def one_kept_out(world: World) -> int:
    """An order whose customer is in the holdout, placed now."""
    number = 1
    place(world, number)
    while not is_out(world, number):
        number += 1
        place(world, number)
    return number


def plan_of(world: World, number: int) -> tuple[str, str]:
    message = world.message("thank_you", subject=str(number))
    return message.state, message.reason


def test_the_plan_tells_it_before_and_no_planning_undoes_it_after(world: World) -> None:
    world.configure(steps=HALF)
    number = one_kept_out(world)
    assert plan_of(world, number) == ("planned", TO_BE_KEPT_OUT)
    world.send()
    assert plan_of(world, number) == ("withheld", KEPT_OUT)
    world.later(hours=1)
    who = customer(5000 + number, email=f"c{number}@example.com")
    changed = order(world.now, number, customer=who, email=who["email"], contact_email=who["email"], note="hello")
    world.hook("orders/updated", changed)
    world.send()
    assert plan_of(world, number) == ("withheld", KEPT_OUT)
    assert f"c{number}@example.com" not in {to for _, to, _ in world.sink.mails}


def test_what_the_shop_sends_by_hand_goes_and_the_customer_is_set_aside(world: World) -> None:
    world.configure(steps=HALF)
    number = one_kept_out(world)
    world.send()
    message = world.message("thank_you", subject=str(number))
    act(world.ctx, world.row(Shop).id, message.id, "send_now", "tester")
    world.send()
    assert plan_of(world, number)[0] == "sent"
    assert world.row(Holdout, customer_id=message.customer_id).set_aside


def test_when_the_holdout_ends_everybody_is_written_to_again(world: World) -> None:
    world.configure(steps=HALF)
    number = one_kept_out(world)
    world.send()
    world.configure(steps={"thank_you": {}})
    who = customer(5000 + number, email=f"c{number}@example.com")
    world.hook("orders/create", order(world.now, 9001, customer=who, email=who["email"], contact_email=who["email"]))
    world.send()
    assert plan_of(world, 9001)[0] == "sent"


def test_no_holdout_no_trace(world: World) -> None:
    for number in range(1, 4):
        place(world, number)
    world.send()
    assert len(world.sink.mails) == 3
    assert world.rows(Holdout) == []


def test_a_customer_whose_order_ended_before_is_in_neither_group(world: World) -> None:
    world.configure(steps={"thank_you": {"holdout_percent": 50, "delay_minutes": 60}})
    place(world, 1)
    world.later(minutes=10)
    world.hook("orders/cancelled", order(world.now, 1, cancelled_at=world.now.isoformat()))
    world.walk(hours=3)
    assert world.rows(Holdout) == []


def test_the_report_counts_what_both_groups_bought_in_their_days(world: World) -> None:
    world.configure(steps=HALF)
    for number in range(1, 11):
        place(world, number)
    world.send()
    world.later(days=3)
    who = customer(5001, email="c1@example.com")
    for again, values in ((101, {}), (102, {"test": True}), (103, {"financial_status": "voided"})):
        world.hook("orders/create", order(world.now, again, customer=who, email=who["email"],
                                          contact_email=who["email"], **values))  # fmt: skip
    with world.ctx.database.reading() as session:
        [early] = experiments(session, session.get_one(Shop, world.row(Shop).id), world.now)
    assert (early.treated.customers, early.kept_out.customers, early.waiting) == (0, 0, 10)
    world.later(days=31)
    with world.ctx.database.reading() as session:
        [found] = experiments(session, session.get_one(Shop, world.row(Shop).id), world.now)
    out = sum(is_out(world, n) for n in range(1, 11))
    assert (found.kept_out.customers, found.treated.customers) == (out, 10 - out)
    mine = found.kept_out if is_out(world, 1) else found.treated
    assert (mine.buyers, mine.orders) == (1, 1)
    assert found.treated.buyers + found.kept_out.buyers == 1
    assert found.verdict.word == "early"


def test_a_merged_customer_in_both_groups_says_nothing_of_either(world: World) -> None:
    world.configure(steps=HALF)
    one = one_kept_out(world)
    other = one
    while is_out(world, other):
        other += 1
        place(world, other)
    world.send()
    world.hook("customers/merge", {"admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{5000 + one}",
                                   "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{5000 + other}",
                                   "status": "completed"})  # fmt: skip
    kept = world.row(Customer, platform_id=str(5000 + one))
    assert world.row(Holdout, customer_id=kept.id).set_aside


def test_an_erased_customer_is_compared_with_nobody(world: World) -> None:
    world.configure(steps=HALF)
    place(world, 1)
    world.send()
    assert len(world.rows(Holdout)) == 1
    world.hook("customers/redact", {"shop_id": 1, "shop_domain": world.domain, "orders_to_redact": [1],
                                    "customer": {"id": 5001, "email": "c1@example.com", "phone": None}})  # fmt: skip
    assert world.rows(Holdout) == []


def test_a_rehearsal_leaves_out_whom_the_draw_keeps_out(world: World) -> None:
    for number in range(1, 21):
        place(world, number)
    out = sum(is_out(world, n) for n in range(1, 21))
    edited = ShopSettings(steps={"thank_you": StepSettings(holdout_percent=50)})
    tally = rehearse(world.ctx, world.row(Shop).id, edited).tally
    assert tally.left_out["thank_you", "kept_out"] == out
    assert sum(count for (step, _), count in tally.messages.items() if step == "thank_you") == 20 - out


def test_what_is_recorded_is_known_before_so_that_no_offer_is_made_for_it(world: World) -> None:
    world.configure(steps=HALF)
    for number in range(1, 11):
        place(world, number)
    with world.ctx.database.reading() as session:
        shop = session.get_one(Shop, world.row(Shop).id)
        settings = load_settings(shop.settings)
        told = {m.customer_id: will_keep_out(session, shop, settings, m) for m in world.rows(Message, step="thank_you")}
    assert True in told.values()
    assert False in told.values()
    world.send()
    assert {row.customer_id: row.kept_out for row in world.rows(Holdout)} == told
