"""Three shops for the pictures: one in the middle of its work, one with ninety days of figures, one just installed.

The first one's orders come in by webhook and its mails leave through the courier, so that what is seen is what
happens; only opens and clicks are written as rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Permanent
from plugin.domain.sender_dns import Record
from plugin.services import acts, answers, api_keys, issue_desk, logins
from plugin.services.context import Context
from plugin.services.desk_hours import save_hours
from plugin.services.figure_days import roll_up
from plugin.services.letters import send_letters
from plugin.services.settings_change import change_settings, locked_shop
from plugin.services.shops import add_shop
from plugin.services.template_drafts import save as save_wording
from plugin.services.template_edit import Draft
from plugin.store.models.customers import Issue
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.platform import Errand, ShopToken
from plugin.store.models.senders import SenderDomain
from plugin.store.models.shops import Shop
from schemas.settings import load_settings
from tests.looks.people import (
    PEOPLE,
    PRODUCTS,
    REPLY,
    WORDS_LOW,
    WORDS_LOW_EN,
    WORDS_MISSING,
    WORDS_MISSING_EN,
    Person,
)
from tests.services import world as payloads
from tests.services.world import World
from tests.web.merchant.numbers import fill_numbers

BUSY, FIGURES, NEW = "haneul.myshopify.com", "figures.myshopify.com", "brand-new-shop.myshopify.com"
NOW = datetime(2026, 11, 24, 5, 20, tzinfo=UTC)  # a Tuesday, 14:20 in Seoul
BEGAN = NOW - timedelta(days=50)
ACTOR = "owner@haneul.example"
SETTINGS = {
    "brand": {"colour": "#1f5f5b", "legal_name": "주식회사 하늘차 (Haneul Tea Ltd)",
              "postal_address": "서울특별시 종로구 북촌로 12, 2층\n03052 대한민국"},
    "support": {"email": "help@haneul.example", "phone": "+82 2 555 0100", "hours": "월–금 10:00–18:00",
                "help_url": "https://haneul.example/help"},
    "sender": {"name": "하늘차", "email": "hello@haneul.example"},
    "how_to": {"7001": "https://haneul.example/how-to/first-flush-green-tea"},
    "cap": {"messages": 2, "days": 7},
}  # fmt: skip


@dataclass
class Life:
    """An order of the busy shop. Days are counted back from NOW; `shipped`, `delivered`: None, not yet."""

    number: int
    who: Person
    days: float
    shipped: float | None = None
    delivered: float | None = None
    products: tuple[int, ...] = (0,)
    changes: dict[str, Any] | None = None


LIVES = (
    Life(1001, PEOPLE[0], 30, 28, 25, (1, 2)), Life(1002, PEOPLE[1], 29, 28, 24, (0, 3)),
    Life(1003, PEOPLE[2], 27, 26, 21, (2, 4)), Life(1004, PEOPLE[3], 24, 23, 20, (1,)),
    Life(1005, PEOPLE[4], 21, 20, 16, (0, 3)), Life(1006, PEOPLE[5], 18, 17, 12, (1, 5)),
    Life(1007, PEOPLE[6], 16, 15, 13, (3,)), Life(1008, PEOPLE[7], 14, 13, 9, (0, 2)),
    Life(1009, PEOPLE[8], 12, 11, 8, (5, 1)), Life(1010, PEOPLE[9], 10, 9, 6, (0,)),
    Life(1011, PEOPLE[0], 8, 7, 4, (1,)), Life(1012, PEOPLE[1], 6, 5, None, (2,)),
    Life(1013, PEOPLE[2], 5, 4, None, (4, 2)), Life(1014, PEOPLE[3], 4, 3, 1, (1, 5)),
    Life(1015, PEOPLE[5], 3, 2, None, (1,)), Life(1016, PEOPLE[8], 2, None, None, (5,)),
    Life(1017, PEOPLE[6], 1, None, None, (0, 3), {"test": True}), Life(1018, PEOPLE[7], 0.9, None, None, (2,)),
    Life(1019, PEOPLE[9], 0.5, None, None, (0, 1, 2, 3, 4, 5)),
    Life(1020, PEOPLE[4], 0.2, None, None, (0,), {"email": None, "contact_email": None}),
    Life(1021, PEOPLE[0], 0.05, None, None, (1, 2)),
)  # fmt: skip


def fill(ctx: Context) -> None:
    """Make all three. `ctx.clock` is a FixedClock and stands at NOW afterwards."""
    ctx.clock.moment = BEGAN  # type: ignore[attr-defined]
    world = World(ctx, domain=BUSY)
    with ctx.database.transaction() as session:
        shop = session.scalars(select(Shop)).one()
        shop.name, shop.timezone, shop.currency, shop.locale = "하늘차 Haneul Tea", "Asia/Seoul", "EUR", "ko"
        shop.email, shop.live_at = ACTOR, BEGAN
    world.configure(**SETTINGS)
    _live_through(world)
    _afterwards(ctx, world)
    _figures(ctx)
    _new(ctx)


def link(ctx: Context, domain: str) -> str:
    """The path of a login link."""
    with ctx.database.transaction() as session:
        shop_id = session.scalars(select(Shop.id).where(Shop.domain == domain)).one()
        return f"/login/{logins.make_link(session, shop_id, 'command')}"


def _live_through(world: World) -> None:
    events: list[tuple[datetime, Callable[[], None]]] = []
    for number, _ in enumerate(PRODUCTS, 1):
        events.append((BEGAN, lambda n=number: world.hook("products/create", _product(world, n))))
    for person in PEOPLE:
        if person.subscribed:
            events.append((BEGAN + timedelta(hours=1), lambda p=person: world.hook(
                "customers_email_marketing_consent/update",
                payloads.consent(world.now, number=p.number, mail=p.email))))  # fmt: skip
    for life in LIVES:
        events += _events(world, life)
    events.append((NOW - timedelta(days=13), lambda: _answer(world, 1006, 2, 3, WORDS_LOW)))
    events.append((NOW - timedelta(days=17), lambda: _answer(world, 1002, 5, 9, "Wonderful!")))
    events.append((NOW - timedelta(days=4), lambda: _answer(world, 1008, 1, 0, WORDS_LOW_EN)))
    events.append((NOW - timedelta(hours=3), lambda: _missing(world, 1012, WORDS_MISSING_EN)))
    events.append((NOW - timedelta(minutes=4), lambda: _missing(world, 1015, WORDS_MISSING)))
    events.append((NOW - timedelta(days=2, minutes=5), lambda: world.sink.trouble.extend(
        [Permanent("there is no such mailbox (550 5.1.1)", dead_address=True)])))  # fmt: skip
    events.append((NOW - timedelta(days=1), lambda: _desk(world)))
    events.append((NOW - timedelta(hours=9), lambda: world.hook("orders/updated", b'{"id": true}')))
    events.append((NOW - timedelta(hours=8), lambda: world.hook("shop/update", b"[]")))
    events.append((NOW - timedelta(days=1.4), lambda: world.hook("orders/cancelled", payloads.order(
        world.now, 1016, **_facts(LIVES[15]), cancelled_at=payloads.iso(world.now)))))  # fmt: skip
    for at, what in sorted(events, key=lambda event: event[0]):
        while world.now < at:
            step = min(timedelta(hours=12), at - world.now)
            world.later(seconds=step.total_seconds())
            world.send()
            send_letters(world.ctx, world.sink)
        what()
        world.send()
        send_letters(world.ctx, world.sink)
    world.ctx.clock.moment = NOW  # type: ignore[attr-defined]
    world.send()


def _events(world: World, life: Life) -> list[tuple[datetime, Callable[[], None]]]:
    def told(topic: str, make: Callable[[], dict[str, Any]]) -> Callable[[], None]:
        return lambda: world.hook(topic, make()) and None

    lines = _facts(life)["line_items"]
    found = [(NOW - timedelta(days=life.days),
              told("orders/create", lambda: payloads.order(world.now, life.number, **_facts(life))))]  # fmt: skip
    if life.shipped is not None:
        found.append((NOW - timedelta(days=life.shipped), told("fulfillments/create", lambda: payloads.parcel(
            world.now, order_id=life.number, line_items=lines))))  # fmt: skip
        moving = life.shipped - 0.5
        found.append((NOW - timedelta(days=moving), told("fulfillment_events/create", lambda: payloads.tracked(
            world.now, "in_transit", order_id=life.number))))  # fmt: skip
    if life.delivered is not None:
        found.append((NOW - timedelta(days=life.delivered), told("fulfillment_events/create", lambda: payloads.tracked(
            world.now, order_id=life.number))))  # fmt: skip
    return found


def _facts(life: Life) -> dict[str, Any]:
    who = life.who
    lines = []
    for place, product in enumerate(life.products, 1):
        title, variant, price = PRODUCTS[product]
        lines.append(payloads.line(
            product + 1, id=life.number * 100 + place, title=title, variant_title=variant, price=price,
            price_set=payloads.money(price), quantity=1 + place % 2, current_quantity=1 + place % 2))  # fmt: skip
    total = f"{sum(float(PRODUCTS[product][2]) for product in life.products):.2f}"
    return {
        "email": who.email, "contact_email": who.email, "customer_locale": who.locale, "total_price": total,
        "total_price_set": payloads.money(total),
        "customer": payloads.customer(who.number, email=who.email, first_name=who.first, last_name=who.last),
        "shipping_address": payloads.address(first_name=who.first, last_name=who.last, name=who.name,
                                             country_code=who.country),
        "line_items": lines, **(life.changes or {}),
    }  # fmt: skip


def _product(world: World, number: int) -> dict[str, Any]:
    title, _, price = PRODUCTS[number - 1]
    variant = {"id": number, "price": price, "inventory_quantity": 5, "inventory_policy": "deny"}
    return payloads.product(world.now, number, title=title, variants=[variant])


def _message(world: World, number: int, step: str) -> Message:
    order = world.row(Order, name=f"#{number}")
    return next(row for row in world.rows(Message, order_id=order.id, step=step))


def _answer(world: World, number: int, satisfaction: int, recommendation: int, words: str) -> None:
    answers.save_survey(world.ctx, _message(world, number, "survey").id, satisfaction, recommendation, words)


def _missing(world: World, number: int, words: str) -> None:
    shipped = _message(world, number, "shipped")
    answers.answer_arrival(world.ctx, shipped.id, f"{number}001", False, words)


def _desk(world: World) -> None:
    """The low rating of two weeks ago is answered, closed, and the customer says that it is solved."""
    ctx, shop_id = world.ctx, world.row(Shop).id
    issue = next(row for row in world.rows(Issue, kind="low_rating"))
    issue_desk.take(ctx, shop_id, issue.id, "Seoyeon (desk)", ACTOR)
    issue_desk.reply(ctx, shop_id, issue.id, REPLY, ACTOR, 0)
    send_letters(ctx, world.sink)
    issue_desk.close(ctx, shop_id, issue.id, "settled", ACTOR)
    send_letters(ctx, world.sink)
    with ctx.database.reading() as session:
        question = issue_desk.newest_question(session, issue.id)
    issue_desk.say_solved(ctx, issue.id, question, True)


def _afterwards(ctx: Context, world: World) -> None:
    """Keys, the log, hours, acts, opens and clicks."""
    shop_id = world.row(Shop, domain=BUSY).id
    acts.act(ctx, shop_id, _message(world, 1018, "survey").id, "cancel", ACTOR)
    with ctx.database.transaction() as session:
        for name in ("Warenwirtschaft und Buchhaltung (Frankfurt)", "창고 프로그램"):
            api_keys.make_key(session, shop_id, name, ACTOR)
        save_hours(session, ctx, shop_id, {day: [("10:00", "18:00")] for day in ("mon", "tue", "wed", "thu", "fri")},
                   "Asia/Seoul", 10, ACTOR)  # fmt: skip
        shop = locked_shop(session, shop_id)
        settings = load_settings(shop.settings | {"steps": {"survey": {"delay_minutes": 3 * 1440}}})
        change_settings(session, ctx, shop, settings, "Shopify user 42", "step.survey")
        save_wording(session, ctx, shop_id, ACTOR, Draft(
            "thank_you", "ko", "{{ first_name }} 님, 주문해 주셔서 고맙습니다",
            "{{ first_name }} 님, 하늘차를 찾아 주셔서 고맙습니다. 정성껏 포장해 보내 드리겠습니다."))  # fmt: skip
        session.add(ShopToken(shop_id=shop_id, access_token="x", refresh_token="y", scopes=[],
                              access_expires_at=datetime.now(UTC) + timedelta(hours=1),
                              refresh_expires_at=datetime.now(UTC) + timedelta(days=90),
                              renewed_at=datetime.now(UTC)))  # fmt: skip
        _sender(session, shop_id)
        for place, message in enumerate(session.scalars(select(Message).where(Message.state == "sent"))):
            at = message.sent_at + timedelta(hours=1 + place % 7)
            mine = {"shop_id": shop_id, "message_id": message.id}
            if place % 3:
                session.add(Open(**mine, by_machine=place % 5 == 0, at=at, last_at=at, times=1 + place % 3))
            if place % 4 == 1:
                for scanner in (True, False):
                    target = f"https://haneul.example/products/tea?utm_source=dasi&n={place}"
                    session.add(Click(**mine, at=at, by_scanner=scanner, target=target))
            if place % 29 == 7:
                session.add(Reaction(**mine, kind="unsubscribed", at=at))


def _sender(session: Session, shop_id: int) -> None:
    """One record is as it should be, one is weak and one is missing."""
    domain = "haneul.example"
    records = [
        Record("spf", "good", domain, "v=spf1 include:amazonses.com ~all"),
        Record("dkim", "missing", f"_domainkey.{domain}", None),
        Record("dmarc", "weak", f"_dmarc.{domain}", "v=DMARC1; p=none; rua=mailto:dmarc@haneul.example"),
    ]
    session.merge(SenderDomain(shop_id=shop_id, domain=domain, looked_at=NOW, found=[asdict(one) for one in records]))


def _figures(ctx: Context) -> None:
    with ctx.database.transaction() as session:
        shop = add_shop(session, ctx, FIGURES, True, name="Figures & Rehearsal")
        shop.installed_at = shop.live_at = NOW - timedelta(days=120)
        shop.timezone, shop.currency, shop.locale = "Asia/Seoul", "KRW", "ko"
        shop.settings = SETTINGS
        shop_id = shop.id
    fill_numbers(ctx, shop_id, 1500, NOW)
    roll_up(ctx)


def _new(ctx: Context) -> None:
    """As a merchant finds it after a minute: the first synchronisation goes on, nothing is filled in."""
    with ctx.database.transaction() as session:
        shop = add_shop(session, ctx, NEW, False, name="Brand New Shop")
        session.flush()
        session.add(Errand(shop_id=shop.id, kind="first_sync", next_at=datetime.now(UTC) + timedelta(hours=1),
                           holder=uuid.uuid4().hex, started_at=datetime.now(UTC),
                           state={"stage": "orders", "done": 1240, "counts": {"orders": 3210}}))  # fmt: skip
