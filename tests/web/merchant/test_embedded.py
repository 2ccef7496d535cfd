"""The app inside an admin's frame, in a real browser: the twin's admin, its App Bridge, and our pages by htmx."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Frame, FrameLocator, Page, Route, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from plugin.services.context import Context
from plugin.store.models.customers import Consent
from plugin.store.models.platform import Errand, ShopToken
from plugin.store.models.shops import Shop
from schemas.offers import Give, OfferRules
from schemas.settings import dump_settings, load_settings
from tests.support.apps import app_over
from tests.support.chromium import chromium
from tests.web.merchant.conftest import DOMAIN
from tests.web.scenes import Scene, scene

pytestmark = [pytest.mark.browser, pytest.mark.shared]
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    # The admin's page is answered by the test, so to the browser it is a public page that frames a local one.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessChecks",
]  # fmt: skip
ADMIN = "https://admin.shopify.com/store/demo"


class Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(ARGS) as browser:
        yield browser


@dataclasses.dataclass
class House:
    """The app and the twin of one test. `refused`: what the browser's console complained of."""

    tea: Scene
    base: str
    twin: str
    refused: list[str] = dataclasses.field(default_factory=list)


@pytest.fixture
def house(sqlite_context: Context, shared: Path) -> Iterator[House]:
    if importlib.util.find_spec("aiohttp") is None:
        pytest.skip("needs what the twin needs: pip install -e .[twin]")
    app_port, twin_port = free_port(), free_port()
    base, twin = f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{twin_port}"
    settings = dataclasses.replace(sqlite_context.settings, public_url=base, shopify_admin_url=twin)
    made = scene(dataclasses.replace(sqlite_context, settings=settings))
    secret = settings.shopify_api_secret
    command = [
        sys.executable, "-m", "twin.shopify", "--port", str(twin_port), "--client-id", str(settings.shopify_api_key),
        "--secret", str(secret), "--app-url", base, "--shop", DOMAIN,
    ]  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPIFY_", "CLOCK_"))}
    process = subprocess.Popen(command, cwd=shared, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = make_server("127.0.0.1", app_port, made.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        wait_for(f"{twin}/_twin/app-bridge.js", process)
        yield House(made, base, twin)
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        thread.join()
        server.server_close()
        made.ctx.shopify.close()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(address, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail("the twin does not answer")


@pytest.fixture
def page(house: House, browser: Browser) -> Iterator[Page]:
    """A browser in which Shopify's hosts are the twin."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("console", lambda line: house.refused.append(line.text) if line.type == "error" else None)

    def admin(route: Route) -> None:
        path = route.request.url.removeprefix("https://admin.shopify.com")
        wanted = path if path.startswith("/_twin/") else f"/_twin/admin?shop={DOMAIN}&path=/"
        answer = requests.get(f"{house.twin}{wanted}", timeout=10)
        route.fulfill(status=answer.status_code, content_type=answer.headers["Content-Type"], body=answer.content)

    def bridge(route: Route) -> None:
        answer = requests.get(f"{house.twin}/_twin/app-bridge.js", timeout=10)
        route.fulfill(status=200, content_type="text/javascript", body=answer.content)

    context.route("https://admin.shopify.com/**", admin)
    context.route("https://cdn.shopify.com/**", bridge)
    yield page
    context.close()


def opened(page: Page) -> FrameLocator:
    page.goto(ADMIN)
    return page.frame_locator("iframe[name=app-iframe]")


def test_install_open_and_change_something(house: House, page: Page):
    """The first contact brings a token and asks for the first synchronisation; then pages and forms work in a frame."""
    frame = opened(page)
    expect(frame.locator("#flow")).to_have_text("After a purchase")
    with house.tea.ctx.database.reading() as session:
        token = session.get(ShopToken, house.tea.shop_id)
        assert token is not None
        assert "shpat_" not in token.access_token  # encrypted
        assert session.get(Errand, (house.tea.shop_id, "first_sync")) is not None
    expect(frame.locator("#sync")).to_be_visible()

    expect(frame.locator("s-app-nav")).to_be_hidden()  # it is the admin's to draw

    frame.locator(".nav a[href='/app/settings']").click()
    expect(frame.locator("h1")).to_have_text("Settings")
    frame.locator("#support-phone").fill("+82 2 555 7777")
    frame.locator(".save-bar button").click()
    expect(frame.locator(".banner.good")).to_have_text("Saved.")
    stored = load_settings(house.tea.rows(Shop)[0].settings)
    assert stored.support.phone == "+82 2 555 7777"

    frame.locator("#support-email").fill("nobody")
    frame.locator(".save-bar button").click()
    expect(frame.locator("[role=alert]")).to_be_visible()  # a 422 is shown, not swallowed

    frame.locator(".nav a[href='/app']").click()
    frame.locator(".flow-step button[role=switch]").nth(4).click()
    expect(frame.locator(".flow-step button[role=switch]").nth(4)).to_have_attribute("aria-checked", "false")
    assert page.frames[1].evaluate("document.cookie") == ""
    assert [line for line in house.refused if "Content Security Policy" in line] == []


def test_the_frame_loads_anew_in_the_middle(house: House, page: Page):
    """Without a token in the address: over the bounce page and back to the same place."""
    opened(page).locator(".nav a[href='/app/settings']").click()
    frame = page.frames[1]
    frame.wait_for_selector("#support-phone")
    frame.evaluate("location.reload()")
    frame.wait_for_selector("#support-phone")
    assert frame.url.startswith(f"{house.base}/app/settings")


def test_back_goes_back(house: House, page: Page):
    opened(page).locator(".nav a[href='/app/settings']").click()
    frame = page.frames[1]
    frame.wait_for_selector("#support-phone")
    frame.evaluate("history.back()")
    frame.wait_for_selector("#flow")


def test_a_foreign_page_cannot_frame_it(house: House, page: Page):
    page.context.route(
        "https://evil.example/**",
        lambda route: route.fulfill(content_type="text/html", body=f"<iframe src='{house.base}/login'></iframe>"),
    )
    page.goto("https://evil.example/")
    page.wait_for_timeout(500)
    assert any("frame-ancestors" in line or "frame" in line.lower() for line in house.refused)


def test_without_an_admin_the_same_shop_has_no_way_in(house: House):
    settings = dataclasses.replace(house.tea.ctx.settings, shopify_api_key=None)
    client = app_over(dataclasses.replace(house.tea.ctx, settings=settings)).test_client()
    assert client.get("/?embedded=1&shop=haneul.myshopify.com").status_code == 200  # the front door, not the app
    assert client.get("/app").headers["Location"] == "/login"


def test_charts_are_drawn_on_a_page_that_came_by_script(house: House, page: Page):
    """What a page says to browsers without scripts must not come in with it."""
    frame = opened(page)
    frame.locator(".nav a[href='/app/rehearsal']").click()
    expect(frame.locator("button[name=whole]")).to_have_count(0)
    frame.locator("#go").click()
    expect(frame.locator("canvas[data-drawn]").first).to_be_visible()


def go(page: Page, path: str) -> Frame:
    """Follow our own link to a page that the navigation does not name."""
    opened(page).locator("#flow").wait_for()
    frame = page.frames[1]
    frame.wait_for_function("window.htmx")  # the flow may be drawn before the scripts have run
    frame.evaluate("path => htmx.ajax('GET', path, {target: 'body', swap: 'innerHTML', push: 'true'})", path)
    return frame


def test_a_wording_is_written_tried_and_saved(house: House, page: Page):
    frame = go(page, "/app/steps/survey/wording/en")
    frame.locator("#subject").fill("How is {{ ordername }}?")
    expect(frame.locator("#subject-faults li")).to_contain_text("there is no value “ordername”")  # while it is written
    frame.locator("button[value=save]").click()
    expect(frame.locator("#seen [role=alert]")).to_be_visible()
    frame.locator("#subject").fill("How is {{ order_name }}?")
    expect(frame.locator("#seen dd")).to_have_text("How is #1001?")
    expect(frame.frame_locator("iframe.phone").locator("body")).to_contain_text("Haneul Tea")
    frame.locator("button[value=test]").click()
    expect(frame.locator(".banner.good")).to_contain_text("on its way to you")
    frame.locator("button[value=save]").click()
    expect(frame.locator(".banner.good")).to_contain_text("Saved.")
    assert load_settings(house.tea.rows(Shop)[0].settings).step("survey").subject == {"en": "How is {{ order_name }}?"}
    frame.locator("button[value=default]").click()
    expect(frame.locator(".banner.good")).to_contain_text("default is in use again")
    assert load_settings(house.tea.rows(Shop)[0].settings).step("survey").subject == {}
    assert [line for line in house.refused if "Content Security Policy" in line] == []


@pytest.mark.parametrize("result", ["granted-all", "declined-all"])
def test_a_permission_is_asked_for_where_it_is_missing(house: House, page: Page, result: str):
    """By the admin, in a window of its own; here it answers at once. Without an admin there is nobody to ask."""
    opened(page).locator("#flow").wait_for()  # the first contact tells which permissions there are
    gift_card = Give(kind="gift_card", minor=500, days=30)
    with house.tea.ctx.database.transaction() as session:
        shop = session.get_one(Shop, house.tea.shop_id)
        shop.currency, shop.scopes = "EUR", ["read_orders"]
        settings = load_settings(shop.settings)
        offers = OfferRules(enabled=True, gift=gift_card, gift_above_minor=10_000)
        shop.settings = dump_settings(dataclasses.replace(settings, offers=offers))
    page.add_init_script(
        f"""window.asked = [];
        addEventListener("DOMContentLoaded", () => {{ if (window.shopify) shopify.scopes = {{
          request: async (scopes) => {{ asked.push(...scopes); return {{ result: "{result}" }}; }} }}; }}, true);"""
    )
    frame = go(page, "/app/offers")
    button = frame.get_by_role("button", name="Allow it in Shopify")
    button.click()
    assert page.frames[1].evaluate("asked") == ["write_gift_cards"]
    if result == "granted-all":
        expect(frame.locator(".banner.warn [role=status]")).to_contain_text("Allowed.")
    else:
        expect(button).to_be_enabled()  # to be asked again, should they think better of it


def test_files_go_out_and_come_in(house: House, page: Page):
    frame = go(page, "/app/data")
    with page.expect_download() as export:
        frame.locator("a[download]").click()
    assert export.value.suggested_filename.endswith(".jsonl")
    lines = [json.loads(line) for line in Path(export.value.path()).read_text().splitlines()]
    assert len(lines) > 3
    csv = {"name": "c.csv", "mimeType": "text/csv", "buffer": b"email,state\njane@example.com,subscribed\n"}
    frame.locator("#file").set_input_files(csv)  # type: ignore[arg-type]
    frame.locator("button[value=try]").click()
    expect(frame.locator("#import-result .tile").first).to_have_text("1line")
    assert house.tea.rows(Consent) == []
    frame.locator("button[value=import]").click()
    expect(frame.locator("#import-result .banner.good")).to_be_visible()
    assert len(house.tea.rows(Consent)) == 1
    frame.locator(".nav a[href='/app/figures']").click()
    with page.expect_download() as figures:
        frame.locator("a[download][href^='/app/figures/csv']").click()
    assert Path(figures.value.path()).read_text().startswith("day,")


def test_a_token_that_ended_costs_nothing_that_was_typed(house: House, page: Page):
    """App Bridge hands out one that is over by the time it arrives: the request goes once more with a fresh one."""
    frame = go(page, "/app/settings")
    frame.locator("#support-phone").fill("+82 2 555 8888")
    over = requests.get(f"{house.twin}/_twin/session-token?shop={DOMAIN}&expired=1", timeout=5).json()["token"]
    frame.evaluate("""over => {
      const fresh = shopify.idToken;
      shopify.idToken = () => { shopify.idToken = fresh; return Promise.resolve(over); };
    }""", over)
    statuses = []
    page.on("response", lambda answer: statuses.append(answer.status) if answer.request.method == "POST" else None)
    frame.locator(".save-bar button").click()
    expect(frame.locator(".banner.good")).to_be_visible()
    assert statuses[:2] == [401, 303]
    assert load_settings(house.tea.rows(Shop)[0].settings).support.phone == "+82 2 555 8888"


def test_a_button_says_so_when_nobody_answers(house: House, page: Page):
    frame = go(page, "/app/settings")
    page.route("**/app/settings", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    frame.locator(".save-bar button").click()
    expect(frame.locator("#busy")).to_contain_text("No answer came")
