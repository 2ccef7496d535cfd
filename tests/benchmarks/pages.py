"""The merchant's home page in Chromium: when it is there, whether it jumps, how fast it answers, what it weighs."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from plugin.services.logins import make_link
from tests.benchmarks.calendar import Filler, open_shop
from tests.benchmarks.harness import Options, Result, Stage, free_port, stage
from tests.support.chromium import NAMES

TITLE = "the merchant's home page in Chromium: a fresh browser, dasi web, PostgreSQL"
MESSAGES, SHORT = 50_000, 500
SLOWEST, LARGEST, LONGEST = 0.5, 120.0, 50.0  # seconds to the largest paint, kB, milliseconds to answer a tap
OBSERVE = """
  window.seen = {lcp: 0, shift: 0, taps: []};
  new PerformanceObserver(list => { for (const e of list.getEntries()) seen.lcp = e.startTime; })
    .observe({type: 'largest-contentful-paint', buffered: true});
  new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) seen.shift += e.value; })
    .observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(list => { for (const e of list.getEntries()) seen.taps.push(e.duration); })
    .observe({type: 'event', buffered: true, durationThreshold: 16});
"""


@dataclass
class Visit:
    """One look at the page. Seconds, the layout shift's score, milliseconds (0: under 16), kilobytes."""

    paint: float
    shift: float
    tap: float
    weight: float


def run(options: Options) -> list[Result]:
    messages = SHORT if options.short else MESSAGES
    with stage() as ground, _chromium() as browser, _home(ground, messages) as (base, cookies):
        visits = [_visit(browser, base, cookies, bare=False) for _ in range(options.rounds)]
        floor = [_visit(browser, base, cookies, bare=True) for _ in range(options.rounds)]
    paint, bare = (statistics.median(visit.paint for visit in them) for them in (visits, floor))
    shift, tap = max(visit.shift for visit in visits), max(visit.tap for visit in visits)
    weight = max(visit.weight for visit in visits)
    return [
        Result("W", "largest contentful paint", paint, bare, "s", paint / bare, f"< {SLOWEST} s", paint < SLOWEST,
               "the floor is the sign-in page, which asks nothing of the database"),
        Result("W", "layout shift, worst", shift, None, "", None, "0", shift == 0),
        Result("W", "answer to a tap, worst", tap, None, "ms", None, f"< {LONGEST:.0f} ms", tap < LONGEST,
               "0: under the 16 ms that the browser reports"),
        Result("W", "transferred by a fresh browser", weight, None, "kB", None, f"< {LARGEST:.0f} kB",
               weight < LARGEST),
    ]  # fmt: skip


@contextmanager
def _home(ground: Stage, messages: int) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A shop with so many messages behind `dasi web`, and the cookie of a session of its merchant."""
    port, url = free_port(), ground.database()
    ctx = ground.context(url)
    shop_id = open_shop(ctx)
    Filler(ctx, shop_id).fill(messages)
    with ctx.database.transaction() as session:
        link = make_link(session, shop_id, "command")
    base = f"http://127.0.0.1:{port}"
    environ = ground.environ(url, EMAIL_URL="smtp://127.0.0.1:9", PUBLIC_URL=base)
    web = ground.servers.start("web", [sys.executable, "-m", "jobs.cli", "web", "--port", port], environ)
    ground.servers.until("web", web, lambda: requests.get(f"{base}/readyz", timeout=2).ok, 30)
    answer = requests.post(f"{base}/login/{link}", allow_redirects=False, timeout=10)
    yield base, [{"name": name, "value": value, "url": base} for name, value in answer.cookies.items()]
    ctx.database.dispose()


@contextmanager
def _chromium() -> Iterator[Browser]:
    """Raises RuntimeError when there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("needs Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


def _visit(browser: Browser, base: str, cookies: list[dict[str, str]], bare: bool) -> Visit:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    if not bare:
        context.add_cookies(cookies)  # type: ignore[arg-type]
    context.add_init_script(OBSERVE)
    page = context.new_page()
    weight = _weighed(page)
    page.goto(base + ("/login" if bare else "/app"), wait_until="networkidle")
    page.wait_for_timeout(300)
    seen = page.evaluate("seen")
    total = sum(weight.values()) / 1000
    tap = 0.0
    if not bare:
        page.keyboard.press("Tab")
        page.locator("main summary, main h2").first.click()  # what leads nowhere, so that the page is still there
        page.wait_for_timeout(400)
        tap = max(page.evaluate("window.seen ? seen.taps : []"), default=0.0)
    context.close()
    return Visit(seen["lcp"] / 1000, seen["shift"], tap, total)


def _weighed(page: Page) -> dict[str, float]:
    """Bytes over the wire by request, headers included, as the browser counts them."""
    found: dict[str, float] = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.loadingFinished", lambda told: found.update({told["requestId"]: told["encodedDataLength"]}))
    return found
