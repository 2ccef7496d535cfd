"""Two shops whose platform ids are the same, row for row: nothing of one is seen or touched by the other."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from plugin.services.reports import read_reports
from plugin.services.shops import BadShopDomain, UnknownShop, add_shop, configure, find_shop, list_shops
from plugin.store.models.customers import Consent, Customer
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product
from plugin.store.models.shops import Shop
from tests.services.test_ingest import merge
from tests.services.world import (
    DOMAIN,
    World,
    body,
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

OTHER = "other.myshopify.com"


@pytest.fixture
def two(both: World) -> World:
    """The same ids in both; the other shop's words are marked with "Other"."""
    both.add_shop(OTHER)
    for domain, mark in ((DOMAIN, "Haneul"), (OTHER, "Other")):
        mail = f"{mark}@example.com".lower()
        lines = [{**line_of(mark), "id": 9001}]
        both.hook("products/update", product(both.now, 1, title=f"{mark} tea"), domain=domain)
        both.hook("products/update", product(both.now, 2, title=f"{mark} cup"), domain=domain)
        both.hook(
            "orders/create",
            order(both.now, customer=customer(first_name=mark, email=mail), email=mail, contact_email=mail,
                  line_items=lines),
            domain=domain,
        )  # fmt: skip
        both.hook("fulfillments/create", parcel(both.now, line_items=[], name=f"{mark}.1"), domain=domain)
    return both


def line_of(mark: str) -> dict[str, object]:
    return {"title": f"{mark} tea", "quantity": 1, "product_id": 7001, "price": "1.00", "requires_shipping": True}


def mine(world: World, model: type, domain: str = DOMAIN) -> list[object]:
    return world.rows(model, shop_id=world.row(Shop, domain=domain).id)


def test_each_has_its_own_rows(two: World) -> None:
    for model, count in ((Order, 1), (Customer, 1), (Parcel, 1), (Product, 2), (Message, 6)):
        assert len(mine(two, model)) == len(mine(two, model, OTHER)) == count


def test_mail_says_only_its_own_shops_things(two: World) -> None:
    two.configure(domain=OTHER, marketing="soft_opt_in", sender={"name": "Other shop", "email": "x@other.example"})
    two.configure(marketing="soft_opt_in")
    two.hook("fulfillment_events/create", tracked(two.now), domain=OTHER)
    two.hook("fulfillment_events/create", tracked(two.now), domain=DOMAIN)
    two.send()
    two.walk(days=20)
    assert len(two.sink.mails) == 12
    for (sender, to, _), mail in zip(two.sink.mails, two.sink.parsed(), strict=True):
        text = body(mail) + body(mail, "html") + str(mail["Subject"])
        wrong = "Haneul tea" if to == "other@example.com" else "Other"
        assert wrong not in text
        assert (sender == "x@other.example") is (to == "other@example.com")
    ids = [mail["Message-ID"] for mail in two.sink.parsed()]
    assert len(set(ids)) == 12


def test_news_of_one_changes_nothing_of_the_other(two: World) -> None:
    def other() -> list[str]:
        rows = [*mine(two, Order, OTHER), *mine(two, Customer, OTHER), *mine(two, Parcel, OTHER),
                *mine(two, Message, OTHER), *mine(two, Product, OTHER), *mine(two, Consent, OTHER)]  # fmt: skip
        return [repr({c.name: getattr(row, c.name) for c in row.__table__.columns}) for row in rows]  # type: ignore[attr-defined]

    before = other()
    later = iso(two.now + timedelta(hours=1))
    two.later(hours=2)
    two.hook("orders/cancelled", order(two.now - timedelta(hours=2), cancelled_at=later, updated_at=later))
    two.hook("refunds/create", refund(two.now, {1: 1}))
    two.hook("fulfillment_events/create", tracked(two.now))
    two.hook("customers_email_marketing_consent/update", consent(two.now, "unsubscribed", mail="other@example.com"))
    two.hook("customers/merge", merge(502, 501))
    two.hook("products/delete", {"id": 7001})
    two.hook("orders/delete", {"id": 1001})
    two.hook("customers/redact", compliance(DOMAIN, mail="other@example.com", orders_to_redact=[1001]))
    assert other() == before
    assert mine(two, Order)[0].redacted_at  # type: ignore[attr-defined]


def test_a_new_order_in_one_ends_no_cross_sell_in_the_other(two: World) -> None:
    for domain in (DOMAIN, OTHER):
        two.hook("customers_email_marketing_consent/update", consent(two.now, mail="haneul@example.com"), domain=domain)
        two.hook("customers_email_marketing_consent/update", consent(two.now, mail="other@example.com"), domain=domain)
    two.later(hours=1)
    two.hook("orders/create", order(two.now, 1002, email="haneul@example.com"))
    states = {m.shop_id: m.state for m in two.rows(Message, step="cross_sell", subject="1001")}
    assert states[two.row(Shop, domain=DOMAIN).id] == "cancelled"
    assert states[two.row(Shop, domain=OTHER).id] != "cancelled"


def test_reports_hold_one_shops_data_only(two: World) -> None:
    asked = compliance(DOMAIN, mail="other@example.com", orders_requested=[1001], data_request={"id": 1})
    two.hook("customers/data_request", asked)
    with two.ctx.database.reading() as session:
        shops = [find_shop(session, domain) for domain in (DOMAIN, OTHER)]
        reports = [read_reports(session, two.ctx, shop) for shop in shops if shop]
    assert reports[1] == []
    text = json.dumps(reports[0][0][2])
    assert "Haneul tea" in text
    assert "Other tea" not in text


def test_settings_and_estimates_are_each_shops_own(two: World) -> None:
    """What a carrier does for one shop teaches the other nothing."""
    two.later(days=1)
    two.hook("fulfillment_events/create", tracked(two.now), domain=OTHER)
    two.configure(domain=OTHER, delivery_days=3)
    two.hook("orders/create", order(two.now, 1002, customer=None))
    two.hook("fulfillments/create", parcel(two.now, order_id=1002))
    assert two.message("delivered", subject="1002001").due_at == two.now + timedelta(days=7)


# -- shops by hand ----------------------------------------------------------------------------------------------------
def test_adding_a_shop_again_changes_what_is_given_and_never_takes_it_off(both: World) -> None:
    with both.ctx.database.transaction() as session:
        add_shop(session, both.ctx, DOMAIN.upper(), legal_name="Haneul GmbH")
    shop = both.row(Shop)
    assert (shop.live, shop.name) == (True, "Haneul Tea")
    assert shop.settings["brand"]["legal_name"] == "Haneul GmbH"
    assert shop.settings["support"]["email"] == "help@haneul.example"
    assert 5 <= len(shop.code) <= 15
    with both.ctx.database.reading() as session:
        assert [s.domain for s in list_shops(session)] == [DOMAIN]


@pytest.mark.parametrize("domain", ["", "haneul", "haneul.example.com", "a.b.myshopify.com", "x\n.myshopify.com"])
def test_what_is_no_shop_is_refused(world: World, domain: str) -> None:
    with world.ctx.database.transaction() as session, pytest.raises(BadShopDomain):
        add_shop(session, world.ctx, domain)


def test_an_unknown_shop_cannot_be_configured(world: World) -> None:
    with world.ctx.database.transaction() as session, pytest.raises(UnknownShop):
        configure(session, world.ctx, OTHER, {})
