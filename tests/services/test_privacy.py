"""What the compliance requests promise, and that logs name nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import inspect, select

from plugin.channels.email.errors import Permanent, Retryable
from plugin.logs import JsonFormatter
from plugin.services import deliver
from plugin.services.facts import apply
from plugin.services.reports import read_reports
from plugin.services.shops import find_shop
from plugin.store.migrate import metadata
from plugin.store.models.customers import Checkout, Consent, Customer, DataRequest, Issue, Suppression, SurveyAnswer
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order, Purchase
from plugin.store.models.shops import Receipt, Shop, Tombstone
from plugin.store.partitions import is_partition
from tests.services.test_ingest import merge
from tests.services.world import (
    DOMAIN,
    EMAIL,
    World,
    address,
    compliance,
    consent,
    customer,
    iso,
    order,
    product,
    whole_life,
)

PHONE = "+491701234567"
OTHER_MAIL = "jane.private@example.org"
# Whatever of this customer must not be found where it does not belong.
PERSONAL = (
    "jane", "Doe", "Linden", "10117", "491701234567", "secret words", "hush", "TRACK1001001", "127.0.0.1:8000/u/",
)  # fmt: skip


def lived(world: World, number: int = 1001, domain: str = DOMAIN, complained: bool = True) -> None:
    """A customer who did all that a customer can do."""
    world.domain = domain
    sms = {"state": "subscribed", "consent_updated_at": iso(world.now)}
    cart = {"token": f"cart-{domain}", "email": EMAIL.upper(), "updated_at": iso(world.now), "line_items": []}
    world.hook("customers/update", customer(email=OTHER_MAIL, phone=PHONE, updated_at=iso(world.now)))
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    world.hook("customers_email_marketing_consent/update", consent(world.now, mail=OTHER_MAIL))
    world.hook("customers_marketing_consent/update", {"id": 501, "phone": PHONE, "sms_marketing_consent": sms})
    world.hook("checkouts/update", cart)
    list(whole_life(world, number, phone=PHONE))
    with world.ctx.database.transaction() as session:
        shop = find_shop(session, domain)
        assert shop is not None
        stored = session.scalars(select(Order).where(Order.shop_id == shop.id)).one()
        message = session.scalars(select(Message).where(Message.order_id == stored.id)).first()
        assert message is not None
        mine = {"shop_id": shop.id, "order_id": stored.id}
        session.add(SurveyAnswer(**mine, satisfaction=5, words="secret words of a survey", started_at=world.now))
        session.add(Issue(**mine, kind="not_arrived", opened_at=world.now, words="secret words of an issue"))
        session.add(Click(shop_id=shop.id, message_id=message.id, target="https://x.example/", at=world.now,
                          by_scanner=False))  # fmt: skip
        if complained:
            session.add(Suppression(shop_id=shop.id, channel="email", address=EMAIL, cause="complained", at=world.now))


def everything(world: World) -> str:
    """All rows of all tables as text, with what is encrypted opened."""
    vault, found = world.ctx.vault, []
    with world.ctx.database.reading() as session:
        for table in metadata().sorted_tables:
            for row in session.execute(select(table)):
                for name, value in row._mapping.items():
                    if name == "body" and value:
                        value = vault.open_bytes(value).decode()
                    elif name in ("status_url", "recovery_url", "report") and value:
                        value = vault.open(value)
                    found.append(f"{table.name}.{name}={value}")
    return "\n".join(found)


def test_a_report_holds_everything(both: World) -> None:
    lived(both)
    both.hook("customers/data_request", compliance(DOMAIN, orders_requested=[1001], data_request={"id": 77}))
    with both.ctx.database.reading() as session:
        shop = find_shop(session, DOMAIN)
        assert shop is not None
        ((request_id, at, report),) = read_reports(session, both.ctx, shop)
    assert (request_id, at) == ("77", both.now)
    assert report is not None
    text = json.dumps(report)
    for said in (EMAIL, OTHER_MAIL, PHONE, "Unter den Linden 5", "#1001", "Green tea 1", "secret words of a survey",
                 "secret words of an issue", "TRACK1001001", "complained", "thank_you", "https://x.example/",
                 f"cart-{DOMAIN}"):  # fmt: skip
        assert said in text
    assert {c["channel"] for c in report["consent"]} == {"email", "sms"}
    assert "hush" not in text
    assert "Unter den Linden" not in both.row(DataRequest).report


def test_a_report_of_a_merged_customer_and_of_a_guest(both: World) -> None:
    both.hook("orders/create", order(both.now, 1001, customer=customer(501, email="old@example.com")))
    both.hook("customers/update", customer(501, email="old@example.com", updated_at=iso(both.now)))
    both.hook("customers/merge", merge(502, 501))
    both.hook("customers/data_request", compliance(DOMAIN, 502, mail=None, data_request={"id": 1}))
    both.hook("orders/create", order(both.now, 1002, customer=None, email="guest@example.com"))
    both.hook("customers/data_request", compliance(DOMAIN, None, mail="GUEST@example.com", data_request={"id": 2}))
    with both.ctx.database.reading() as session:
        shop = find_shop(session, DOMAIN)
        assert shop is not None
        reports = {name: json.dumps(report) for name, _, report in read_reports(session, both.ctx, shop)}
    assert "#1001" in reports["1"]
    assert "old@example.com" in reports["1"]
    assert "#1002" in reports["2"]
    assert "#1001" not in reports["2"]


def test_the_same_request_again_keeps_one_report(world: World) -> None:
    lived(world)
    for _ in range(2):
        world.hook("customers/data_request", compliance(DOMAIN, data_request={"id": 77}))
    assert len(world.rows(DataRequest)) == 1


def test_an_erased_customer_is_named_nowhere(both: World) -> None:
    lived(both)
    both.hook("customers/data_request", compliance(DOMAIN, orders_requested=[1001], data_request={"id": 77}))
    assert all(word in everything(both) for word in PERSONAL[:-1])
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    left = everything(both)
    assert [word for word in PERSONAL if word.lower() in left.lower()] == []
    assert (both.rows(Consent), both.rows(Suppression), both.rows(Checkout)) == ([], [], [])
    stored = both.row(Order)
    assert stored.redacted_at == both.now
    assert (stored.total_minor, len(stored.lines), len(both.rows(Purchase))) == (5000, 2, 2)  # figures stay
    assert both.row(SurveyAnswer).satisfaction == 5
    assert both.row(Customer).redacted_at == both.now
    assert {m.reason for m in both.rows(Message) if m.state != "sent"} == {"the customer's data was erased"}
    both.walk(days=20)
    assert both.sink.steps() == ["thank_you", "shipped", "delivered"]


def test_a_request_that_came_before_its_customers_news_was_worked_off(both: World) -> None:
    """In one batch, in either order: nothing of it stays."""
    both.receive("orders/create", order(both.now, 1001))
    both.receive("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    both.receive("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    both.receive("orders/updated", order(both.now, 1001))
    both.receive("orders/create", order(both.now, 1002))
    both.receive("customers/update", customer(phone=PHONE))
    both.receive("customers_email_marketing_consent/update", consent(both.now))
    both.ingest()
    left = everything(both).lower()
    assert [word for word in PERSONAL if word.lower() in left] == []
    assert {r.state for r in both.rows(Receipt)} <= {"done", "kept"}


def test_a_guest_is_erased_by_the_address(both: World) -> None:
    both.hook("orders/create", order(both.now, customer=None))
    mail = "b@example.com"
    both.hook("orders/create", order(both.now, 1002, customer=customer(9, email=mail), email=mail))
    both.hook("customers/redact", compliance(DOMAIN, None))
    assert [bool(o.redacted_at) for o in both.rows(Order)] == [True, False]
    assert mail in everything(both)


def test_an_erasure_of_somebody_unknown_leaves_a_tombstone_only(world: World) -> None:
    world.hook("customers/redact", compliance(DOMAIN, 999, mail="nobody@example.com", orders_to_redact=[5]))
    assert world.rows(Customer) == []
    assert world.rows(Order) == []
    assert [s.kind for s in world.rows(Tombstone)] == ["customer", "order"]
    assert "nobody" not in everything(world)


def test_a_tombstone_outlives_the_shops_row(both: World) -> None:
    lived(both)
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    both.hook("app/uninstalled", {"id": 1})
    both.later(days=2)
    both.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    both.later(days=2)
    both.hook("orders/updated", order(both.now, 1001))
    assert both.row(Receipt).body is None
    assert both.rows(Order) == []


def test_an_erased_shop_takes_all_its_rows_and_nobody_elses(both: World) -> None:
    other = "other.myshopify.com"
    both.add_shop(other)
    for domain in (DOMAIN, other):
        lived(both, domain=domain)
        both.hook("products/update", product(both.now, 1), domain=domain)
        both.hook("customers/data_request", compliance(domain, data_request={"id": 1}), domain=domain)
    ids = {shop.domain: shop.id for shop in both.rows(Shop)}
    before = rows_by_shop(both)
    assert before[ids[DOMAIN]] == before[ids[other]]
    assert len(before[ids[DOMAIN]]) > 12
    both.domain = DOMAIN
    both.hook("app/uninstalled", {"id": 1})
    both.hook("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    after = rows_by_shop(both)
    assert ids[DOMAIN] not in after
    assert after[ids[other]] == before[ids[other]]
    assert [shop.domain for shop in both.rows(Shop)] == [other]


def rows_by_shop(world: World) -> dict[int, dict[str, int]]:
    """Rows of each table that names its shop; a table that does not must be known to hold nothing of one."""
    # Quotas count by domain, tries by a keyed hash of the place they came from; nonces are of a provider's signatures.
    apart = {"shops", "tombstones", "clock", "leases", "send_quotas", "login_tries", "mail_nonces", "alembic_version"}
    found: dict[int, dict[str, int]] = {}
    with world.ctx.database.reading() as session:
        for table in metadata().sorted_tables:
            owner = table.c.get("shop_id")
            if table.name == "message_bodies":  # its message's; one without is nobody's, and found as shop None
                written = select(Message.shop_id).where(Message.id == table.c.message_id)
                owner = written.scalar_subquery().label("owner")
            if owner is not None:
                for (shop_id,) in session.execute(select(owner).select_from(table)):
                    counts = found.setdefault(shop_id, {})
                    counts[table.name] = counts.get(table.name, 0) + 1
            else:
                assert table.name in apart
        known = {table.name for table in metadata().sorted_tables}
        made = {name for name in inspect(session.connection()).get_table_names() if not is_partition(name)}
        assert made <= known | apart
    return found


# -- logs -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What production would have written."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keeper(level=logging.DEBUG)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("plugin")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_logs_name_nobody(both: World, logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    both.sink.trouble = [Retryable("busy"), None]
    lived(both, complained=False)
    both.walk(days=6)
    both.hook("orders/create", order(both.now, email="Jane Doe", customer=None, line_items="Jane Doe"))
    both.hook("orders/create", order(both.now, 1002), domain="stranger.myshopify.com")
    both.receive("customers/redact", compliance("unknown.myshopify.com"), domain="unknown.myshopify.com")
    both.sink.trouble = [Permanent("no such mailbox", dead_address=True)]
    both.hook("orders/create", order(both.now, 1003, customer=None, email="jane.b@example.com"))
    both.send()

    def broken(*_: Any) -> None:
        raise ValueError(f"{EMAIL} Unter den Linden 5")

    with monkeypatch.context() as patch:
        patch.setattr(apply, "apply", broken)
        both.hook("orders/create", order(both.now, 1004))
    with monkeypatch.context() as patch:
        patch.setattr(deliver, "compose", broken)
        both.hook("orders/create", order(both.now, 1005))
        both.send()
    both.hook("customers/redact", compliance(DOMAIN, orders_to_redact=[1001]))
    events = {json.loads(text)["event"] for text in logged}
    assert events >= {"message_recorded", "receipt_failed", "message_not_prepared", "webhook_dropped"}
    text = "\n".join(logged).lower()
    assert [word for word in PERSONAL if word.lower() in text] == []
    tokens = [mail["List-Unsubscribe"] for mail in both.sink.parsed() if mail["List-Unsubscribe"]]
    assert tokens
    assert all(link.rpartition("/")[2].rstrip(">").lower() not in text for link in tokens)


def test_reasons_and_errors_in_the_store_name_nobody(world: World) -> None:
    """They are shown to support and kept after an erasure."""
    lived(world)
    world.hook("orders/updated", order(world.now, shipping_address=address(country_code=17), total_price="Jane"))
    said = [f"{m.reason} {m.error}" for m in world.rows(Message)] + [str(r.reason) for r in world.rows(Receipt)]
    assert [word for word in PERSONAL for text in said if word.lower() in text.lower()] == []
