"""A browser that goes to a view, does what it says, takes a picture and notes what is plainly wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from playwright.sync_api import BrowserContext, Frame, Page, Route, sync_playwright
from playwright.sync_api import Error as BrowserError
from sqlalchemy import select

from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.web.merchant import words
from tests.looks import shop
from tests.looks.house import House, chromium
from tests.looks.views import View

ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    # The admin's page is answered here, so to the browser it is a public page that frames a local one.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessChecks",
]  # fmt: skip
HEIGHT = 900  # of the window
# What is wider than its place without a way to scroll to the rest, or shows a text's key instead of its words.
CUT = """() => [...document.querySelectorAll('main *')].filter(one => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  if (!box.width || one.closest('.scroll, .tabs, .sr, iframe, textarea, pre, s-app-nav')) return false;
  return box.right > document.documentElement.clientWidth + 1 ||
    (one.scrollWidth > one.clientWidth + 1 && style.overflowX === 'hidden' && one.tagName !== 'INPUT');
}).slice(0, 3).map(one => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 50)}`)"""
SECTIONS = "|".join(sorted(path.stem for path in (Path(words.__file__).parent / "texts/en").glob("*.toml")))
KEYS = re.compile(rf"(?<![\w./@-])(?:{SECTIONS}|issue|days|steps)\.[a-z_]+(?:\.[a-z_]+)*")


class Camera:
    """Pages in a tab of their own, signed in by a link."""

    def __init__(self, house: House, language: str, width: int) -> None:
        self.house, self.width = house, width
        self.locale = "ko-KR" if language == "ko" else "en-GB"
        self.pages: dict[str, Page] = {}
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.browser.close()
        self.playwright.stop()

    def take(self, view: View, to: Path) -> Iterator[str]:
        """The picture, and what is wrong with it."""
        self.complaints.clear()
        page = self.page(view)
        try:
            page.goto(self.house.base + self.path(view))
            page.wait_for_load_state("networkidle")
            if view.act:
                view.act(page)
        except (BrowserError, AssertionError) as exc:
            yield f"not reached: {str(exc).splitlines()[0]}"
        self.whole(page)
        page.screenshot(path=to)
        yield from self.look(page)
        page.set_viewport_size({"width": self.width, "height": HEIGHT})

    def whole(self, page: Page) -> None:
        """As tall a window as the page: frames beyond a window's edge are not painted, what sticks covers something."""
        height = min(page.evaluate("document.documentElement.scrollHeight"), 6000)
        page.set_viewport_size({"width": self.width, "height": max(HEIGHT, height)})
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(200)

    def look(self, page: Page | Frame) -> Iterator[str]:
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            yield "scrolls sideways"
        for found in page.evaluate(CUT):
            yield f"cut: {found}"
        for key in KEYS.findall(page.locator("main").inner_text()):
            yield f"a key in place of its words: {key}"
        yield from (line for line in self.complaints if "status of 4" not in line)

    def context(self) -> BrowserContext:
        return self.browser.new_context(locale=self.locale, viewport={"width": self.width, "height": HEIGHT})

    def page(self, view: View) -> Page:
        name = view.shop if view.signed_in else ""
        if name not in self.pages:
            page = self.pages[name] = self.context().new_page()
            page.set_default_timeout(10_000)
            page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            if name:
                page.goto(self.house.base + shop.link(self.house.ctx, name))
                page.locator("main button").first.click()
                page.wait_for_load_state("networkidle")
        return self.pages[name]

    def path(self, view: View) -> str:
        if view.path == "{link}":
            return shop.link(self.house.ctx, view.shop)
        found = re.search(r"\{(order|issue|answer):(\w+)\}", view.path)
        if not found:
            return view.path
        with self.house.ctx.database.reading() as session:
            mine = select(Shop.id).where(Shop.domain == view.shop).scalar_subquery()
            order = select(Order.id).where(Order.shop_id == mine, Order.name == f"#{found[2]}")
            if found[1] == "order":
                asked = order
            elif found[1] == "answer":
                asked = select(SurveyAnswer.id).where(SurveyAnswer.order_id == order.scalar_subquery())
            else:
                i = Issue
                kind = i.closed_at.is_not(None) if found[2] == "closed" else i.kind == found[2]
                state = [] if found[2] == "closed" else [i.closed_at.is_(None)]
                asked = select(i.id).where(i.shop_id == mine, kind, *state).order_by(i.id).limit(1)
            return view.path.replace(found[0], str(session.scalars(asked).one()))


class Frames(Camera):
    """The same pages where they are used most: in the frame of Shopify's admin, the twin's standing in for it."""

    def take(self, view: View, to: Path) -> Iterator[str]:
        if not view.signed_in:
            return
        self.complaints.clear()
        page = self.page(view)
        page.goto(f"https://admin.shopify.com/store/{view.shop.partition('.')[0]}")
        frame = page.frame_locator("iframe[name=app-iframe]")
        frame.locator("main h1").first.wait_for(state="attached")
        inside = next(one for one in page.frames if one.name == "app-iframe")
        path = self.path(view)
        if path != "/app":
            inside.evaluate("path => htmx.ajax('GET', path, {target: 'body', swap: 'innerHTML'})", path)
            page.wait_for_timeout(700)
        try:
            if view.act:
                view.act(inside)  # type: ignore[arg-type]
        except (BrowserError, AssertionError) as exc:
            yield f"not reached: {str(exc).splitlines()[0]}"
        page.wait_for_timeout(500)
        page.screenshot(path=to)
        yield from self.look(inside)

    def page(self, view: View) -> Page:
        if view.shop not in self.pages:
            page = super().page(View(view.name, view.path, view.shop, signed_in=False))
            self.pages[view.shop] = self.pages.pop("")
            page.context.route("https://admin.shopify.com/**", lambda route: self.admin(route, view.shop))
            page.context.route("https://cdn.shopify.com/**", self.bridge)
        return self.pages[view.shop]

    def admin(self, route: Route, domain: str) -> None:
        path = route.request.url.removeprefix("https://admin.shopify.com")
        wanted = path if path.startswith("/_twin/") else f"/_twin/admin?shop={domain}&path=/"
        answer = requests.get(f"{self.house.twin}{wanted}", timeout=10)
        route.fulfill(status=answer.status_code, content_type=answer.headers["Content-Type"], body=answer.content)

    def bridge(self, route: Route) -> None:
        answer = requests.get(f"{self.house.twin}/_twin/app-bridge.js", timeout=10)
        route.fulfill(status=200, content_type="text/javascript", body=answer.content)
