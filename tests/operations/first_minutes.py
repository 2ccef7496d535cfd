"""As a new merchant: from opening the app in the admin to the first real mail, timed, with pictures.

    python -m tests.operations.first_minutes [--pictures docs/pictures/merchant]

Needs the shared folder (DASI_SHARED, default ../shared), the extra `twin` and Chromium. `dasi up` runs as it is; the
admin, Shopify's API and the mail server are the twin's. The hands are a program's: what it shows is what the pages and
the machine need, not how long a person reads.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from playwright.sync_api import FrameLocator, Page, Route, sync_playwright

from tests.benchmarks.payloads import new_order, order
from tests.replay.servers import ROOT, Servers, free_port
from tests.support.chromium import NAMES

SHOP = "haneul.myshopify.com"
KEY, SECRET = "first-minutes-key", "a-shopify-secret-of-the-first-minutes"
ADMIN = "https://admin.shopify.com/store/haneul"
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu",
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessChecks",
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.operations.first_minutes", description=__doc__)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DASI_SHARED", ROOT.parent / "shared")))
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dasi-first-"))
    servers = Servers(folder, args.shared.absolute())
    try:
        for what, seconds in walk(servers, args.pictures):
            print(f"{seconds:6.1f} s  {what}")
    finally:
        servers.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def walk(servers: Servers, pictures: Path | None) -> list[tuple[str, float]]:
    """(what was reached, seconds since the app was opened). Raises playwright's TimeoutError where a page is stuck."""
    port, twin_port = free_port(), free_port()
    app, twin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{twin_port}"
    email_url, sink = servers.sink()
    named = ["--client-id", KEY, "--secret", SECRET, "--app-url", app, "--shop", SHOP]
    shopify = servers.start("shopify", [sys.executable, "-m", "twin.shopify", "--port", twin_port, *named],
                            {"PYTHONPATH": str(servers.shared)})  # fmt: skip
    servers.until("shopify", shopify, lambda: requests.get(f"{twin}/_twin/calls", timeout=2).ok, 30)
    environ = {
        "DATA_DIR": str(servers.folder / "var"), "PUBLIC_URL": app, "EMAIL_URL": email_url, "SHOPIFY_API_KEY": KEY,
        "SHOPIFY_API_SECRET": SECRET, "SHOPIFY_ADMIN_URL": twin,
    }  # fmt: skip
    up = servers.start("up", [sys.executable, "-m", "jobs.cli", "up", "--port", port], environ)
    servers.until("up", up, lambda: requests.get(f"{app}/readyz", timeout=2).ok, 60)
    path = next(found for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        _admin_is(page, twin)
        reached = _steps(page, app, sink, pictures)
        browser.close()
    return reached


def _admin_is(page: Page, twin: str) -> None:
    """Shopify's own hosts are the twin's."""

    def admin(route: Route) -> None:
        path = route.request.url.removeprefix("https://admin.shopify.com")
        wanted = path if path.startswith("/_twin/") else f"/_twin/admin?shop={SHOP}&path=/"
        answer = requests.get(f"{twin}{wanted}", timeout=10)
        route.fulfill(status=answer.status_code, content_type=answer.headers["Content-Type"], body=answer.content)

    def bridge(route: Route) -> None:
        answer = requests.get(f"{twin}/_twin/app-bridge.js", timeout=10)
        route.fulfill(status=200, content_type="text/javascript", body=answer.content)

    page.context.route("https://admin.shopify.com/**", admin)
    page.context.route("https://cdn.shopify.com/**", bridge)


def _steps(page: Page, app: str, sink: str, pictures: Path | None) -> list[tuple[str, float]]:
    began, reached = time.monotonic(), []

    def at(what: str, picture: str | None = None) -> None:
        reached.append((what, time.monotonic() - began))
        if pictures and picture:
            page.wait_for_timeout(1500)
            page.screenshot(path=pictures / f"{picture}.png")

    page.goto(ADMIN)
    frame = page.frame_locator("iframe[name=app-iframe]")
    frame.locator("main h1, main h2").first.wait_for()
    at("the home page is there: what will be sent, what is missing", "home")
    _follow(frame, "/app/settings")
    frame.locator("#brand-postal-address").fill("12 Bukchon-ro\nSeoul 03052\nSouth Korea")
    frame.locator("[name='brand.legal_name']").fill("Haneul Tea Ltd")
    frame.locator("[name='support.email']").fill("help@haneul.example")
    frame.locator("[name='sender.email']").fill("hello@haneul.example")
    at("the settings are filled in", "settings")
    frame.locator("main form button.primary").first.click()
    frame.locator(".banner.good").wait_for()
    at("they are saved")
    _follow(frame, "/app")
    _follow(frame, "/app/steps/survey")
    frame.locator("#delay").wait_for()
    at("a step was looked at", "step")
    _follow(frame, "/app")
    _follow(frame, "/app/live")
    frame.locator("form[action='/app/live'] button.primary").wait_for()
    at("what going live does is shown", "live")
    frame.locator("form[action='/app/live'] button.primary").click()
    frame.locator("form[action='/app/live/pause'], .badge.good").first.wait_for(state="attached")
    at("the shop is live")
    _order(app)
    while not requests.get(f"{sink}/stats", timeout=5).json()["count"]:
        if time.monotonic() > began + 180:
            raise TimeoutError("no mail came")
        time.sleep(0.1)
    at("the first order's thank-you is with the mail server")
    for path, what in (("/app/orders", "orders"), ("/app/rehearsal", "the rehearsal"), ("/app/figures", "figures")):
        _follow(frame, path)
        frame.locator("main h1").wait_for()
        at(f"{what}: looked at")  # pictures of a shop at work are taken by tests.looks
    return reached


def _follow(frame: FrameLocator, path: str) -> None:
    frame.locator(f"a[href='{path}']").first.evaluate("link => link.click()")
    frame.locator(f"a[href='{path}'], main").first.wait_for(state="attached")
    frame.owner.page.wait_for_timeout(300)


def _order(app: str) -> None:
    """One signed webhook, as Shopify sends it."""
    now = datetime.now(UTC) + timedelta(seconds=1)  # told in whole seconds: else it might be older than the shop
    body = json.dumps(order(1, now)).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    headers = new_order(1, now).headers(SHOP) | {"X-Shopify-Hmac-Sha256": signature}
    requests.post(f"{app}/webhooks/shopify", data=body, headers=headers, timeout=10).raise_for_status()


if __name__ == "__main__":
    sys.exit(main())
