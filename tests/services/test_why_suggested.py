"""The shop reads why a message suggests what it does, before and after it left. Customers never see it."""

from __future__ import annotations

import pytest

from plugin.content.model import Why
from plugin.services import logins
from plugin.services.context import Context
from plugin.services.message_content import message_content
from plugin.store.models.shops import Shop
from tests.services.world import World, customer, line, order
from tests.support.apps import app_over


@pytest.fixture
def world(context: Context) -> World:
    """Three customers bought tea 1 with tea 2; a fourth buys tea 1 alone and may be sold to."""
    world = World(context)
    for number in range(1, 4):
        who = customer(500 + number, email=f"c{number}@example.com")
        world.hook("orders/create", order(world.now, number, customer=who, email=who["email"],
                                          contact_email=who["email"], line_items=[line(1), line(2)]))  # fmt: skip
    world.later(minutes=1)
    who = customer(510, email="jane@example.com")
    world.hook("orders/create", order(world.now, 10, customer=who, email=who["email"], contact_email=who["email"],
                                      line_items=[line(1)], buyer_accepts_marketing=True))  # fmt: skip
    return world


def why(world: World, id_: int) -> tuple[bool, tuple[Why, ...]]:
    with world.ctx.database.reading() as session:
        shown = message_content(session, world.ctx, world.row(Shop).id, id_)
    assert shown is not None
    return shown.sent, shown.why


def test_it_is_told_before_and_kept_with_what_left(world: World) -> None:
    hint = world.message("thank_you", subject="10")
    told = (Why("Green tea 2", "together", "Green tea 1", 3),)
    assert why(world, hint.id) == (False, told)
    world.send()
    assert why(world, hint.id) == (True, told)
    assert all(b"together" not in data for _, _, data in world.sink.mails)


def test_what_suggests_nothing_has_no_reasons(world: World) -> None:
    world.send()
    assert why(world, world.message("thank_you", subject="1").id) == (True, ())


def test_a_product_deleted_between_planning_and_sending_is_not_suggested(world: World) -> None:
    hint = world.message("thank_you", subject="10")
    assert [one.title for one in why(world, hint.id)[1]] == ["Green tea 2"]
    world.hook("products/delete", {"id": 7002})
    world.send()
    assert why(world, hint.id) == (True, ())
    assert world.message("thank_you", subject="10").state == "sent"


IN_WORDS = [("en", "bought with “Green tea 1” in 3 orders"), ("ko", "주문 3건에서")]


@pytest.mark.parametrize(("language", "told"), IN_WORDS)
def test_the_shop_reads_it_above_the_mail(world: World, language: str, told: str) -> None:
    app = app_over(world.ctx)
    client = app.test_client()
    with world.ctx.database.transaction() as session:
        link = logins.make_link(session, world.row(Shop).id, "command")
    client.post(f"/login/{link}", headers={"Accept-Language": language})
    hint = world.message("thank_you", subject="10")
    shown = client.get(f"/app/messages/{hint.id}/content", headers={"Accept-Language": language})
    assert shown.status_code == 200
    assert told in shown.text
