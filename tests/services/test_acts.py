"""What the merchant does to messages: offered where it makes sense, done once, and never undone by news."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from plugin.queues import SEND
from plugin.services.acts import NoSuchMessage, NotOffered, act
from plugin.services.archive import archive
from plugin.services.order_view import order_view
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Act, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.world import DOMAIN, World, consent, order, parcel, tracked, whole_life

OTHER = "other.myshopify.com"


def shop_id(world: World, domain: str = DOMAIN) -> int:
    return int(world.row(Shop, domain=domain).id)


def do(world: World, kind: str, step: str, copy: int = 0, seen: int | None = None) -> tuple[str, bool]:
    message = world.message(step, copy=copy)
    done = act(world.ctx, shop_id(world), message.id, kind, "ada@haneul.example", seen)
    return done.state, done.changed


def offered(world: World) -> dict[tuple[str, int], set[str]]:
    with world.ctx.database.reading() as session:
        [id_] = {message.order_id for message in world.rows(Message)}
        view = order_view(session, world.ctx, shop_id(world), id_)
    return {(card.step, card.copy): set(card.offers) for card in view.messages}


@pytest.fixture
def placed(both: World) -> World:
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    both.hook("orders/create", order(both.now))
    both.send()
    return both


def test_what_is_offered_follows_the_state(placed: World) -> None:
    assert offered(placed) == {
        ("thank_you", 0): {"send_again"},
        ("shipped", 0): {"cancel"}, ("delivered", 0): {"cancel"},  # no parcel yet: there is nothing to tell
        ("survey", 0): {"cancel", "send_now"},
        ("cross_sell", 0): {"cancel", "send_now"}, ("cross_sell_follow_up", 0): {"cancel", "send_now"},
    }  # fmt: skip


def test_cancelled_stays_so_whatever_is_heard(placed: World) -> None:
    assert do(placed, "cancel", "survey") == ("cancelled", True)
    assert do(placed, "cancel", "survey") == ("cancelled", False)
    assert len(placed.rows(Act)) == 1
    placed.hook("fulfillments/create", parcel(placed.now))
    placed.later(days=2)
    placed.hook("fulfillment_events/create", tracked(placed.now))
    placed.walk(days=20)
    assert "survey" not in placed.sink.steps()
    assert placed.message("survey").reason == "cancelled by the shop"
    [line] = placed.rows(Change, what="message.cancel")
    assert (line.actor, line.before) == ("ada@haneul.example", {"state": "waiting"})
    assert line.after == {"order": "#1001", "step": "survey", "state": "cancelled"}


def test_what_the_shop_cancelled_it_may_send_after_all(placed: World) -> None:
    do(placed, "cancel", "survey")
    assert offered(placed)["survey", 0] == {"send_now"}
    placed.later(minutes=5)
    assert do(placed, "send_now", "survey") == ("planned", True)
    assert do(placed, "send_now", "survey") == ("planned", False)
    assert placed.ctx.queues.nudges[-1] == SEND  # type: ignore[attr-defined]
    placed.send()
    assert placed.sink.steps().count("survey") == 1


def test_sent_again_once_for_each_decision(placed: World) -> None:
    """The second tap of one decision adds nothing, even when the copy has left meanwhile."""
    assert do(placed, "send_again", "thank_you", seen=0) == ("planned", True)
    assert do(placed, "send_again", "thank_you", seen=0) == ("planned", False)
    assert offered(placed)["thank_you", 0] == set()  # a copy is on its way
    assert offered(placed)["thank_you", 1] == {"cancel"}
    placed.send()
    assert do(placed, "send_again", "thank_you", seen=0) == ("sent", False)
    assert placed.sink.steps().count("thank_you") == 2
    placed.later(minutes=1)
    assert do(placed, "send_again", "thank_you", seen=1) == ("planned", True)
    placed.send()
    assert placed.sink.steps().count("thank_you") == 3
    assert len({mail["Message-ID"] for mail in placed.sink.parsed()}) == 3


def test_taps_at_the_same_moment_are_one(placed: World) -> None:
    message_id, mine = placed.message("thank_you").id, shop_id(placed)
    with ThreadPoolExecutor(4) as pool:
        taps = [pool.submit(act, placed.ctx, mine, message_id, "send_again", "ada", 0) for _ in range(4)]
        assert sorted(tap.result().changed for tap in taps) == [False, False, False, True]
    assert len(placed.rows(Act)) == 1


def test_a_copy_can_be_cancelled_and_the_message_itself_is_left_alone(placed: World) -> None:
    do(placed, "send_again", "thank_you", seen=0)
    assert do(placed, "cancel", "thank_you", copy=1) == ("cancelled", True)
    placed.hook("orders/updated", order(placed.now, note="changed"))
    placed.send()
    assert placed.sink.steps().count("thank_you") == 1


def test_what_left_cannot_be_cancelled_nor_sent_now(placed: World) -> None:
    for kind in ("cancel", "send_now"):
        with pytest.raises(NotOffered) as refused:
            do(placed, kind, "thank_you")
        assert refused.value.state == "sent"
    with pytest.raises(NotOffered):
        do(placed, "send_again", "survey", seen=0)


def test_sending_again_needs_the_right_to_it(placed: World) -> None:
    do(placed, "send_now", "cross_sell")
    placed.send()
    assert "cross_sell" in placed.sink.steps()
    placed.later(hours=1)
    placed.hook("customers_email_marketing_consent/update", consent(placed.now, "unsubscribed"))
    assert offered(placed)["cross_sell", 0] == set()
    with pytest.raises(NotOffered):
        do(placed, "send_again", "cross_sell", seen=0)


def test_consent_lost_after_the_act_stops_the_copy(placed: World) -> None:
    do(placed, "send_now", "cross_sell")
    placed.send()
    do(placed, "send_again", "cross_sell", seen=0)
    placed.later(minutes=1)
    placed.hook("customers_email_marketing_consent/update", consent(placed.now, "unsubscribed"))
    placed.send()
    assert placed.sink.steps().count("cross_sell") == 1
    assert placed.message("cross_sell", copy=1).state == "withheld"


def test_another_shops_message_is_none(placed: World) -> None:
    placed.add_shop(OTHER)
    message = placed.message("survey")
    with pytest.raises(NoSuchMessage):
        act(placed.ctx, shop_id(placed, OTHER), message.id, "cancel", "eve")
    with pytest.raises(NoSuchMessage):
        act(placed.ctx, shop_id(placed), 999_999, "cancel", "ada")
    with pytest.raises(ValueError, match="explode"):
        act(placed.ctx, shop_id(placed), message.id, "explode", "ada")
    assert placed.rows(Act) == []


def test_an_archived_orders_page_shows_its_messages_and_offers_nothing(both: World) -> None:
    for _ in whole_life(both):
        pass
    both.later(days=800)
    both.hook("orders/create", order(both.now, 2002))  # the newest message of all stays where it is
    both.send()
    archive(both.ctx)
    old = both.row(Order, name="#1001")
    assert old.archived_at
    with both.ctx.database.reading() as session:
        view = order_view(session, both.ctx, shop_id(both), old.id)
    assert {"thank_you", "shipped", "delivered"} <= {card.step for card in view.messages if card.state == "sent"}
    assert all(card.archived and not card.offers for card in view.messages)
