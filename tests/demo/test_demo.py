"""The demo as a whole: prepared, driven over real HTTP into our own endpoint, ingested, and shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.serving import make_server

from jobs import demo as job
from plugin.clock import RowClock
from plugin.platforms.demo import catalogue
from plugin.platforms.demo.books import BookStore
from plugin.platforms.demo.webhooks import MAX_TRIES, Courier
from plugin.services import demo, demo_clock, shops
from plugin.services.context import Context
from plugin.services.ingest import ingest_receipts
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Product
from plugin.store.models.shops import ClockRow, Receipt
from schemas.settings import load_settings
from tests.support.apps import app_over

OURS = {"Sec-Fetch-Site": "same-origin"}
FORM = {"name": "Emma Carter", "language": "en", "newsletter": "on", "product": ["sejak-green-tea", "moon-jar-mug"]}


@dataclass
class Demo:
    ctx: Context
    client: FlaskClient
    driver: job.Driver
    store: BookStore

    def post(self, path: str, **form: object) -> int:
        return self.client.post(path, data=form, headers=OURS).status_code

    def turn(self, times: int = 1) -> None:
        """The driver's turns, each followed by a worker that reads what came in."""
        for _ in range(times):
            self.driver.turn()
            while ingest_receipts(self.ctx):
                pass

    def now(self) -> datetime:
        with self.ctx.database.reading() as session:
            return session.execute(select(ClockRow.now)).scalar_one()

    def put_clock(self, now: datetime) -> None:
        with self.ctx.database.transaction() as session:
            session.execute(update(ClockRow).values(now=now))

    def messages(self) -> dict[str, Message]:
        with self.ctx.database.reading() as session:
            return {message.step: message for message in session.scalars(select(Message))}


@pytest.fixture
def trial(sqlite_context: Context) -> Iterator[Demo]:
    """A prepared demo that answers on a port of its own, its opening news delivered and read."""
    ctx = sqlite_context
    ctx.settings = replace(ctx.settings, demo=True)

    def read_row() -> datetime:
        with ctx.database.reading() as session:
            return session.execute(select(ClockRow.now)).scalar_one()

    ctx.clock = RowClock(read_row, keep=0.0)
    app = app_over(ctx)
    server = make_server("127.0.0.1", 0, app)
    ctx.settings = replace(ctx.settings, public_url=f"http://127.0.0.1:{server.port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    job.prepare(ctx)
    trial = Demo(ctx, app.test_client(), job.Driver(ctx), BookStore(ctx.settings.data_dir))
    trial.turn(3)
    trial.put_clock(trial.now() + timedelta(minutes=1))  # what is placed from here on is no history
    try:
        yield trial
    finally:
        trial.driver.close()
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_prepare_registers_a_live_shop_and_can_be_repeated(trial: Demo) -> None:
    job.prepare(trial.ctx)
    with trial.ctx.database.reading() as session:
        shop = shops.find_shop(session, catalogue.DOMAIN)
        assert shop is not None
        settings = load_settings(shop.settings)
        products = session.scalars(select(Product).where(Product.shop_id == shop.id)).all()
        states = set(session.scalars(select(Receipt.state)))
        planned = session.scalars(select(Message)).all()
        history = session.scalars(select(Order)).all()
    assert shop.live
    assert (shop.name, shop.currency) == (catalogue.NAME, "KRW")
    assert settings.brand.postal_address == catalogue.POSTAL_ADDRESS
    assert settings.how_to.keys() == {str(item.id) for item in catalogue.PRODUCTS}
    assert {product.platform_id for product in products} == settings.how_to.keys()
    assert states == {"done"}
    assert len(history) == len(catalogue.PAST_BASKETS)
    assert planned == []  # history is learned from, never mailed
    assert trial.store.read().outbox == []


def test_another_port_moves_the_links_of_the_settings(trial: Demo) -> None:
    trial.ctx.settings = replace(trial.ctx.settings, public_url="http://127.0.0.1:9999")
    job.prepare(trial.ctx)
    with trial.ctx.database.reading() as session:
        shop = shops.find_shop(session, catalogue.DOMAIN)
        assert shop is not None
        assert load_settings(shop.settings).support.help_url == "http://127.0.0.1:9999/demo/shop/help"
    assert {hook.topic for hook in trial.store.read().outbox} == {"products/update"}


def test_an_order_goes_through_our_own_endpoint_and_is_planned(trial: Demo) -> None:
    assert trial.post("/demo/orders", **FORM) == 303
    assert trial.client.get("/demo/state").get_json()["pending"]
    trial.turn()
    messages = trial.messages()
    assert messages.keys() == set(demo_steps())
    assert messages["thank_you"].state == "planned"
    page = trial.client.get("/demo").text
    assert "#1001" in page
    assert "Emma Carter" in page
    for message in messages.values():
        assert message.reason in page


def demo_steps() -> tuple[str, ...]:
    return ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up")


def test_every_deed_can_be_done_from_the_page(trial: Demo) -> None:
    trial.post("/demo/orders", **FORM)
    trial.turn()
    order = trial.store.read().orders[0]
    base = f"/demo/orders/{order['id']}"
    assert trial.post(f"{base}/ship", parcels="one", carrier="DHL Express", late="on") == 303
    trial.turn()
    parcel = trial.store.read().orders[0]["fulfillments"][0]
    assert "Add the number" in trial.client.get("/demo").text
    assert trial.post(f"{base}/number", parcel=parcel["id"], number="AB-12 <b>") == 303
    assert trial.post(f"{base}/carrier", parcel=parcel["id"], status="delivered") == 303
    assert trial.post(f"{base}/refund", line=order["line_items"][0]["id"]) == 303
    assert trial.post(f"{base}/cancel") == 303
    trial.turn()
    told = trial.store.read().orders[0]
    assert told["fulfillments"][0]["tracking_number"] == "AB12b"
    assert told["cancelled_at"]
    page = trial.client.get("/demo").text
    for words in ("Tracking number AB12b added", "delivered", "Refunded: Jeju Sejak Green Tea", "Order cancelled"):
        assert words in page
    for path in ("/demo/shop/track/AB12b", f"/demo/shop/orders/{order['id']}", "/demo/shop/help"):
        assert trial.client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/demo/orders", {**FORM, "product": []}, 422),
        ("/demo/orders", {**FORM, "name": "  "}, 422),
        ("/demo/orders", {**FORM, "product": ["../etc"]}, 422),
        ("/demo/orders/1/ship", {"parcels": "one"}, 404),
        ("/demo/orders/1/ship", {"parcels": "nine"}, 422),
        ("/demo/orders/1/explode", {}, 404),
        ("/demo/orders/1/refund", {"line": "x"}, 422),
        ("/demo/orders/1/carrier", {"parcel": "1", "status": "lost"}, 422),
        ("/demo/clock", {"speed": "1e9"}, 422),
        ("/demo/clock", {"speed": "fast"}, 422),
        ("/demo/clock", {"speed": "nan"}, 422),
    ],
)
def test_nonsense_is_refused(trial: Demo, path: str, form: dict[str, object], status: int) -> None:
    assert trial.client.post(path, data=form, headers=OURS).status_code == status


def test_a_hostile_name_is_only_text(trial: Demo) -> None:
    trial.post("/demo/orders", **FORM | {"name": "<img src=x onerror=alert(1)> {{ 7*7 }}"})
    trial.turn()
    page, state = trial.client.get("/demo").text, trial.client.get("/demo/state").get_json()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in page
    assert "<img src=x" not in state["orders"][0]["head"]["html"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_forms_come_from_our_own_pages(trial: Demo, headers: dict[str, str], status: int) -> None:
    assert trial.client.post("/demo/story", data={"language": "en"}, headers=headers).status_code == status


def test_another_name_for_this_machine_is_refused(trial: Demo) -> None:
    assert trial.client.get("/demo", headers={"Host": "evil.example"}).status_code == 403
    assert trial.client.get("/demo", headers={"Host": "localhost:8000"}).status_code == 200


def test_the_pages_allow_no_inline_script(trial: Demo) -> None:
    page = trial.client.get("/demo")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert " style=" not in page.text
    assert "<script>" not in page.text


def test_outside_the_demo_there_is_no_demo(sqlite_context: Context) -> None:
    client = app_over(sqlite_context).test_client()
    assert client.get("/demo").status_code == 404
    assert client.get("/demo/inbox").status_code == 404


def test_the_story_runs_by_itself_and_ends_at_real_time(trial: Demo) -> None:
    trial.post("/demo/story", language="ko")
    start = trial.now()
    with trial.ctx.database.reading() as session:
        row = demo_clock.read_clock(session)
        assert row is not None
        assert row.speed == demo.STORY_SPEED
    trial.turn()
    order_id = trial.store.read().orders[0]["id"]
    for after, _, _ in demo.STORY:
        trial.put_clock(start + after + timedelta(minutes=1))
        trial.turn()
    assert trial.store.read().deeds == []
    diary = [words for _, words in trial.store.read().diary[str(order_id)]]
    assert diary[0] == "Order placed"
    assert "delivered" in diary[-1]
    with trial.ctx.database.reading() as session:
        row = demo_clock.read_clock(session)
        assert row is not None
        assert row.speed == demo.REAL_TIME


def test_the_clock_stops_at_a_due_message_and_at_a_deed(trial: Demo) -> None:
    trial.post("/demo/orders", **FORM)
    trial.turn()
    placed = trial.now()
    demo_clock.set_speed(trial.ctx, 43_200.0)
    trial.driver.pause = 0
    trial.driver._last -= 0.5
    trial.turn()
    assert trial.now() == placed  # the thank-you is due and nobody sends it here
    with trial.ctx.database.reading() as session:
        row = demo_clock.read_clock(session)
        assert row is not None
        assert row.held_by == "the thank you mail of #1001 to leave"
    assert "waits for the thank you mail of #1001" in trial.client.get("/demo").text


def test_a_webhook_that_nobody_takes_is_tried_again_and_keeps_its_id(trial: Demo) -> None:
    trial.post("/demo/orders", **FORM)
    demo.do_due_deeds(trial.ctx, trial.store, trial.now())
    ids = [hook.id for hook in trial.store.read().outbox]
    nobody = Courier("http://127.0.0.1:9", catalogue.DOMAIN, "secret", "2026-10")
    assert not demo.deliver_webhooks(trial.store, nobody)
    assert [hook.id for hook in trial.store.read().outbox] == ids
    wrong = Courier(trial.ctx.settings.public_url, catalogue.DOMAIN, "wrong secret", "2026-10")
    for _ in range(3 * MAX_TRIES):
        demo.deliver_webhooks(trial.store, wrong)
    assert trial.store.read().outbox == []  # as Shopify does, it gives up
    nobody.close()
    wrong.close()


def test_the_visitor_sets_the_speed_while_the_driver_moves_the_clock(trial: Demo) -> None:
    assert trial.post("/demo/clock", speed="0") == 303
    before = trial.now()
    trial.turn(2)
    assert trial.now() == before
    state = trial.client.get("/demo/state").get_json()
    assert state["clock"]["speed"] == 0
