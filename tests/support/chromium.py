"""The system's Chromium, as all tests of pages start it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no page waits for an image that is not there
]  # fmt: skip


@contextmanager
def chromium(args: Sequence[str] = ARGS) -> Iterator[Browser]:
    """One browser, closed afterwards; the test is skipped where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: none of chromium, chromium-browser, google-chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


def sign_in(page: Page, link: str) -> None:
    """Follow a login link as far as the home page: whoever leaves sooner has no session yet."""
    page.goto(link)
    page.locator("main button").first.click()
    page.wait_for_url("**/app")
