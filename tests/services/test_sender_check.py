"""Whether a sender's address is the shop's own: asked by mail, confirmed once, and its domain looked up behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from plugin.channels.email.errors import Permanent, Retryable
from plugin.domain.sender_dns import Away
from plugin.services import sender_check, sender_domain
from plugin.services.logins import BadLink
from plugin.services.sender_check import SenderState, any_question, mail_questions, sender_state
from plugin.services.settings_change import change_settings
from plugin.services.shop_work import work_off
from plugin.services.shops import shop_of
from plugin.store.models.merchants import Change
from plugin.store.models.platform import Errand
from plugin.store.models.senders import SenderCheck, SenderDomain
from plugin.store.models.shops import Shop
from schemas.settings import Sender, load_settings
from tests.services.world import World, body, order

SENDER = "Hello@Haneul.example"
GOOD = {"haneul.example": ["v=spf1 ~all"], "_domainkey.haneul.example": [], "s1._domainkey.haneul.example": ["p=AAA"],
        "_dmarc.haneul.example": ["v=DMARC1; p=reject"]}  # fmt: skip


def set_sender(world: World, address: str | None) -> None:
    with world.ctx.database.transaction() as session:
        shop = session.get_one(Shop, world.row(Shop).id)
        edited = replace(load_settings(shop.settings), sender=Sender(email=address))
        change_settings(session, world.ctx, shop, edited, "owner")


def state(world: World) -> SenderState:
    with world.ctx.database.reading() as session:
        shop = shop_of(session, world.row(Shop).id)
        return sender_state(session, shop, load_settings(shop.settings))


def token(world: World) -> str:
    found = re.search(r"/sender/([\w-]+)", body(world.sink.parsed()[-1]))
    assert found
    return found[1]


@pytest.fixture
def asked(both: World) -> World:
    both.ctx.txt_asker = lambda: lambda name: GOOD.get(name, [])  # type: ignore[misc]
    set_sender(both, SENDER)
    assert mail_questions(both.ctx, both.sink) == 1
    return both


def test_a_new_sender_is_asked_by_a_mail_that_is_not_from_it(asked: World) -> None:
    sender, to, _ = asked.sink.mails[-1]
    assert (to, sender) == ("hello@haneul.example", "hello@haneul.myshopify.com")
    assert state(asked).state == "asked"
    assert token(asked) not in repr(vars(asked.row(SenderCheck)))
    assert not any_question(asked.ctx)


def test_the_link_confirms_once(asked: World) -> None:
    with asked.ctx.database.reading() as session:
        assert sender_check.look(session, token(asked)) == ("Haneul Tea", "hello@haneul.example")
    assert state(asked).state == "asked"  # looking changes nothing
    sender_check.confirm(asked.ctx, token(asked))
    assert state(asked).state == "verified"
    assert asked.rows(Change)[-1].what == "sender.verified"
    for again in (token(asked), "nonsense", ""):
        with pytest.raises(BadLink):
            sender_check.confirm(asked.ctx, again)


def test_the_link_ends_after_a_day(asked: World) -> None:
    with asked.ctx.database.transaction() as session:
        session.execute(update(SenderCheck).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    with pytest.raises(BadLink):
        sender_check.confirm(asked.ctx, token(asked))
    assert state(asked).state == "set"


def test_another_address_is_not_confirmed_and_the_first_stays_so(asked: World) -> None:
    sender_check.confirm(asked.ctx, token(asked))
    set_sender(asked, "other@haneul.example")
    assert state(asked).state == "asked"
    set_sender(asked, None)
    assert state(asked).state == "none"
    set_sender(asked, SENDER.lower())
    assert state(asked).state == "verified"


def test_a_newer_link_ends_the_one_before(asked: World) -> None:
    first, shop_id = token(asked), asked.row(Shop).id
    assert sender_domain.ask_again(asked.ctx, shop_id) is False  # a moment ago
    with asked.ctx.database.transaction() as session:
        session.execute(update(SenderCheck).values(asked_at=datetime.now(UTC) - timedelta(minutes=3)))
    assert sender_domain.ask_again(asked.ctx, shop_id) is True
    mail_questions(asked.ctx, asked.sink)
    with pytest.raises(BadLink):
        sender_check.confirm(asked.ctx, first)
    sender_check.confirm(asked.ctx, token(asked))
    assert sender_domain.ask_again(asked.ctx, shop_id) is False  # verified


def test_nobody_fills_strangers_mailboxes(both: World) -> None:
    for number in range(12):
        set_sender(both, f"victim{number}@example.com")
    while mail_questions(both.ctx, both.sink):
        pass
    assert len(both.sink.mails) == sender_check.ADDRESSES


@pytest.mark.parametrize(("trouble", "waits"), [(Retryable("busy"), True), (Permanent("no such mailbox"), False)])
def test_a_mail_server_that_refuses(both: World, trouble: Exception, waits: bool) -> None:
    set_sender(both, SENDER)
    both.sink.trouble = [trouble]  # type: ignore[list-item]
    assert mail_questions(both.ctx, both.sink) == 0
    row = both.row(SenderCheck)
    assert (row.token_hash, row.mail_at is not None) == (None, waits)
    assert state(both).state == ("asked" if waits else "set")


def test_messages_leave_from_the_address_whatever_its_state(both: World) -> None:
    """What is not confirmed is only warned of: the merchant decides."""
    set_sender(both, SENDER)
    both.hook("orders/create", order(both.now))
    both.send()
    assert str(both.sink.parsed()[-1]["From"]).endswith("<Hello@haneul.example>")


# -- its domain --------------------------------------------------------------------------------------------------------
def test_the_domain_is_looked_up_in_the_background_and_daily(asked: World) -> None:
    assert state(asked).domain is None
    while work_off(asked.ctx):
        pass
    found = state(asked).domain
    assert found is not None
    assert {record["kind"]: record["state"] for record in found.found} == {"spf": "good", "dkim": "good",
                                                                            "dmarc": "good"}  # fmt: skip
    assert timedelta(hours=23) < next_look(asked) - datetime.now(UTC) < timedelta(hours=25)


def next_look(world: World) -> datetime:
    with world.ctx.database.reading() as session:
        row = session.query(Errand).filter_by(kind="sender").one()
        assert row.next_at is not None
        return row.next_at


def test_a_dns_that_is_away_is_said_so_and_asked_again_soon(both: World) -> None:
    def away(name: str) -> Sequence[str]:
        raise Away

    both.ctx.txt_asker = lambda: away  # type: ignore[misc]
    set_sender(both, SENDER)
    while work_off(both.ctx):
        pass
    found = state(both).domain
    assert found is not None
    assert {record["state"] for record in found.found} == {"unreachable"}
    assert next_look(both) - datetime.now(UTC) < timedelta(minutes=61)


def test_what_was_found_of_another_domain_is_not_shown(asked: World) -> None:
    while work_off(asked.ctx):
        pass
    set_sender(asked, "hello@elsewhere.example")
    assert state(asked).domain is None
    set_sender(asked, None)
    while work_off(asked.ctx):
        pass
    with asked.ctx.database.reading() as session:
        assert session.get(SenderDomain, asked.row(Shop).id) is None
