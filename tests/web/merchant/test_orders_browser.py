"""Orders, messages and issues in a real browser: on a phone and on a desk, by eye and by keyboard, without a script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from plugin.app import create_app_from
from plugin.services import answers, logins
from plugin.services.context import Context
from plugin.services.letters import send_letters
from plugin.store.models.customers import Issue
from plugin.store.models.messages import Act, Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from tests.services.world import World, consent, order, parcel, whole_life
from tests.support.chromium import sign_in

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A signed-in page of a shop with a story, and where things are."""

    page: Page
    base: str
    world: World
    order_id: int
    issue_id: int

    def go(self, path: str) -> None:
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status == 200


def tell_story(world: World) -> None:
    """A customer who got their parcel, clicked, and was not satisfied; another whose parcel is under way."""
    world.hook("customers_email_marketing_consent/update", consent(world.now))
    for _ in whole_life(world):
        pass
    world.later(days=4, minutes=5)
    world.send()
    survey = world.message("survey")
    with world.ctx.database.transaction() as session:
        for by_scanner in (True, False):
            session.add(Click(shop_id=survey.shop_id, message_id=survey.id, target="https://haneul.example/products/tea",
                              at=world.now, by_scanner=by_scanner))  # fmt: skip
    answers.save_survey(world.ctx, survey.id, 2, 3, "One cup came broken.\nThe tea itself is lovely.")
    world.later(minutes=5)
    send_letters(world.ctx, world.sink)
    for number, name in ((1002, "Minji"), (1003, "Sofia")):
        person = {"id": 600 + number, "email": f"{name.lower()}@example.com", "first_name": name, "last_name": "Park"}
        world.hook("orders/create", order(world.now, number, customer=person, email=person["email"],
                                          contact_email=person["email"]))  # fmt: skip
    world.hook("fulfillments/create", parcel(world.now, order_id=1002))
    world.send()
    world.later(minutes=1)


@pytest.fixture(params=["en", "ko"])
def desk(request: pytest.FixtureRequest, browser: Browser, sqlite_context: Context) -> Iterator[Desk]:
    world = World(sqlite_context)
    tell_story(world)
    shop_id = world.row(Shop).id
    with world.ctx.database.transaction() as session:
        link = f"/login/{logins.make_link(session, shop_id, 'command')}"
    server = make_server("127.0.0.1", 0, create_app_from(world.ctx), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    locale = "ko-KR" if request.param == "ko" else "en-GB"
    context = browser.new_context(locale=locale, viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(15_000)
    sign_in(page, base + link)
    yield Desk(page, base, world, world.row(Order, name="#1001").id, world.row(Issue).id)
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_cancel_from_the_orders_page(desk: Desk) -> None:
    order_id = desk.world.row(Order, name="#1002").id
    desk.go(f"/app/orders/{order_id}")
    survey = desk.world.row(Message, order_id=order_id, step="survey")
    desk.page.locator(f"#m{survey.id} button[value=cancel]").click()
    expect(desk.page.locator("main [role=status]")).to_have_count(1)
    assert [(act.kind, act.step) for act in desk.world.rows(Act)] == [("cancel", "survey")]
    expect(desk.page.locator(f"#m{survey.id} .badge.cancelled")).to_have_count(1)


def test_the_mail_is_shown_in_its_frame(desk: Desk) -> None:
    desk.go(f"/app/orders/{desk.order_id}")
    first = desk.page.locator("details.look").first
    first.locator("summary").click()
    frame = first.frame_locator("iframe")
    assert "Haneul Tea" in frame.locator("body").inner_text()
    assert frame.locator("a[href]").count() == 0


def test_an_issue_is_answered_and_closed_by_keyboard(desk: Desk) -> None:
    desk.go("/app/issues")
    desk.page.locator(".case a").first.focus()
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"**/app/issues/{desk.issue_id}")
    desk.page.locator("#reply").focus()
    desk.page.keyboard.type("So sorry! A new cup is on its way.")
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**said=replied")
    issue = desk.world.row(Issue)
    assert issue.first_replied_at
    desk.page.locator("button[value=settled]").click()
    desk.page.wait_for_url("**said=closed")
    assert desk.world.row(Issue).outcome == "settled"


def test_they_fit_and_anyone_can_use_them(desk: Desk, browser: Browser) -> None:
    """Both widths, with a script running this time: axe-core needs one."""
    cookies = desk.page.context.cookies()
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page, troubles = context.new_page(), []
    page.on("console", lambda line: troubles.append(f"{page.url}: {line.text}") if line.type == "error" else None)
    paths = ("/app/orders", f"/app/orders/{desk.order_id}", "/app/messages?state=planned", "/app/messages?state=sent",
             "/app/issues", f"/app/issues/{desk.issue_id}", "/app/issues?show=failed", "/app/issues/hours")  # fmt: skip
    for path in paths:
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(desk.base + path)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                troubles.append(f"{path} at {width}: scrolls sideways")
        for found in Axe().run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                troubles.append(f"{path}: {found['id']} {[node['target'] for node in found['nodes'][:3]]}")
    context.close()
    assert not troubles, "\n".join(troubles)
