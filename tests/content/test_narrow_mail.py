"""The mails on a phone: words as long as they come break, and nothing sticks out of the screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, sync_playwright

from plugin.content.model import MessageView
from plugin.content.preview import samples
from plugin.content.render import render
from tests.web.test_browser import ARGS, NAMES

pytestmark = pytest.mark.browser
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsteemischungsgeschenkpackung"
OUTSIDE = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.tagName + ': ' + one.textContent.trim().slice(0, 60)).slice(-3)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: none of chromium, chromium-browser, google-chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


def lengthened(view: MessageView) -> MessageView:
    return replace(
        view,
        lines=tuple(replace(line, title=LONG) for line in view.lines),
        products=tuple(replace(product, title=LONG) for product in view.products),
        enjoyed=LONG if view.enjoyed else view.enjoyed,
    )


def test_long_words_break(browser: Browser) -> None:
    page = browser.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=True).new_page()
    outside = {}
    for name, view in samples().items():
        page.set_content(render(lengthened(view)).html)
        if found := page.evaluate(OUTSIDE):
            outside[name] = found
    assert outside == {}
