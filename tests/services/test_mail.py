"""The bytes that leave: headers of the contract, languages, and what each message says of its order."""

from __future__ import annotations

import re
from datetime import timedelta
from email.headerregistry import Address
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from plugin.channels.email.errors import Retryable
from plugin.services.plan import lock_orders, replan
from plugin.services.shops import shop_code
from plugin.store.models.messages import Act, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.tokens import CLICK
from tests.services.world import DOMAIN, World, address, body, consent, line, order, parcel, product, refund, whole_life

CODE = shop_code("shopify", DOMAIN)
STEPS = ["thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up"]


@pytest.fixture
def walked(world: World) -> World:
    """A customer who may be sold to, through the whole flow."""
    return whole(world)


def whole(world: World, **changes: object) -> World:
    for number in range(1, 14):
        world.hook("products/update", product(world.now, number))
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    list(whole_life(world, **changes))
    world.walk(days=20)
    assert world.sink.steps() == STEPS
    return world


def test_headers_of_the_contract(walked: World) -> None:
    for step, mail in zip(STEPS, walked.sink.parsed(), strict=True):
        message = walked.message(step, state="sent")
        message_class = {"survey": "service"}.get(step, "marketing" if "cross" in step else "transactional")
        assert mail["Feedback-ID"] == f"{step}:post_purchase:{message_class}:{CODE}"
        assert mail["X-Entity-Ref-ID"] == f"{CODE}/post_purchase/{step}/{message.subject}/email/0"
        assert re.fullmatch(r"<[0-9a-f]{32}@haneul\.myshopify\.com>", mail["Message-ID"])
        assert mail["To"].addresses == (Address(addr_spec="jane.doe@example.com"),)
        assert mail["From"].addresses == (Address("Haneul Tea", addr_spec=f"hello@{DOMAIN}"),)
        assert mail["Reply-To"].addresses == (Address(addr_spec="help@haneul.example"),)
        assert mail["Content-Language"] == "en"
        assert mail["Date"].datetime == message.sent_at
        assert mail["Subject"] == message.mail_subject
        assert mail.get_body(("plain",)) is not None
        assert mail.get_body(("html",)) is not None
        assert not mail.defects


def test_the_way_out_stands_on_service_and_marketing_mail_only(walked: World) -> None:
    for step, mail in zip(STEPS, walked.sink.parsed(), strict=True):
        if step in ("thank_you", "shipped", "delivered"):
            assert mail["List-Unsubscribe"] is None
            assert mail["List-Unsubscribe-Post"] is None
            assert "/u/" not in body(mail, "html")
        else:
            link = re.fullmatch(r"<(http://127\.0\.0\.1:8000/u/[\w.-]+)>", mail["List-Unsubscribe"])
            assert link
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert link[1] in body(mail, "html")
            assert link[1] in body(mail, "plain")


def test_the_id_is_the_same_in_every_try(world: World) -> None:
    tried: list[bytes] = []
    world.hook("orders/create", order(world.now))
    genuine = world.sink.send

    def send(sender: str, recipient: str, data: bytes) -> None:
        tried.append(data)
        genuine(sender, recipient, data)

    world.sink.send = send  # type: ignore[method-assign]
    world.sink.trouble = [Retryable("busy"), Retryable("busy")]
    for _ in range(3):
        world.send()
        world.later(minutes=5)
    names = (b"Message-ID", b"X-Entity-Ref-ID", b"Feedback-ID")
    heads = [[line for line in data.split(b"\r\n") if line.startswith(names)] for data in tried]
    assert len(tried) == 3
    assert heads[0] == heads[1] == heads[2]
    assert len(heads[0]) == 3


def test_korean_customers_are_written_to_in_korean(world: World) -> None:
    whole(world, customer_locale="ko-KR", shipping_address=address(country_code="KR"))
    for step, mail in zip(STEPS, world.sink.parsed(), strict=True):
        assert re.search("[가-힣]", mail["Subject"])
        assert re.search("[가-힣]", body(mail))
        assert mail["Subject"].startswith("(광고)") is ("cross" in step)
        assert str(mail["Content-Language"]).startswith("ko")
        assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    ("order_locale", "setting", "shop_locale", "language"),
    [("ko", "en", "en", "ko"), (None, "ko", "en", "ko"), (None, None, "ko", "ko"), (None, None, None, "en"),
     ("xx", None, "ko", "en"), ("fr-CA", "ko", "ko", "en")],
)  # fmt: skip
def test_the_language_is_the_orders_then_the_shops_then_english(
    world: World, order_locale: str | None, setting: str | None, shop_locale: str | None, language: str
) -> None:
    world.configure(language=setting)
    with world.ctx.database.transaction() as session:
        session.execute(update(Shop).values(locale=shop_locale))
    world.hook("orders/create", order(world.now, customer_locale=order_locale))
    world.send()
    mail = world.sink.parsed()[0]
    assert bool(re.search("[가-힣]", mail["Subject"])) is (language == "ko")
    assert mail["Content-Language"] == language


def test_marketing_mail_names_who_sends_it(walked: World) -> None:
    for step in ("cross_sell", "cross_sell_follow_up"):
        for kind in ("plain", "html"):
            text = walked.text_of(step, kind)
            assert "Haneul Tea Ltd" in text
            assert "12 Bukchon-ro" in text


def test_every_message_carries_the_service_block(walked: World) -> None:
    for step in STEPS:
        assert "+82 2 555 0100" in walked.text_of(step)


def test_the_sender_is_the_shops_own_address_where_set(world: World) -> None:
    world.configure(sender={"name": "Haneul, Tea & Co", "email": "shop@haneul.example"})
    world.hook("orders/create", order(world.now))
    world.send()
    assert world.sink.mails[0][0] == "shop@haneul.example"
    assert world.sink.parsed()[0]["From"].addresses == (Address("Haneul, Tea & Co", addr_spec="shop@haneul.example"),)


# -- what is said ------------------------------------------------------------------------------------------------------
def test_refunded_lines_are_not_spoken_of(world: World) -> None:
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    dear = line(1, price_set={"presentment_money": {"amount": "99.00", "currency_code": "EUR"}})
    world.hook("orders/create", order(world.now, line_items=[dear, line(2), line(3)]))
    world.hook("refunds/create", refund(world.now, {1: 2, 2: 1}))
    world.send()
    text = world.text_of("thank_you")
    assert "Green tea 1" not in text
    assert "Green tea 2" in text
    assert "Green tea 3" in text
    world.hook("fulfillments/create", parcel(world.now, line_items=[line(1), line(2), line(3)]))
    world.walk(days=20)
    assert "Green tea 1" not in "".join(world.text_of(step) for step in ("shipped", "cross_sell"))


def test_a_shipped_mail_says_what_is_in_its_parcels_and_that_more_comes(world: World) -> None:
    world.hook("orders/create", order(world.now))
    world.hook("fulfillments/create", parcel(world.now, line_items=[{"id": 9001, "quantity": 1}]))
    world.walk(minutes=20)
    text = world.text_of("shipped")
    assert "Green tea 1" in text
    assert "Green tea 2" not in text
    assert "https://track.example/1001001" in text
    assert "DHL" in text


def test_windows_are_days_where_the_customer_is(world: World) -> None:
    """Placed on 2 November at 23:30 UTC: in Seoul that is the third."""
    world.later(hours=14, minutes=30)
    world.hook("orders/create", order(world.now, 1001, shipping_address=address(country_code="KR")))
    world.hook("orders/create", order(world.now, 1002, customer=None, shipping_address=address(country_code="GB")))
    world.send()
    seoul, london = [body(mail) for mail in world.sink.parsed()]
    if "#1002" in seoul:
        seoul, london = london, seoul
    # Ordered + 7 days - 2 … + 3.
    assert "between Sun 8 and Fri 13 November" in seoul
    assert "between Sat 7 and Thu 12 November" in london


def test_how_to_links_are_the_merchants_for_each_product(world: World) -> None:
    world.configure(how_to={"7001": "https://haneul.example/brewing", "7099": "https://haneul.example/else"})
    list(whole_life(world))
    text = world.text_of("delivered")
    assert "https://haneul.example/brewing" in text
    assert "https://haneul.example/else" not in text


def test_the_orders_own_page_is_linked_directly_and_never_through_clicks(walked: World) -> None:
    stored = walked.row(Order)
    assert "hush" not in stored.status_url
    assert "key=hush-hush" in walked.text_of("thank_you")
    for mail in walked.sink.parsed():
        for link in re.findall(r"https?://[^\s\"<>]+", body(mail, "html") + body(mail)):
            if urlsplit(link).path.startswith("/c/"):
                token = urlsplit(link).path.removeprefix("/c/")
                message_id, target = walked.ctx.tokens.read(CLICK, token)
                assert isinstance(message_id, int)
                assert "hush" not in target
                assert urlsplit(target).hostname == DOMAIN


def test_a_status_page_whose_key_is_lost_is_left_out(world: World) -> None:
    world.hook("orders/create", order(world.now))
    with world.ctx.database.transaction() as session:
        session.execute(update(Order).values(status_url="gAAAA-from-another-key"))
    world.send()
    assert world.sink.steps() == ["thank_you"]
    assert "hush" not in world.text_of("thank_you")


def test_an_estimated_delivery_is_asked_not_stated(world: World) -> None:
    world.hook("orders/create", order(world.now))
    world.hook("fulfillments/create", parcel(world.now))
    world.walk(days=8)
    assert world.message("delivered").estimated
    estimated = world.sink.parsed()[-1]
    assert estimated["Subject"].endswith("?")
    assert "/d/" in body(estimated)


def test_the_follow_up_shows_other_products_than_the_cross_sell(walked: World) -> None:
    shown = [set(re.findall(r"Product \d+", walked.text_of(step))) for step in ("cross_sell", "cross_sell_follow_up")]
    assert shown[0]
    assert shown[1]
    assert not shown[0] & shown[1]


def test_a_copy_has_an_id_of_its_own(world: World) -> None:
    world.hook("orders/create", order(world.now))
    world.send()
    world.later(hours=1)
    stored = world.row(Order)
    with world.ctx.database.transaction() as session:
        lock_orders(session, [stored.id])
        session.add(
            Act(shop_id=stored.shop_id, order_id=stored.id, step="thank_you", subject="1001", kind="send_again",
                at=world.now)
        )  # fmt: skip
        replan(session, world.ctx, [stored.id])
    world.send()
    first, second = world.sink.parsed()
    assert first["Message-ID"] != second["Message-ID"]
    assert second["X-Entity-Ref-ID"].endswith("/1")
    assert [m.copy for m in world.rows(Message, step="thank_you")] == [0, 1]
    assert world.message("thank_you", copy=0).sent_at == world.now - timedelta(hours=1)
