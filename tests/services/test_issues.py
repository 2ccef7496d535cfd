"""A parcel that a customer misses: the shop is told once, sees it in its list, and closes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.errors import OutcomeUnknown, Permanent, Retryable, SendError
from plugin.services.context import Context
from plugin.services.issues import NoSuchIssue, anything_untold, close_issue, open_issues, tell_shops
from plugin.store.models.customers import Issue
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Post:
    """Keeps what is sent, or fails."""

    def __init__(self, fault: SendError | None = None) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.fault = fault

    def send(self, sender: str, recipient: str, data: bytes) -> None:
        self.sent.append((recipient, data))
        if self.fault:
            raise self.fault

    def close(self) -> None:
        pass


def shop_with_issue(session: Session, domain: str = "a.myshopify.com", support: str | None = "help@a.example") -> int:
    shop = Shop(platform="shopify", domain=domain, code=domain[:10], installed_at=NOON, live=True,
                settings={"support": {"email": support}} if support else {})  # fmt: skip
    session.add(shop)
    session.flush()
    order = Order(shop_id=shop.id, platform_id="1", first_heard_at=NOON, version="1", placed_at=NOON, name="#1001",
                  email="ada@example.com", address="ada@example.com", lines=[], refunds={}, edits={})  # fmt: skip
    session.add(order)
    session.flush()
    issue = Issue(shop_id=shop.id, order_id=order.id, kind="not_arrived", opened_at=NOON, tell_at=NOON,
                  words="Not at the <door>")  # fmt: skip
    session.add(issue)
    session.flush()
    return issue.id


def test_the_shop_is_told_once_and_answers_the_customer(context: Context) -> None:
    with context.database.transaction() as session:
        shop_with_issue(session)
    post = Post()
    assert anything_untold(context)
    assert tell_shops(context, post) == 1
    assert tell_shops(context, post) == 0
    assert not anything_untold(context)
    [(recipient, data)] = post.sent
    assert recipient == "help@a.example"
    assert b"Reply-To: ada@example.com" in data
    assert b"Not arrived: order #1001" in data
    assert b"&lt;door&gt;" in data


@pytest.mark.parametrize(
    ("fault", "told"),
    [(Retryable("busy"), False), (OutcomeUnknown("no answer"), True), (Permanent("refused"), True)],
)
def test_a_shop_is_told_later_only_where_that_can_help(context: Context, fault: SendError, told: bool) -> None:
    with context.database.transaction() as session:
        id_ = shop_with_issue(session)
    tell_shops(context, Post(fault))
    with context.database.reading() as session:
        tell_at = session.get_one(Issue, id_).tell_at
    assert (tell_at is None) is told
    if tell_at:
        assert timedelta(minutes=9) < tell_at - datetime.now(UTC) <= timedelta(minutes=10)


def test_a_shop_that_left_is_not_written_to(context: Context) -> None:
    with context.database.transaction() as session:
        shop_with_issue(session)
        session.scalars(select(Shop)).one().uninstalled_at = NOON
    post = Post()
    tell_shops(context, post)
    assert post.sent == []
    assert not anything_untold(context)


def test_a_shop_without_an_address_of_its_own_finds_it_in_the_list(context: Context) -> None:
    with context.database.transaction() as session:
        shop_with_issue(session, support=None)
    post = Post()
    tell_shops(context, post)
    assert post.sent == []
    with context.database.reading() as session:
        [issue] = open_issues(session, session.scalars(select(Shop)).one())
    assert (issue.order_name, issue.email, issue.words) == ("#1001", "ada@example.com", "Not at the <door>")


def test_only_the_shop_itself_closes_its_issue_and_only_once(context: Context) -> None:
    with context.database.transaction() as session:
        id_ = shop_with_issue(session)
        shop_with_issue(session, "b.myshopify.com")
    with context.database.transaction() as session:
        mine, other = session.scalars(select(Shop).order_by(Shop.domain)).all()
        with pytest.raises(NoSuchIssue):
            close_issue(session, context, other, id_, "lost")
        close_issue(session, context, mine, id_, "lost")
        with pytest.raises(NoSuchIssue):
            close_issue(session, context, mine, id_, "arrived")
        assert open_issues(session, mine) == []
    assert tell_shops(context, Post()) == 1  # the other shop's: what is settled needs no telling
