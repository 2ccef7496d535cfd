"""The system's Chromium, as all tests of pages start it."""

from __future__ import annotations

from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no page waits for an image that is not there
]  # fmt: skip


def sign_in(page: Page, link: str) -> None:
    """Follow a login link as far as the home page: whoever leaves sooner has no session yet."""
    page.goto(link)
    page.locator("main button").first.click()
    page.wait_for_url("**/app")
