"""The sender's address in a real browser: set on the settings page, confirmed from the mail, seen on every page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from plugin.services import logins
from plugin.services.context import Context
from plugin.services.sender_check import mail_questions
from plugin.services.shop_work import work_off
from tests.services.world import Sink, body
from tests.support.chromium import sign_in
from tests.web.scenes import Scene, scene

pytestmark = pytest.mark.browser


@pytest.fixture
def served(sqlite_context: Context) -> Iterator[tuple[Scene, str]]:
    tea = scene(sqlite_context)
    tea.ctx.txt_asker = lambda: lambda name: ["v=spf1 +all"] if name == "haneul.example" else []  # type: ignore[misc]
    server = make_server("127.0.0.1", 0, tea.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tea, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def usable(page: Page) -> None:
    """Nothing serious for a screen reader, and no sideways scrolling."""
    found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
    assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("language", "width", "words"), [
    ("en-GB", 390, ("Link sent", "Confirmed", "could be stricter")),
    ("ko-KR", 1280, ("링크 보냄", "확인됨", "더 엄격하게 할 수 있음")),
])  # fmt: skip
def test_from_the_settings_to_the_confirmed_address(
    served: tuple[Scene, str], browser: Browser, language: str, width: int, words: tuple[str, str, str]
) -> None:
    tea, base = served
    with tea.ctx.database.transaction() as session:
        link = f"/login/{logins.make_link(session, tea.shop_id, 'command')}"
    merchant = browser.new_context(locale=language, viewport={"width": width, "height": 900})
    reader = browser.new_context(locale=language, viewport={"width": width, "height": 900}, java_script_enabled=False)
    page, mail = merchant.new_page(), reader.new_page()
    sign_in(page, base + link)
    page.goto(f"{base}/app/settings")
    page.locator("#sender-email").fill("hello@haneul.example")
    page.keyboard.press("Enter")
    page.wait_for_url("**/app/settings?said=saved")
    expect(page.locator("#sender")).to_contain_text(words[0])
    sink = Sink()
    mail_questions(tea.ctx, sink)
    while work_off(tea.ctx):
        pass
    found = re.search(r"(/sender/[\w-]+)", body(sink.parsed()[-1]))
    assert found
    mail.goto(base + found[1])
    button = mail.locator("main button")
    assert button.count() == 1
    button.click()  # the reader's mail program need not run scripts, nor know the merchant's session
    expect(mail.locator("main [role=status]")).to_have_count(1)
    page.locator("#sender a[href='/app/settings/sender']").click()
    page.wait_for_url("**/app/settings/sender")
    expect(page.locator("main")).to_contain_text(words[1])
    expect(page.locator("main")).to_contain_text(words[2], ignore_case=True)
    usable(page)
    page.goto(base + found[1])  # used up: a page in plain words
    usable(page)
    merchant.close()
    reader.close()
