"""What was written is kept as it left, once for each try, and goes when its customer or its shop is erased."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from plugin.channels.email.errors import Retryable
from plugin.services.bodies import Body, read_body
from plugin.services.deliver import claim
from plugin.store.models.bodies import MessageBody
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from tests.services.test_deliver import many
from tests.services.world import DOMAIN, World, body, compliance, order


def kept(world: World, message_id: int) -> Body | None:
    with world.ctx.database.reading() as session:
        return read_body(session, world.ctx, message_id)


def count(world: World) -> int:
    with world.ctx.database.reading() as session:
        return len(session.scalars(select(MessageBody.message_id)).all())


def test_what_left_can_be_read_again(both: World) -> None:
    many(both, 3)
    assert kept(both, both.rows(Message, step="thank_you")[0].id) is None
    both.send()
    mails = {str(mail["To"]): mail for mail in both.sink.parsed()}
    for message in both.rows(Message, step="thank_you"):
        found = kept(both, message.id)
        assert found is not None
        mail = mails[message.address]
        assert found.subject == mail["Subject"] == message.mail_subject
        assert found.text.strip() == body(mail).replace("\r\n", "\n").strip()
        assert "<html" in found.html
    assert count(both) == 3


def test_nothing_of_it_can_be_read_without_the_key(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.send()
    with both.ctx.database.transaction() as session:
        (stored,) = session.scalars(select(MessageBody.body)).all()
        assert b"Jane" not in stored
        session.execute(update(MessageBody).values(body=b"of a lost key"))
    assert kept(both, both.message("thank_you").id) is None


def test_each_try_is_kept_and_the_newest_is_read(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.sink.trouble = [Retryable("mailbox busy")]
    both.send()
    with both.ctx.database.transaction() as session:
        session.execute(update(Order).values(first_name="Corinna"))
    both.later(minutes=1)
    both.send()
    found = kept(both, both.message("thank_you").id)
    assert count(both) == 2
    assert found is not None
    assert "Corinna" in found.text


def test_an_erased_customers_bodies_go(both: World) -> None:
    both.hook("orders/create", order(both.now))
    many(both, 1)
    both.hook("orders/create", order(both.now, 1002, customer=None, email="other@example.com"))
    both.send()
    before = count(both)
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    assert kept(both, both.message("thank_you", subject="1001").id) is None
    assert kept(both, both.message("thank_you", subject="1002").id) is not None
    assert count(both) < before


def test_what_is_erased_after_it_was_claimed_is_never_written(both: World) -> None:
    both.hook("orders/create", order(both.now))
    assert claim(both.ctx, "token", 10)
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    both.later(minutes=10)
    both.send()
    assert count(both) == 0


def test_an_erased_shops_bodies_go(both: World) -> None:
    both.hook("orders/create", order(both.now))
    both.send()
    assert count(both) == 1
    both.later(days=2)
    both.hook("app/uninstalled", {"id": 1, "myshopify_domain": DOMAIN}, triggered_at=both.now)
    both.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN}, triggered_at=both.now + timedelta(seconds=1))
    assert count(both) == 0
