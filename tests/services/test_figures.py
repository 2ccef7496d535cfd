"""Counting what came of messages: the days' rows say the same as the messages, and nothing of another shop."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from plugin.domain.figures import Figures
from plugin.services.figure_days import roll_up, roll_up_shop
from plugin.services.figures import Report, csv_line, csv_lines, figures
from plugin.services.opens import record_reaction
from plugin.services.shops import UnknownShop
from plugin.store.models.customers import Customer
from plugin.store.models.figures import FigureDay, Open
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.test_queries import plans, scans
from tests.services.world import DOMAIN, World

OTHER = "other.myshopify.com"


class Book:
    """Writes messages, what came of them, and orders, as rows."""

    def __init__(self, world: World, domain: str = DOMAIN) -> None:
        self.world, self.ctx = world, world.ctx
        self.shop_id: int = world.row(Shop, domain=domain).id
        self.number = 0
        with self.ctx.database.transaction() as session:
            session.get_one(Shop, self.shop_id).timezone = "Asia/Seoul"
            self.customer_id = self._add(session, Customer(shop_id=self.shop_id, platform_id="501"))

    @staticmethod
    def _add(session: Any, row: Any) -> int:
        session.add(row)
        session.flush()
        found: int = row.id
        return found

    def order(self, at: datetime, *, guest: bool = False, **changes: Any) -> int:
        self.number += 1
        values: dict[str, Any] = {
            "platform_id": f"{self.number}", "version": "1", "first_heard_at": at, "placed_at": at, "name": "#1",
            "address": "jane@example.com" if guest else f"c{self.shop_id}@example.com", "total_minor": 2500,
            "currency": "EUR", "customer_id": None if guest else self.customer_id,
        }  # fmt: skip
        with self.ctx.database.transaction() as session:
            return self._add(session, Order(shop_id=self.shop_id, **values | changes))

    def sent(self, step: str, at: datetime, *, guest: bool = False) -> int:
        order_id = self.order(at - timedelta(days=100), guest=guest)
        with self.ctx.database.transaction() as session:
            return self._add(session, Message(
                shop_id=self.shop_id, order_id=order_id, customer_id=None if guest else self.customer_id, sent_at=at,
                flow="post_purchase", step=step, subject=str(order_id), channel="email", state="sent", reason="sent",
                message_class="service", parcels=[],
            ))  # fmt: skip

    def opened(self, message_id: int, at: datetime, *, by_machine: bool = False) -> None:
        with self.ctx.database.transaction() as session:
            session.add(Open(shop_id=self.shop_id, message_id=message_id, by_machine=by_machine, at=at, last_at=at))

    def clicked(self, message_id: int, at: datetime, *, by_scanner: bool = False) -> None:
        with self.ctx.database.transaction() as session:
            session.add(
                Click(shop_id=self.shop_id, message_id=message_id, target="https://x/", at=at, by_scanner=by_scanner)
            )

    def reacted(self, message_id: int, kind: str, at: datetime) -> None:
        with self.ctx.database.transaction() as session:
            record_reaction(session, message_id, kind, at)

    def report(self, period: str = "30") -> Report:
        return figures(self.ctx, self.shop_id, period)


@pytest.fixture
def book(both: World) -> Book:
    return Book(both)


def ago(book: Book, days: float) -> datetime:
    return book.world.now - timedelta(days=days)


def fill(book: Book) -> None:
    """A survey that bounced; one that a person and a machine opened; a cross-sell that only machines touched; one that
    was clicked and led to an order; and an order that follows a survey."""
    one = book.sent("survey", ago(book, 20))
    book.reacted(one, "bounced", ago(book, 19.9))
    two = book.sent("survey", ago(book, 19))
    book.opened(two, ago(book, 18.9))
    book.opened(two, ago(book, 18.95), by_machine=True)
    book.reacted(two, "unsubscribed", ago(book, 18.8))
    book.order(ago(book, 13))
    three = book.sent("cross_sell", ago(book, 10), guest=True)
    book.opened(three, ago(book, 10), by_machine=True)
    book.clicked(three, ago(book, 10), by_scanner=True)
    four = book.sent("cross_sell", ago(book, 9))
    book.clicked(four, ago(book, 8.9))
    book.clicked(four, ago(book, 8.8))
    book.reacted(four, "complained", ago(book, 8))
    book.sent("survey", ago(book, 8.5))
    book.order(ago(book, 7), total_minor=4000)
    book.order(ago(book, 6.9), test=True)
    book.order(ago(book, 6.9), cancelled_at=ago(book, 6))


EXPECTED = {
    "survey": {"sent": 3, "bounced": 1, "opened": 1, "machine_opened": 0, "clicked": 0, "unsubscribed": 1,
               "complained": 0, "orders": 1},
    "cross_sell": {"sent": 2, "bounced": 0, "opened": 0, "machine_opened": 1, "clicked": 1, "unsubscribed": 0,
                   "complained": 1, "orders": 1},
}  # fmt: skip


def counts(found: Figures, names: dict[str, int]) -> dict[str, int]:
    return {name: getattr(found, name) for name in names}


def check(report: Report) -> None:
    for step, wanted in EXPECTED.items():
        assert counts(report.by_step[step], wanted) == wanted
    assert report.by_step["survey"].revenue == {"EUR": 2500}
    assert report.by_step["cross_sell"].revenue == {"EUR": 4000}
    assert (report.total.sent, report.total.delivered, report.total.orders) == (5, 4, 2)
    assert sum(f.sent for _, steps in report.drawn for f in steps.values()) == 5


def test_counted_from_the_messages_and_from_the_days_rows_alike(book: Book) -> None:
    fill(book)
    live = book.report()
    assert live.counted_at is None
    check(live)
    assert roll_up_shop(book.ctx, book.shop_id) == 20
    stored = book.report()
    check(stored)
    assert stored.counted_at == book.world.now
    assert stored.days == live.days
    for period in ("90", "months"):
        check(book.report(period))
    assert book.report("7").total.sent == 0


def test_days_are_the_shops(book: Book) -> None:
    """16:00 UTC is the next day in Seoul."""
    book.sent("survey", datetime.fromisoformat("2026-10-20T16:00:00+00:00"))
    book.sent("survey", datetime.fromisoformat("2026-10-20T14:00:00+00:00"))
    roll_up(book.ctx)
    assert {key[0]: f.sent for key, f in book.report().days.items()} == {date(2026, 10, 20): 1, date(2026, 10, 21): 1}


def test_news_of_a_counted_day_is_counted_the_next_time(book: Book) -> None:
    fill(book)
    roll_up(book.ctx)
    book.world.later(hours=1)
    late = next(m.id for m in book.world.rows(Message, step="survey") if m.sent_at > ago(book, 9))
    book.opened(late, book.world.now)
    assert book.report().by_step["survey"].opened == 1
    roll_up(book.ctx)
    assert book.report().by_step["survey"].opened == 2


def test_what_happens_a_month_later_changes_nothing_any_more(book: Book) -> None:
    old = book.sent("survey", ago(book, 40))
    roll_up(book.ctx)
    book.opened(old, book.world.now)
    roll_up(book.ctx)
    assert book.report("90").by_step["survey"].opened == 0


def test_an_order_that_is_cancelled_later_is_taken_back(book: Book) -> None:
    book.sent("survey", ago(book, 3))
    order_id = book.order(ago(book, 2))
    roll_up(book.ctx)
    assert book.report().total.orders == 1
    with book.ctx.database.transaction() as session:
        session.get_one(Order, order_id).cancelled_at = book.world.now
    roll_up(book.ctx)
    assert book.report().total.orders == 0


def test_today_is_live(book: Book) -> None:
    roll_up(book.ctx)
    fill(book)
    roll_up(book.ctx)
    message = book.sent("survey", book.world.now - timedelta(minutes=5))
    book.opened(message, book.world.now)
    assert counts(book.report().by_step["survey"], {"sent": 4, "opened": 2}) == {"sent": 4, "opened": 2}


def test_a_guest_is_known_by_the_address(book: Book) -> None:
    book.sent("cross_sell", ago(book, 5), guest=True)
    book.order(ago(book, 4), guest=True)
    book.order(ago(book, 3.9), guest=True, address="somebody@else.example")
    assert book.report().by_step["cross_sell"].orders == 1


def test_nothing_of_another_shop(book: Book) -> None:
    book.world.add_shop(OTHER)
    other = Book(book.world, OTHER)
    fill(book)
    message = other.sent("survey", ago(other, 4), guest=True)
    other.opened(message, ago(other, 3))
    other.order(ago(other, 2), guest=True)
    for _ in range(2):
        check(book.report())
        total = other.report().total
        assert (total.sent, total.opened, total.orders) == (1, 1, 1)
        roll_up(book.ctx)
    with pytest.raises(UnknownShop):
        figures(book.ctx, 999, "30")


def test_counting_again_and_again_changes_nothing(book: Book) -> None:
    fill(book)
    for _ in range(3):
        roll_up(book.ctx)
    check(book.report())


def test_what_is_measured_depends_on_the_setting(book: Book) -> None:
    assert book.report().measured == {"cross_sell", "cross_sell_follow_up"}
    book.world.configure(track_opens="all")
    assert len(book.report().measured) == 6
    book.world.configure(track_opens="off")
    assert book.report().measured == frozenset()
    book.opened(book.sent("survey", ago(book, 2)), ago(book, 1))
    assert book.report().measured == {"survey"}


def test_csv(book: Book) -> None:
    fill(book)
    rows = list(csv.reader("".join(csv_lines(book.report())).splitlines()))
    assert rows[0][:4] == ["day", "step", "sent", "delivered"]
    assert rows[0][-1] == "revenue EUR"
    assert len(rows) == 6
    assert sum(int(row[2]) for row in rows[1:]) == 5
    assert sorted(row[-1] for row in rows[1:]) == ["0.00", "0.00", "0.00", "25.00", "40.00"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_a_formula_is_no_formula_any_more(cell: str) -> None:
    (row,) = csv.reader([csv_line([cell, 'a "b", c'])])
    assert row == [f"'{cell}".replace("\r", "\r"), 'a "b", c']


def test_every_query_stands_on_an_index(world: World) -> None:
    book = Book(world)
    fill(book)
    with plans(world.ctx.database) as found:
        book.report("months")
        roll_up_shop(book.ctx, book.shop_id)
        roll_up_shop(book.ctx, book.shop_id)
        book.report("90")
    assert scans(found) == []
    assert FigureDay.__tablename__ in " ".join(statement for statement, _ in found)
