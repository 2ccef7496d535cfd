"""Bounces and complaints as mail providers tell them: what becomes of the message, the address and the plan."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from plugin.channels.email.errors import Permanent
from plugin.services import address_marks
from plugin.services.address_marks import NoMark
from plugin.services.context import Context
from plugin.services.figure_days import roll_up
from plugin.services.mail_events import anything_heard, take_in
from plugin.services.mail_receive import receive_mail_event
from plugin.services.message_list import Wanted, find_messages
from plugin.services.order_search import NoSuchOrder
from plugin.services.receive import Answer
from plugin.store.models.customers import Consent, Suppression
from plugin.store.models.figures import FigureDay, Reaction
from plugin.store.models.mail_events import MailWebhook
from plugin.store.models.merchants import Change
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.platform import ConsentWriteback
from plugin.store.models.shops import Shop
from schemas.mail.providers import PROVIDERS
from tests.services.world import DOMAIN, EMAIL, World, compliance, consent, customer, iso, order, parcel
from tests.support.mail_providers import AmazonHost, event, secrets, signed, sns

OTHER = "other.myshopify.com"


def providers(ctx: Context) -> AmazonHost:
    """The context takes every provider's webhooks from now on."""
    host = AmazonHost()
    ctx.settings = replace(ctx.settings, email_webhooks=secrets())
    ctx.amazon = host.amazon()  # type: ignore[misc]
    return host


@pytest.fixture
def sent(both: World) -> World:
    """A thank-you has left."""
    providers(both.ctx)
    both.hook("orders/create", order(both.now))
    both.send()
    assert both.sink.steps() == ["thank_you"]
    both.later(minutes=5)
    return both


def tell(world: World, provider: str, payload: Any, number: str = "m-1") -> Answer:
    answer = receive_mail_event(world.ctx, provider, *signed(provider, payload, number))
    while take_in(world.ctx):
        pass
    return answer


def header(world: World, name: str, place: int = -1) -> str:
    return str(world.sink.parsed()[place][name])


def key_of(world: World, place: int = -1) -> str:
    return header(world, "X-Entity-Ref-ID", place)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_permanent_bounce_ends_the_message_and_the_address(sent: World, provider: str) -> None:
    assert tell(sent, provider, event(provider, "bounced", EMAIL, key=key_of(sent))).status == 200
    plan = sent.plan()
    assert plan.pop("thank_you").startswith("failed: came back: there is no such mailbox")
    assert set(plan.values()) == {"withheld: the address is dead"}
    assert (sent.row(Suppression).address, sent.row(Suppression).cause) == (EMAIL, "dead")
    assert [(r.kind, r.at) for r in sent.rows(Reaction)] == [("bounced", sent.now)]
    assert sent.rows(Consent) == []  # a dead mailbox is no word of its owner's
    row = sent.row(MailWebhook)
    assert (row.state, row.recipient, row.recipient_hash) == ("done", None, None)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bounce_that_is_not_the_addresss_fault_suppresses_nothing(sent: World, provider: str) -> None:
    tell(sent, provider, event(provider, "undelivered", EMAIL, key=key_of(sent)))
    assert sent.rows(Suppression) == []
    assert sent.plan()["thank_you"].startswith("failed: came back: it could not be delivered")
    assert sent.plan()["shipped"] == "waiting: waits for shipping"
    assert [r.kind for r in sent.rows(Reaction)] == ["bounced"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_complaint_stops_all_mail_and_is_written_back(sent: World, provider: str) -> None:
    sent.hook("customers_email_marketing_consent/update", consent(sent.now - timedelta(days=3)))
    tell(sent, provider, event(provider, "complained", EMAIL, key=key_of(sent)))
    assert sent.row(Suppression).cause == "complained"
    plan = sent.plan()
    assert plan.pop("thank_you").startswith("sent: ")  # it did arrive
    assert set(plan.values()) == {"withheld: the customer complained about mail"}
    assert [r.kind for r in sent.rows(Reaction)] == ["complained"]
    assert sent.row(Consent).opted_out_at is not None
    assert [(row.word, row.address) for row in sent.rows(ConsentWriteback)] == [("unsubscribed", EMAIL)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_repetitions_change_nothing(sent: World, provider: str) -> None:
    payload = event(provider, "complained", EMAIL, key=key_of(sent))
    delivery = signed(provider, payload)
    for _ in range(3):
        assert receive_mail_event(sent.ctx, provider, *delivery).status == 200
        take_in(sent.ctx)
        sent.later(hours=1)
    assert [row.state for row in sent.rows(MailWebhook)] == ["done"]
    assert len(sent.rows(Reaction)) == len(sent.rows(Consent)) == len(sent.rows(Suppression)) == 1


def test_a_complaint_outweighs_a_bounce_whichever_comes_first(both: World) -> None:
    providers(both.ctx)
    for number, words in enumerate((("complained", "bounced"), ("bounced", "complained"))):
        mail = f"c{number}@example.com"
        both.hook("orders/create", order(both.now, 1001 + number, email=mail, contact_email=mail,
                                         customer=customer(number + 1, email=mail)))  # fmt: skip
        both.send()
        for word in words:
            tell(both, "mailgun", event("mailgun", word, mail, key=key_of(both), number=f"{number}{word}"),
                 f"{number}{word}")  # fmt: skip
    assert {(row.address, row.cause) for row in both.rows(Suppression)} == {
        ("c0@example.com", "complained"), ("c1@example.com", "complained")}  # fmt: skip


@pytest.mark.parametrize("provider", ["ses", "sendgrid", "mailgun"])
def test_without_a_key_the_message_id_finds_the_message(sent: World, provider: str) -> None:
    sent.hook("fulfillments/create", parcel(sent.now))
    sent.later(minutes=11)
    sent.send()
    assert sent.sink.steps() == ["thank_you", "shipped"]
    first = header(sent, "Message-ID", 0)
    tell(sent, provider, event(provider, "bounced", EMAIL, rfc_id=first))
    (reaction,) = sent.rows(Reaction)
    assert reaction.message_id == sent.message("thank_you").id
    assert sent.message("shipped").state == "sent"


def test_without_anything_the_recipient_tells_only_what_is_certain(sent: World) -> None:
    """One message: it is that one. Two: the address is dead, and nobody knows which came back. Two shops: nothing."""
    tell(sent, "postmark", event("postmark", "bounced", EMAIL))
    assert [r.message_id for r in sent.rows(Reaction)] == [sent.message("thank_you").id]
    other = "two@example.com"
    both_mails = {"email": other, "contact_email": other, "customer": customer(9, email=other)}
    sent.hook("orders/create", order(sent.now, 1002, **both_mails))
    sent.send()
    sent.hook("fulfillments/create", parcel(sent.now, order_id=1002))
    sent.later(minutes=11)
    sent.send()
    tell(sent, "postmark", event("postmark", "bounced", other, number="e-2"))
    assert {row.address for row in sent.rows(Suppression)} == {EMAIL, other}
    assert len(sent.rows(Reaction)) == 1
    third = "three@example.com"
    mails = {"email": third, "contact_email": third, "customer": customer(10, email=third)}
    sent.add_shop(OTHER)
    for domain in (DOMAIN, OTHER):
        sent.hook("orders/create", order(sent.now, 1003, **mails), domain=domain)
    sent.send()
    tell(sent, "postmark", event("postmark", "bounced", third, number="e-3"))
    row = sent.rows(MailWebhook)[-1]
    assert (row.state, row.reason) == ("kept", "several shops wrote to this recipient")
    assert third not in {mark.address for mark in sent.rows(Suppression)}


def test_a_forwarded_mail_that_bounces_elsewhere_does_not_kill_the_address(sent: World) -> None:
    tell(sent, "ses", event("ses", "bounced", "forwarded@elsewhere.example", key=key_of(sent)))
    assert sent.rows(Suppression) == []
    assert [r.kind for r in sent.rows(Reaction)] == ["bounced"]


def test_one_shops_bounce_is_not_the_others(both: World) -> None:
    providers(both.ctx)
    both.add_shop(OTHER)
    for domain in (DOMAIN, OTHER):
        both.hook("orders/create", order(both.now), domain=domain)
    both.send()
    mine, theirs = both.row(Shop, domain=DOMAIN), both.row(Shop, domain=OTHER)
    keys = [str(mail["X-Entity-Ref-ID"]) for mail in both.sink.parsed()]
    tell(both, "sendgrid", event("sendgrid", "bounced", EMAIL, key=next(k for k in keys if k.startswith(mine.code))))
    assert [row.shop_id for row in both.rows(Suppression)] == [mine.id]
    assert {m.state for m in both.rows(Message, shop_id=mine.id)} == {"failed", "withheld"}
    untouched = {m.step: m.state for m in both.rows(Message, shop_id=theirs.id)}
    assert (untouched["thank_you"], untouched["shipped"]) == ("sent", "waiting")


def test_an_event_of_nobody_is_kept_with_a_reason_and_without_the_address(sent: World) -> None:
    for number, key in enumerate(("nosuchshop/post_purchase/thank_you/1/email/0", "x/y", "a/issue/1/reply/1", None)):
        tell(sent, "sendgrid", event("sendgrid", "bounced", "who@example.com", key=key, number=str(number)))
    rows = sent.rows(MailWebhook)
    assert {(r.state, r.reason, r.recipient) for r in rows} == {("kept", "no message of ours fits", None)}
    assert len(rows) == 4


def test_every_order_to_the_address_is_planned_anew_also_after_a_refusal_at_the_door(both: World) -> None:
    """The server's own 550 5.1.1 and a bounce that is told later mean the same."""
    both.hook("orders/create", order(both.now, 1001))
    both.hook("orders/create", order(both.now, 1002, customer=None))  # the same address, without a customer
    both.sink.trouble = [Permanent("there is no such mailbox (550 5.1.1)", dead_address=True)]
    both.send()
    rest = [m for m in both.rows(Message) if m.state not in ("failed", "sent")]
    assert {m.reason for m in rest} == {"the address is dead"}


def test_the_shop_frees_a_dead_address_and_old_news_does_not_kill_it_again(sent: World) -> None:
    tell(sent, "ses", event("ses", "bounced", EMAIL, key=key_of(sent)))
    stored = sent.row(Order)
    with pytest.raises(NoSuchOrder):
        address_marks.lift(sent.ctx, stored.shop_id + 1, stored.id, "owner")
    sent.later(minutes=1)
    address_marks.lift(sent.ctx, stored.shop_id, stored.id, "owner")
    assert sent.plan()["shipped"] == "waiting: waits for shipping"
    line = sent.rows(Change)[-1]
    assert (line.actor, line.what, line.after) == ("owner", "address.lifted", {"order": "#1001", "address": "lifted"})
    assert EMAIL not in json.dumps([line.before, line.after])
    tell(sent, "ses", event("ses", "bounced", EMAIL, key=key_of(sent)), "late news")
    assert sent.row(Suppression).cause == "lifted"
    sent.hook("fulfillments/create", parcel(sent.now))
    sent.later(minutes=11)
    sent.send()
    assert sent.sink.steps()[-1] == "shipped"
    tell(sent, "ses", event("ses", "bounced", EMAIL, key=key_of(sent)), "newer")
    assert sent.row(Suppression).cause == "dead"


def test_a_complaint_is_not_the_shops_to_lift(sent: World) -> None:
    tell(sent, "ses", event("ses", "complained", EMAIL, key=key_of(sent)))
    stored = sent.row(Order)
    with pytest.raises(NoMark):
        address_marks.lift(sent.ctx, stored.shop_id, stored.id, "owner")


def test_another_address_is_another_mailbox(sent: World) -> None:
    tell(sent, "ses", event("ses", "bounced", EMAIL, key=key_of(sent)))
    sent.later(minutes=1)
    right = {"email": "right@example.com", "contact_email": "right@example.com", "updated_at": iso(sent.now)}
    sent.hook("orders/updated", order(sent.now - timedelta(minutes=6), **right))
    assert sent.plan()["shipped"] == "waiting: waits for shipping"


def test_a_message_that_came_back_is_among_the_failed_and_counted_as_sent(sent: World) -> None:
    tell(sent, "resend", event("resend", "bounced", EMAIL, key=key_of(sent)))
    shop_id = sent.row(Shop).id
    with sent.ctx.database.reading() as session:
        (line,) = find_messages(session, shop_id, Wanted(state="failed")).messages
    assert line.step == "thank_you"
    sent.later(days=2)
    roll_up(sent.ctx)
    (day,) = days(sent)
    assert (day.sent, day.bounced) == (1, 1)


def days(world: World) -> list[FigureDay]:
    with world.ctx.database.reading() as session:
        return list(session.scalars(select(FigureDay).where(FigureDay.sent > 0)))


def test_a_late_reaction_counts_on_the_day_of_its_message(sent: World) -> None:
    sent.later(days=3)
    roll_up(sent.ctx)
    assert [(d.sent, d.complained) for d in days(sent)] == [(1, 0)]
    sent.later(days=9)
    tell(sent, "mailgun", event("mailgun", "complained", EMAIL, key=key_of(sent)))
    roll_up(sent.ctx)
    assert [(d.sent, d.complained) for d in days(sent)] == [(1, 1)]


def test_news_that_overtakes_the_record_of_the_sending_waits_for_it(sent: World) -> None:
    message = sent.message("thank_you")
    with sent.ctx.database.transaction() as session:
        session.execute(update(Message).where(Message.id == message.id).values(state="sending", sent_at=None))
    tell(sent, "ses", event("ses", "bounced", EMAIL, key=key_of(sent)))
    row = sent.row(MailWebhook)
    assert (row.state, row.reason) == ("received", "tried again: NotYet")
    assert not anything_heard(sent.ctx)
    with sent.ctx.database.transaction() as session:
        session.execute(update(Message).where(Message.id == message.id).values(state="sent", sent_at=sent.now))
        session.execute(update(MailWebhook).values(next_attempt_at=datetime.now(UTC)))
    assert anything_heard(sent.ctx)
    take_in(sent.ctx)
    assert sent.message("thank_you").state == "failed"


def test_an_erased_customer_is_in_no_event(sent: World) -> None:
    tell(sent, "sendgrid", event("sendgrid", "bounced", EMAIL, key=key_of(sent), number="one"))
    receive_mail_event(sent.ctx, "sendgrid", *signed("sendgrid", event("sendgrid", "bounced", EMAIL, number="two")))
    receive_mail_event(sent.ctx, "sendgrid", *signed("sendgrid", [{"event": 5, "email": EMAIL}, {"email": EMAIL}]))
    assert [r.state for r in sent.rows(MailWebhook)] == ["done", "received", "rejected"]
    sent.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    left = sent.rows(MailWebhook)
    assert [(r.state, r.key, r.recipient_hash, r.body) for r in left] == [
        ("done", None, None, None), ("rejected", None, None, None)]  # fmt: skip
    tell(sent, "sendgrid", event("sendgrid", "complained", EMAIL, key=key_of(sent), number="three"))
    assert sent.rows(MailWebhook)[-1].reason == "the customer's data was erased"
    assert sent.rows(Suppression) == sent.rows(Consent) == []


def test_a_subscription_of_our_topic_is_confirmed_once(both: World) -> None:
    host = providers(both.ctx)
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=t&Token=secret"
    question = {"Type": "SubscriptionConfirmation", "Token": "secret", "SubscribeURL": url}
    body = sns("You have chosen to subscribe", "c-1", **question)
    for _ in range(2):
        assert receive_mail_event(both.ctx, "ses", {}, body).status == 200
        take_in(both.ctx)
    assert [asked for asked in host.asked if "Action" in asked] == [url]
    assert (both.row(MailWebhook).state, both.row(MailWebhook).body) == ("done", None)
    evil = sns("…", "c-2", **{**question, "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription&x=1"})
    receive_mail_event(both.ctx, "ses", {}, evil)
    take_in(both.ctx)
    assert both.rows(MailWebhook)[-1].state == "failed"
    assert not [asked for asked in host.asked if "evil" in asked]


def test_sendgrids_batch_of_a_thousand_is_taken_whole(sent: World) -> None:
    batch = [*event("sendgrid", "bounced", EMAIL, key=key_of(sent), number="real")]
    batch += [{"event": "delivered", "email": EMAIL, "sg_event_id": f"d{n}", "timestamp": 1} for n in range(600)]
    batch += [{"event": "dropped", "email": f"n{n}@example.com", "sg_event_id": f"n{n}", "reason": "x"}
              for n in range(600)]  # fmt: skip
    tell(sent, "sendgrid", batch)
    assert len(sent.rows(MailWebhook)) == 601  # a delivery is nothing that we keep
    assert sent.row(Suppression).cause == "dead"


def test_the_marks_by_which_providers_find_a_message_are_on_the_mail_only_where_they_are_set(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.send()
    plain = both.sink.parsed()[0]
    assert not [name for name in plain if name.lower() in ("x-smtpapi", "x-mailgun-variables", "x-pm-metadata-dasi")]
    both.ctx.settings = replace(both.ctx.settings, email_webhooks=secrets())
    both.hook("orders/create", order(both.now, 1002))
    both.send()
    mail = both.sink.parsed()[1]
    key = mail["X-Entity-Ref-ID"]
    assert json.loads(mail["X-SMTPAPI"]) == {"unique_args": {"dasi": key}}
    assert json.loads(mail["X-Mailgun-Variables"]) == {"dasi": key}
    assert mail["X-PM-Metadata-dasi"] == key
