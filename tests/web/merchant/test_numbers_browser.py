"""Rehearsal, figures and data in a real browser: phone and desktop, both languages, with and without JavaScript."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from plugin.services import logins
from plugin.services.context import Context
from plugin.services.figure_days import roll_up
from plugin.store.models.customers import Consent
from plugin.web.merchant import words
from tests.support.chromium import sign_in
from tests.web.merchant.numbers import fill_numbers
from tests.web.scenes import Scene, scene

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("DASI_PICTURES")  # a folder to keep what was seen in


@pytest.fixture
def shop(sqlite_context: Context) -> Iterator[tuple[Scene, str]]:
    """(the scene, where it is served)"""
    made = scene(sqlite_context)
    fill_numbers(made.ctx, made.shop_id, 300, made.ctx.clock.now())
    roll_up(made.ctx)
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def signed_in(
    browser: Browser, shop: tuple[Scene, str], width: int, language: str, script: bool = True
) -> tuple[BrowserContext, Page, list[str]]:
    """A page with a session, and what the browser complains of."""
    made, base = shop
    locale = "ko-KR" if language == "ko" else "en-GB"
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale=locale, java_script_enabled=script, base_url=base
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    with made.ctx.database.transaction() as session:
        link = logins.make_link(session, made.shop_id, "command")
    sign_in(page, f"/login/{link}")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda got: complaints.append(got.url) if got.status >= 400 else None)
    return context, page, complaints


def seen(page: Page, name: str) -> None:
    """Nothing scrolls sideways; keep a picture where one is wanted."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("width", "language"), [(390, "en"), (390, "ko"), (1280, "en"), (1280, "ko")])
def test_the_three_pages(browser: Browser, shop: tuple[Scene, str], width: int, language: str) -> None:
    context, page, complaints = signed_in(browser, shop, width, language)
    page.goto("/app/rehearsal")
    assert page.locator("html").get_attribute("lang") == language
    seen(page, f"rehearsal-form-{width}-{language}")
    page.locator("#go").click()
    expect(page.locator("#sum")).to_have_text(words.text(language, "rehearsal.result"))
    expect(page.locator("canvas[data-drawn]")).to_have_count(1)
    seen(page, f"rehearsal-{width}-{language}")
    page.goto("/app/figures")
    expect(page.locator("canvas[data-drawn]")).to_have_count(2)
    page.locator("summary").click()
    seen(page, f"figures-{width}-{language}")
    page.goto("/app/data")
    seen(page, f"data-{width}-{language}")
    assert complaints == []
    context.close()


def test_the_import_is_tried_and_done_with_one_choice_of_the_file(browser: Browser, shop: tuple[Scene, str]) -> None:
    made, _ = shop
    context, page, complaints = signed_in(browser, shop, 390, "en")
    before = len(made.rows(Consent))
    page.goto("/app/data")
    text = b"email,state,at\nnew@mail.example,yes,2026-10-01\nnobody,yes,\nx@mail.example,maybe,\n"
    page.locator("#file").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": text})
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#import-result [role=status]")).to_contain_text("nothing was written")
    expect(page.locator(".lines li")).to_have_count(2)
    seen(page, "data-tried-390-en")
    assert len(made.rows(Consent)) == before
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#import-result [role=status]")).to_have_text("Imported.")
    assert len(made.rows(Consent)) == before + 1
    assert complaints == []
    context.close()


def test_downloads(browser: Browser, shop: tuple[Scene, str], tmp_path: Path) -> None:
    context, page, _ = signed_in(browser, shop, 1280, "en")
    for address, link, ending in (("/app/data", "Download everything", ".jsonl"), ("/app/figures", "CSV", ".csv")):
        page.goto(address)
        with page.expect_download() as waiting:
            page.get_by_role("link", name=link).click()
        waiting.value.save_as(tmp_path / f"file{ending}")
        assert waiting.value.suggested_filename.endswith(ending)
        assert (tmp_path / f"file{ending}").stat().st_size > 500
    context.close()


def test_without_javascript(browser: Browser, shop: tuple[Scene, str]) -> None:
    context, page, complaints = signed_in(browser, shop, 390, "en", script=False)
    page.goto("/app/rehearsal")
    page.locator("noscript button, button[name=whole]").first.click()
    assert page.locator("#sum").inner_text() == "What would happen"
    seen(page, "rehearsal-no-script")
    page.goto("/app/figures")
    assert not page.locator(".chart").first.is_visible()
    assert complaints == []
    context.close()


def test_the_rehearsal_by_keyboard(browser: Browser, shop: tuple[Scene, str]) -> None:
    context, page, _ = signed_in(browser, shop, 1280, "en")
    page.goto("/app/rehearsal")
    page.locator("input[name=survey_enabled]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.locator("#left-out")).to_be_visible()
    assert "The step is switched off" in page.locator("#result").inner_text()
    context.close()
