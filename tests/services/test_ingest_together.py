"""Several workers at once: no deadlock that is not survived, and the same result as one worker alone."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from plugin.services.context import Context
from plugin.services.ingest import ingest_receipts
from plugin.services.shops import find_shop, go_live
from plugin.store.models.customers import Checkout, Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product, Purchase
from plugin.store.models.shops import Receipt, Shop, Tombstone
from tests.services.test_ingest import merge
from tests.services.world import (
    DOMAIN,
    World,
    compliance,
    consent,
    customer,
    iso,
    order,
    parcel,
    product,
    refund,
    tracked,
)

Webhook = tuple[str, dict[str, Any]]


def together(*workers: Callable[[], object]) -> None:
    """Run them in threads at once; what one of them raises is raised here."""
    errors: list[BaseException] = []
    ready = threading.Barrier(len(workers))

    def run(worker: Callable[[], object]) -> None:
        try:
            ready.wait(10)
            worker()
        except BaseException as exc:  # to the test's own thread
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a worker hangs"
    if errors:
        raise errors[0]


def emptied(world: World, limit: int) -> Callable[[], None]:
    """A worker that goes on until no receipt waits for it."""

    def work() -> None:
        idle = 0
        while idle < 3:
            idle = 0 if ingest_receipts(world.ctx, limit) else idle + 1

    return work


def stories(world: World, people: int, orders_each: int) -> list[Webhook]:
    """What happens to some customers with several orders each; carriers unnamed, so that no estimate is learned."""
    at = world.now
    found: list[Webhook] = []
    for person in range(people):
        mail = f"p{person}@example.com"
        who = customer(500 + person, email=mail)
        found.append(("customers_email_marketing_consent/update", consent(at, number=500 + person, mail=mail)))
        for nth in range(orders_each):
            number = 1001 + person * orders_each + nth
            placed = order(at, number, customer=who, email=mail, contact_email=mail)
            sent = parcel(at, order_id=number, tracking_company=None)
            found += [
                ("orders/create", placed),
                ("orders/updated", placed | {"financial_status": "voided" if nth == 1 else "paid"}),
                ("fulfillments/create", sent),
                ("fulfillments/update", sent),
                ("fulfillment_events/create", tracked(at, order_id=number)),
                ("refunds/create", refund(at, {1: 1}, order_id=number)),
            ]
        found.append(("checkouts/update", {"token": f"c{person % 2}", "updated_at": iso(at), "line_items": []}))
    found += [("products/update", product(at, number)) for number in (1, 2, 3, 1, 2, 3)]
    found.append(("customers/merge", merge(500, 501)))
    return found


def state_of(world: World) -> dict[str, list[Any]]:
    """Everything that was learned and planned, without the rows' own numbers."""
    people = {c.id: c.platform_id for c in world.rows(Customer)}
    return {
        "customers": sorted((c.platform_id, c.version, people.get(c.merged_into_id)) for c in world.rows(Customer)),
        "orders": sorted(
            (o.platform_id, o.version, people[o.customer_id], o.financial_status, o.placed_at, repr(o.refunds))
            for o in world.rows(Order)
        ),
        "parcels": sorted((p.platform_id, p.version, p.estimated_at, p.delivered_at) for p in world.rows(Parcel)),
        "messages": sorted(
            (m.step, m.subject, m.state, m.reason, str(m.due_at), people[m.customer_id], tuple(m.parcels))
            for m in world.rows(Message)
        ),
        "consents": sorted((c.address, c.subscribed_at) for c in world.rows(Consent)),
        "products": sorted((p.platform_id, p.version) for p in world.rows(Product)),
        "checkouts": sorted((c.token, c.version) for c in world.rows(Checkout)),
        "purchases": sorted((p.product_id, p.title) for p in world.rows(Purchase)),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_together_do_what_one_does(both: World, sqlite_context: Context, seed: int) -> None:
    alone = World(sqlite_context)
    webhooks = stories(alone, people=3, orders_each=3)
    for topic, payload in webhooks:
        alone.hook(topic, payload)
    shuffled = webhooks * 2
    random.Random(seed).shuffle(shuffled)
    for topic, payload in shuffled:
        both.receive(topic, payload, triggered_at=alone.now)
    together(*[emptied(both, limit=4) for _ in range(3)])
    assert {r.state for r in both.rows(Receipt)} <= {"done", "kept"}
    assert state_of(both) == state_of(alone)


def test_two_workers_that_meet_the_same_rows_in_opposite_order(both: World) -> None:
    """Each batch holds the same products, checkouts, addresses and customers, turned round."""
    at = both.now
    mails = [f"a{number}@example.com" for number in range(5)]
    for turn in range(12):
        news: list[Webhook] = [("products/update", product(at, number)) for number in range(5)]
        news += [("checkouts/update", {"token": f"c{n}", "updated_at": iso(at), "line_items": []}) for n in range(5)]
        news += [
            ("customers_email_marketing_consent/update", consent(at, mail=mail, number=600 + n) | {"turn": turn})
            for n, mail in enumerate(mails)
        ]
        for topic, payload in news if turn % 2 else reversed(news):
            both.receive(topic, payload)
    together(*[emptied(both, limit=15) for _ in range(3)])
    assert {r.state for r in both.rows(Receipt)} == {"done"}
    assert {r.attempts for r in both.rows(Receipt)} == {0}
    assert (len(both.rows(Product)), len(both.rows(Checkout)), len(both.rows(Consent))) == (5, 5, 5)


def test_going_live_misses_no_order_that_comes_meanwhile(both: World) -> None:
    stranger = "stranger.myshopify.com"
    both.add_shop(stranger, live=False)
    for number in range(1001, 1061):
        both.receive("orders/create", order(both.now, number, customer=customer(number)), domain=stranger)

    def live() -> None:
        with both.ctx.database.transaction() as session:
            shop = find_shop(session, stranger)
            assert shop is not None
            go_live(session, both.ctx, shop)

    together(emptied(both, limit=5), emptied(both, limit=5), live)
    assert {m.state for m in both.rows(Message, step="thank_you")} == {"planned"}
    assert len(both.rows(Message, step="thank_you")) == 60


def test_an_erasure_among_news_of_the_same_customer(both: World) -> None:
    for number in range(1001, 1031):
        both.receive("orders/create", order(both.now, number))
        if number == 1015:
            both.receive("customers/redact", compliance(DOMAIN))
    together(*[emptied(both, limit=3) for _ in range(3)])
    assert {(o.email, o.address, o.first_name, o.shipping_address) for o in both.rows(Order)} <= {(None,) * 4}
    assert [c.email for c in both.rows(Customer)] == [None]
    assert {r.body for r in both.rows(Receipt)} == {None}
    assert {s.kind for s in both.rows(Tombstone)} >= {"customer"}


def test_a_shop_is_erased_among_news_of_it_and_of_others(both: World) -> None:
    other = "other.myshopify.com"
    both.add_shop(other)
    for number in range(1001, 1031):
        both.receive("orders/create", order(both.now, number))
        both.receive("orders/create", order(both.now, number), domain=other)
        if number == 1015:
            both.receive("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    together(*[emptied(both, limit=7) for _ in range(3)])
    assert [s.domain for s in both.rows(Shop)] == [other]
    assert len(both.rows(Order)) == 30
    assert {(r.state, r.attempts) for r in both.rows(Receipt)} == {("done", 0)}
