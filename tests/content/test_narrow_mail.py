"""The mails on a phone: words as long as they come break, and nothing sticks out of the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from plugin.content.model import MessageView
from plugin.content.preview import samples
from plugin.content.render import render

pytestmark = pytest.mark.browser
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsteemischungsgeschenkpackung"
OUTSIDE = """() => [...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.tagName + ': ' + one.textContent.trim().slice(0, 60)).slice(-3)"""


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
