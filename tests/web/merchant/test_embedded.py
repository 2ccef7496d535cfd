"""The app inside an admin's frame, in a real browser: the twin's admin, its App Bridge, and our pages by htmx."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from plugin.app import create_app_from
from plugin.services.context import Context
from plugin.store.models.platform import Errand, ShopToken
from plugin.store.models.shops import Shop
from schemas.settings import load_settings
from tests.web.merchant.conftest import DOMAIN
from tests.web.scenes import Scene, scene

pytestmark = [pytest.mark.browser, pytest.mark.shared]
NAMES = ("chromium", "chromium-browser", "google-chrome")
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
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: none of chromium, chromium-browser, google-chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


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
    client = create_app_from(dataclasses.replace(house.tea.ctx, settings=settings)).test_client()
    assert client.get("/?embedded=1&shop=haneul.myshopify.com").status_code == 200  # the front door, not the app
    assert client.get("/app").headers["Location"] == "/login"


def test_charts_are_drawn_on_a_page_that_came_by_script(house: House, page: Page):
    """What a page says to browsers without scripts must not come in with it."""
    frame = opened(page)
    frame.locator(".nav a[href='/app/rehearsal']").click()
    expect(frame.locator("button[name=whole]")).to_have_count(0)
    frame.locator("#go").click()
    expect(frame.locator("canvas[data-drawn]").first).to_be_visible()
