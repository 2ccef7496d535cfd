"""The merchant's lists: every row once over all pages, found as people search, and never by reading a whole table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.services.issue_view import failed_messages, list_issues
from plugin.services.message_list import LISTS, Mark, Wanted, find_messages
from plugin.services.order_search import Cursor, NoSuchOrder, find_orders
from plugin.services.order_view import order_view
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, World, order, parcel

PEOPLE = {
    1001: ("Jane", "Doe", "jane.doe@example.com"), 1002: ("민준", "김", "minjun@example.kr"),
    1003: ("Anna Maria", "de la Cruz", "anna@example.es"), 1004: ("Ian", "McDonald", "mac@example.com"),
    1005: ("JANE", "SMITH", "j.smith@example.com"),
}  # fmt: skip


def shop_id(world: World, domain: str = DOMAIN) -> int:
    return int(world.row(Shop, domain=domain).id)


def place(world: World, number: int, first: str, last: str, mail: str) -> None:
    person = {"id": number, "email": mail, "first_name": first, "last_name": last}
    world.receive("orders/create", order(world.now, number, customer=person, email=mail, contact_email=mail,
                                         shipping_address=None, billing_address=None))  # fmt: skip


@pytest.fixture
def people(both: World) -> World:
    for number, person in PEOPLE.items():
        place(both, number, *person)
        both.later(minutes=1)
    both.ingest()
    return both


def found(world: World, text: str) -> list[str]:
    with world.ctx.database.reading() as session:
        return [line.name for line in find_orders(session, shop_id(world), text).orders]


@pytest.mark.parametrize(("text", "names"), [
    ("", ["#1005", "#1004", "#1003", "#1002", "#1001"]),
    ("1003", ["#1003"]), ("#1003", ["#1003"]), ("100", ["#1005", "#1004", "#1003", "#1002", "#1001"]),
    ("jane", ["#1005", "#1001"]), ("JANE doe", ["#1001"]), ("doe jane", ["#1001"]), ("jan", ["#1005", "#1001"]),
    ("김민준", ["#1002"]), ("민준", ["#1002"]), ("김", ["#1002"]), ("김민", ["#1002"]),
    ("anna maria de la Cruz", ["#1003"]), ("mcdonald", ["#1004"]), ("smith", ["#1005"]),
    ("minjun@example.kr", ["#1002"]), ("Jane.Doe@", ["#1001"]), ("mac", ["#1004"]), ("  ", None), ("%", []),
    ("nobody", []),
])  # fmt: skip
def test_a_search_finds_whom_it_means(people: World, text: str, names: list[str] | None) -> None:
    if names is None:
        assert len(found(people, text)) == len(PEOPLE)
    else:
        assert found(people, text) == names


def test_every_order_once_over_the_pages(world: World) -> None:
    for number in range(1001, 1121):
        place(world, number, "Kim", "Lee", f"kim{number}@example.com")
        if number % 3:
            world.later(minutes=1)  # some in the same moment
    world.ingest()
    for text in ("", "kim", "lee kim"):
        seen: list[int] = []
        after: Cursor | None = None
        while True:
            with world.ctx.database.reading() as session:
                page = find_orders(session, shop_id(world), text, after)
            seen += [line.id for line in page.orders]
            after = page.more
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 120
        assert seen == [row.id for row in sorted(world.rows(Order), key=lambda o: (o.placed_at, o.id), reverse=True)]


@pytest.mark.parametrize("step", [None, "survey"])
@pytest.mark.parametrize("period", [False, True])
def test_every_message_once_over_the_pages(
    world: World, step: str | None, period: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PAGE", 7), ("LOOK", 36)):
        monkeypatch.setattr(f"plugin.services.message_list.{name}", value)
    for number in range(1001, 1031):
        place(world, number, "Jane", "Doe", f"jane{number}@example.com")
        world.receive("fulfillments/create", parcel(world.now, order_id=number))
        world.later(hours=5)
    world.ingest()
    world.send()
    since = world.now - timedelta(days=3) if period else None
    for state in LISTS:
        wanted = Wanted(state=state, step=step, since=since if state != "planned" else None)
        seen: list[int] = []
        after: Mark | None = None
        for _ in range(200):
            with world.ctx.database.reading() as session:
                page = find_messages(session, shop_id(world), wanted, after)
            seen += [line.id for line in page.messages]
            after = page.more
            if after is None:
                break
        assert len(seen) == len(set(seen))
        states = ("queued", "sending") if state == "leaving" else (state,)
        placed = {row.id: row.placed_at for row in world.rows(Order)}
        assert set(seen) == {
            m.id for m in world.rows(Message)
            if m.state in states and (step in (None, m.step))
            and (wanted.since is None or (m.sent_at if state == "sent" else placed[m.order_id]) >= wanted.since)
        }  # fmt: skip


def test_no_list_reads_a_whole_table(world: World) -> None:
    for number, person in PEOPLE.items():
        place(world, number, *person)
    world.ingest()
    mine, now = shop_id(world), world.now
    order_id = world.row(Order, name="#1001").id
    with plans(world.ctx.database) as found, world.ctx.database.reading() as session:
        for text in ("", "1001", "jane", "김민준", "jane doe", "jane@", "%"):
            find_orders(session, mine, text)
            find_orders(session, mine, text, Cursor(now, 5))
        for state in LISTS:
            for step in (None, "survey"):
                for since in (None, now - timedelta(days=7)):
                    wanted = Wanted(state=state, step=step, since=since)
                    find_messages(session, mine, wanted)
                    find_messages(session, mine, wanted, Mark(now, 9))
        order_view(session, world.ctx, mine, order_id)
        list_issues(session, world.ctx, mine)
        list_issues(session, world.ctx, mine, closed=True, after=10)
        failed_messages(session, mine)
    assert len(found) > 50
    assert scans(found) == []


def test_another_shops_rows_are_in_no_list(people: World) -> None:
    people.add_shop("other.myshopify.com")
    other = shop_id(people, "other.myshopify.com")
    with people.ctx.database.reading() as session:
        for text in ("", "1001", "jane", "jane.doe@example.com"):
            assert find_orders(session, other, text).orders == ()
        for state in LISTS:
            assert find_messages(session, other, Wanted(state=state)).messages == ()
        with pytest.raises(NoSuchOrder):
            order_view(session, people.ctx, other, people.row(Order, name="#1001").id)
        with pytest.raises(ValueError, match="no such list"):
            find_messages(session, other, Wanted(state="gone"))
