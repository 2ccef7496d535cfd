"""From receipts to facts: what fails, fails alone; what cannot be reached is still there afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from plugin.secrets import Vault
from plugin.services.batch import Batch, Told
from plugin.services.facts import apply
from plugin.services.ingest import ATTEMPTS, BACKOFF, ingest_receipts
from plugin.services.receipts import given_up, run_again
from plugin.services.sweep import anything_unprocessed
from plugin.store.models.customers import Checkout, Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Product, Purchase
from plugin.store.models.shops import Receipt
from schemas import events
from tests.services.world import World, consent, customer, iso, order, parcel, product, refund, tracked

POISON = "1666"


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours: whatever is about order 1666 raises."""
    genuine = apply.apply

    def handler(batch: Batch, told: Told, event: events.Event) -> None:
        if getattr(event, "order_id", None) == POISON:
            raise ZeroDivisionError("jane.doe@example.com")
        genuine(batch, told, event)

    monkeypatch.setattr(apply, "apply", handler)


def hurry(world: World) -> None:
    """Let the pauses between attempts pass."""
    with world.ctx.database.transaction() as session:
        session.execute(update(Receipt).values(next_attempt_at=datetime.now(UTC) - timedelta(seconds=1)))


@pytest.mark.usefixtures("poisoned")
def test_what_fails_fails_alone_and_ends_among_the_failed(both: World) -> None:
    for number in (1001, 1666, 1002):
        both.receive("orders/create", order(both.now, number, customer=None))
    assert both.ingest() == 3
    assert [r.state for r in both.rows(Receipt)] == ["done", "received", "done"]
    bad = both.rows(Receipt)[1]
    assert (bad.attempts, bad.reason) == (1, "could not be processed: ZeroDivisionError")
    pause = (bad.next_attempt_at - datetime.now(UTC)).total_seconds()
    assert BACKOFF[0] - 3 < pause <= BACKOFF[0]
    assert not anything_unprocessed(both.ctx)
    assert ingest_receipts(both.ctx) == 0  # it is not its turn yet
    for _ in range(ATTEMPTS - 1):
        hurry(both)
        assert anything_unprocessed(both.ctx)
        both.ingest()
    bad = both.rows(Receipt)[1]
    assert (bad.state, bad.attempts) == ("failed", ATTEMPTS)
    assert len(both.rows(Message, step="thank_you")) == 2


def test_what_failed_can_be_run_again(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    both.hook("orders/create", b"not json")
    both.receive("orders/create", order(both.now, 1666))
    with both.ctx.database.transaction() as session:
        session.execute(update(Receipt).where(Receipt.state == "received").values(state="failed", attempts=5))
    both.receive("orders/create", order(both.now, 1667))
    both.ingest()
    with both.ctx.database.transaction() as session:
        assert run_again(session, [receipt.id for receipt in given_up(session)]) == 2
    both.ingest()
    assert [r.state for r in both.rows(Receipt)] == ["rejected", "done", "done"]
    assert both.rows(Order, platform_id="1666")


def test_a_database_outage_is_raised_and_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.receive("orders/create", order(world.now))
    world.receive("orders/create", order(world.now, 1002))

    def down(*_: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(apply, "apply", down)
        with pytest.raises(OperationalError):
            ingest_receipts(world.ctx)
    assert [(r.state, r.attempts) for r in world.rows(Receipt)] == [("received", 0)] * 2
    world.ingest()
    assert [r.state for r in world.rows(Receipt)] == ["done"] * 2


def test_a_lost_race_is_run_again_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine, races = apply.apply, ["40P01", "55P03"]

    class Lost(Exception):
        def __init__(self, sqlstate: str) -> None:
            self.sqlstate = sqlstate

    def handler(batch: Batch, told: Told, event: events.Event) -> None:
        if races:
            raise OperationalError("UPDATE", {}, Lost(races.pop()))
        genuine(batch, told, event)

    monkeypatch.setattr(apply, "apply", handler)
    world.receive("orders/create", order(world.now))
    assert ingest_receipts(world.ctx) == 1
    assert (world.row(Receipt).state, world.row(Receipt).attempts) == ("done", 0)


def test_a_lost_key_is_said_plainly(world: World) -> None:
    world.receive("orders/create", order(world.now))
    world.ctx.__dict__["vault"] = Vault((Fernet.generate_key().decode(),))
    world.ingest()
    receipt = world.row(Receipt)
    assert receipt.state == "failed"
    assert "ENCRYPTION_KEYS" in receipt.reason
    del world.ctx.__dict__["vault"]
    with world.ctx.database.transaction() as session:
        run_again(session, [receipt.id])
    world.ingest()
    assert world.row(Receipt).state == "done"


def test_a_limit_bounds_a_batch_and_the_oldest_come_first(world: World) -> None:
    for number in range(1001, 1008):
        world.receive("orders/create", order(world.now, number))
    assert ingest_receipts(world.ctx, limit=3) == 3
    assert [r.state for r in world.rows(Receipt)] == ["done"] * 3 + ["received"] * 4
    assert world.ingest() == 4


def test_older_news_never_overwrites_newer(both: World) -> None:
    first = both.now
    both.later(hours=2)
    newer = order(first, financial_status="voided", updated_at=iso(first + timedelta(hours=1)))
    both.hook("orders/updated", newer)
    both.hook("orders/create", order(first), triggered_at=first)
    assert both.row(Order).financial_status == "voided"
    assert both.message("thank_you").state == "cancelled"


def test_news_of_a_parcel_before_its_order(both: World) -> None:
    start = both.now
    both.later(days=3)
    both.hook("fulfillment_events/create", tracked(both.now))
    both.hook("fulfillments/create", parcel(start + timedelta(days=1)))
    assert both.rows(Message) == []
    both.hook("orders/create", order(start))
    assert both.message("delivered").subject == "1001001"
    assert both.message("delivered").due_at == both.now


# -- customers that become one ---------------------------------------------------------------------------------------
def merge(kept: int, deleted: int) -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}", "status": "completed", "errors": [],
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{deleted}",
    }  # fmt: skip


def test_merged_customers_share_their_orders(both: World) -> None:
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    both.hook("orders/create", order(both.now, 1001, customer=customer(501)))
    both.hook("fulfillments/create", parcel(both.now))
    both.hook("fulfillment_events/create", tracked(both.now))
    assert both.message("cross_sell").state == "planned"
    both.later(hours=1)
    both.hook("orders/create", order(both.now, 1002, customer=customer(502)))
    assert both.message("cross_sell", subject="1001").state == "planned"
    both.hook("customers/merge", merge(502, 501))
    one = both.message("cross_sell", subject="1001")
    assert (one.state, one.reason) == ("cancelled", "the customer bought again: #1002")
    assert {o.customer_id for o in both.rows(Order)} == {both.row(Customer, platform_id="502").id}
    assert {m.customer_id for m in both.rows(Message)} == {both.row(Customer, platform_id="502").id}


def test_orders_under_a_merged_id_follow_the_pointer_through_two_merges(both: World) -> None:
    both.hook("customers/merge", merge(2, 1))
    both.hook("customers/merge", merge(3, 2))
    both.hook("orders/create", order(both.now, customer=customer(1)))
    both.hook("orders/updated", order(both.now, customer=customer(1), updated_at=iso(both.now + timedelta(minutes=1))))
    last = both.row(Customer, platform_id="3")
    assert both.row(Order).customer_id == last.id
    assert both.row(Customer, platform_id="1").merged_into_id == last.id


def test_a_merge_and_its_orders_in_one_batch_in_any_order(both: World) -> None:
    both.receive("customers/merge", merge(3, 2))
    both.receive("customers/merge", merge(2, 1))
    both.receive("orders/create", order(both.now, 1001, customer=customer(1)))
    both.receive("orders/create", order(both.now, 1002, customer=customer(2)))
    both.ingest()
    last = both.row(Customer, platform_id="3")
    assert {o.customer_id for o in both.rows(Order)} == {last.id}


def test_a_merge_into_oneself_or_in_a_circle_ends(both: World) -> None:
    for kept, deleted in ((1, 1), (2, 1), (1, 2)):
        both.hook("customers/merge", merge(kept, deleted))
    both.hook("orders/create", order(both.now, customer=customer(1)))
    assert both.rows(Receipt)[-1].state == "done"


def test_an_order_that_changes_its_customer_is_planned_for_both(both: World) -> None:
    both.hook("customers_email_marketing_consent/update", consent(both.now))
    both.hook("orders/create", order(both.now, 1001))
    both.later(hours=1)
    both.hook("orders/create", order(both.now, 1002))
    assert both.message("cross_sell", subject="1001").state == "cancelled"
    both.later(hours=1)
    moved = order(both.now - timedelta(hours=1), 1002, customer=customer(777), updated_at=iso(both.now))
    both.hook("orders/updated", moved)
    assert both.message("cross_sell", subject="1001").state == "waiting"


# -- catalogue, checkouts, consent ------------------------------------------------------------------------------------
def test_a_deleted_checkout_stays_forgotten(both: World) -> None:
    cart = {
        "token": "cart-1", "email": "jane.doe@example.com", "created_at": iso(both.now), "updated_at": iso(both.now),
        "abandoned_checkout_url": "https://haneul.example/recover?key=hush", "line_items": [], "customer": customer(),
    }  # fmt: skip
    both.hook("checkouts/create", cart)
    stored = both.row(Checkout)
    assert (stored.email, stored.deleted) == ("jane.doe@example.com", False)
    assert "hush" not in stored.recovery_url
    both.hook("checkouts/delete", {"token": "cart-1"})
    both.hook("checkouts/update", cart | {"updated_at": iso(both.now + timedelta(minutes=1))})
    stored = both.row(Checkout)
    assert (stored.deleted, stored.email, stored.recovery_url, stored.details) == (True, None, None, None)


def test_products_of_one_batch_converge(both: World) -> None:
    both.receive("products/update", product(both.now, 1, title="New", updated_at=iso(both.now - timedelta(hours=1))))
    both.receive("products/update", product(both.now, 1, title="Old", updated_at=iso(both.now - timedelta(hours=2))))
    both.receive("products/delete", {"id": 7002})
    both.receive("products/update", product(both.now, 2))
    both.ingest()
    assert [(p.title, p.deleted) for p in both.rows(Product)] == [("New", False), ("Product 2", True)]


def test_consent_for_an_address_reaches_the_orders_of_guests(both: World) -> None:
    both.hook("orders/create", order(both.now, customer=None))
    both.hook("fulfillments/create", parcel(both.now))
    both.hook("fulfillment_events/create", tracked(both.now))
    assert both.message("cross_sell").reason == "no consent to marketing"
    both.hook("customers_email_marketing_consent/update", consent(both.now, mail=" Jane.DOE@Example.com "))
    assert both.message("cross_sell").state == "planned"
    both.later(minutes=1)
    both.hook("customers_email_marketing_consent/update", consent(both.now, "unsubscribed"))
    assert both.message("survey").reason == "the customer unsubscribed"
    assert len(both.rows(Consent)) == 1


def test_several_words_about_one_address_in_one_batch(both: World) -> None:
    for minutes, state in ((3, "unsubscribed"), (1, "subscribed"), (2, "pending")):
        both.receive("customers_email_marketing_consent/update", consent(both.now - timedelta(minutes=minutes), state))
    both.ingest()
    word = both.row(Consent)
    assert word.opted_out_at < word.neutral_at < word.subscribed_at


def test_facts_repeated_by_every_topic_are_stored_once(both: World) -> None:
    payload = order(both.now, fulfillments=[parcel(both.now)], refunds=[refund(both.now, {1: 1})])
    for topic in ("orders/create", "orders/paid", "orders/updated", "orders/fulfilled"):
        both.hook(topic, payload)
    both.hook("refunds/create", refund(both.now, {1: 1}))
    both.hook("fulfillments/create", parcel(both.now))
    assert list(both.row(Order).refunds) == ["100101"]
    assert len(both.rows(Purchase)) == 2
    assert len(both.rows(Message, step="shipped")) == 1


