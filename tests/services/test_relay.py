"""What was decided ahead is worth nothing once something has changed; and what has left is always recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from plugin.services.context import Context
from plugin.services.deliver import Courier, send_due
from plugin.store.models.customers import Consent, Suppression
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop
from tests.services.world import Sink, World, order, parcel, tracked

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """PostgreSQL alone: nothing is written ahead on SQLite."""
    return postgres_url


@pytest.fixture
def world(context: Context) -> World:
    return World(context)


def three(world: World, step: str = "thank_you") -> None:
    """Three messages of a step are due to three customers, and nothing else."""
    for number in (1001, 1002, 1003):
        who = {"customer": {"id": number}, "email": f"c{number}@example.com"}
        world.receive("orders/create", order(world.now, number, **who))
    world.ingest()
    if step == "thank_you":
        return
    world.send()
    for number in (1001, 1002, 1003):
        world.hook("fulfillments/create", parcel(world.now, order_id=number))
    world.later(minutes=10)
    if step == "survey":
        world.send()
        for number in (1001, 1002, 1003):
            world.hook("fulfillment_events/create", tracked(world.now, order_id=number))
        world.send()
        world.later(days=4)
    world.sink.mails.clear()


def during_the_first(world: World, deed: Callable[[], None]) -> None:
    """Something happens while the first of the messages is on its way."""
    left = [deed]

    def before() -> None:
        if left:
            left.pop()()

    world.sink.before = before


def change(world: World, *statements: object) -> Callable[[], None]:
    def deed() -> None:
        with world.ctx.database.transaction() as session:
            for statement in statements:
                session.execute(statement)  # type: ignore[call-overload]

    return deed


def states(world: World, step: str) -> list[tuple[str, str]]:
    return [(m.state, m.reason) for m in world.rows(Message, step=step)]


def test_messages_leave_in_one_pass(world: World) -> None:
    three(world)
    assert world.send() == 3
    assert world.sink.steps() == ["thank_you"] * 3
    for message in world.rows(Message, step="thank_you"):
        assert (message.state, message.reason, message.attempts) == ("sent", "sent 2 Nov 09:00 UTC", 1)
        assert (message.claim_token, message.lease_until, message.sent_at) == (None, None, world.now)
        assert message.mail_subject
        assert message.address.startswith("c100")


def test_at_most_one_is_marked_sending_and_what_left_before_is_recorded(world: World) -> None:
    three(world)
    seen: list[list[str]] = []
    world.sink.before = lambda: seen.append([state for state, _ in states(world, "thank_you")])
    world.send()
    assert seen == [["sending", "queued", "queued"], ["sent", "sending", "queued"], ["sent", "sent", "sending"]]


def test_a_dead_address_is_not_written_to(world: World) -> None:
    three(world)
    row = Suppression(shop_id=1, channel="email", address="c1002@example.com", cause="dead", at=world.now)

    def deed() -> None:
        with world.ctx.database.transaction() as session:
            session.add(row)

    during_the_first(world, deed)
    world.send()
    assert [state for state, _ in states(world, "thank_you")] == ["sent", "withheld", "sent"]


@pytest.mark.parametrize(
    ("values", "then"),
    [
        ({"live": False}, ("held", "waits for the shop to go live")),
        ({"uninstalled_at": datetime(2026, 11, 2, tzinfo=UTC)}, ("withheld", "the shop uninstalled Dasi")),
        ({"settings": {"steps": {"thank_you": {"enabled": False}}}}, ("withheld", "this step is switched off")),
    ],
)
def test_the_shops_newest_word_holds(world: World, values: dict[str, object], then: tuple[str, str]) -> None:
    three(world)
    during_the_first(world, change(world, update(Shop).values(**values)))
    world.send()
    assert states(world, "thank_you") == [("sent", "sent 2 Nov 09:00 UTC"), then, then]


def test_an_opt_out_holds_at_once(world: World) -> None:
    three(world, "survey")
    gone = Consent(shop_id=1, channel="email", address="c1002@example.com", opted_out_at=world.now)

    def deed() -> None:
        with world.ctx.database.transaction() as session:
            session.add(gone)

    during_the_first(world, deed)
    world.send()
    assert [reason for _, reason in states(world, "survey")][1] == "the customer unsubscribed"
    assert world.sink.steps() == ["survey"] * 2


def test_a_mail_says_what_is_known_when_it_leaves(world: World) -> None:
    three(world, "shipped")
    during_the_first(
        world,
        change(
            world,
            update(Parcel).where(Parcel.platform_id == "1002001").values(tracking_numbers=["CORRECTED"]),
            update(Order).where(Order.platform_id == "1003").values(first_name="Corinna"),
        ),
    )
    world.send()
    mails = [mail.as_string() for mail in world.sink.parsed()]
    assert len(mails) == 3
    assert "CORRECTED" in mails[1]
    assert "Corinna" in mails[2]


def test_what_was_written_too_long_ago_is_written_again(world: World) -> None:
    three(world)
    during_the_first(world, lambda: world.later(hours=25))
    world.send()
    assert [state for state, _ in states(world, "thank_you")] == ["sent", "withheld", "withheld"]


def test_a_worker_that_slept_sends_nothing_more(world: World) -> None:
    """Its claims were taken over meanwhile: only the message that was already on its way goes out."""
    three(world)
    other = Courier(Sink())

    def deed() -> None:
        with world.ctx.database.transaction() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            session.execute(update(Message).where(Message.lease_until.is_not(None)).values(lease_until=past))
        while send_due(world.ctx, other):
            pass

    during_the_first(world, deed)
    world.send()
    assert len(world.sink.mails) == 1
    assert [state for state, _ in states(world, "thank_you")] == ["planned", "sent", "sent"]
    assert states(world, "thank_you")[0][1] == "goes again: outcome unknown"


def test_a_lost_connection_loses_no_record(world: World) -> None:
    three(world)

    def deed() -> None:
        with world.ctx.database.transaction() as session:
            session.execute(text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ))  # fmt: skip

    during_the_first(world, deed)
    world.send()
    assert [state for state, _ in states(world, "thank_you")] == ["sent"] * 3
    assert len({to for _, to, _ in world.sink.mails}) == len(world.sink.mails) == 3


def test_whatever_ends_a_batch_what_left_is_recorded(world: World) -> None:
    three(world)
    sent = []

    def stop() -> None:
        sent.append(1)
        if len(sent) == 2:
            raise KeyboardInterrupt

    world.sink.before = stop
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert [state for state, _ in states(world, "thank_you")] == ["sent", "sending", "queued"]
