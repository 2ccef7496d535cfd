"""The customer's pages in a real browser with JavaScript off, on a phone's width, in both languages."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from plugin.services.context import Context
from plugin.store.models.customers import ArrivalAnswer, Consent, Issue, SurveyAnswer
from plugin.web import texts
from tests.web.scenes import Scene, scene

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture(params=["en", "ko"])
def order(request: pytest.FixtureRequest, sqlite_context: Context) -> Iterator[tuple[Scene, str, str]]:
    """(the scene, its language, where it is served)"""
    made = scene(sqlite_context, "ko-KR" if request.param == "ko" else "en")
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made, request.param, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def fits(page: Page) -> None:
    """No sideways scrolling, and every target is large enough for a thumb."""
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    for target in page.locator("main button, main .button, main .row span, main .step span, main textarea").all():
        size = target.bounding_box()
        assert size is not None
        assert size["x"] + size["width"] <= 390
        assert size["height"] >= 44


def test_unsubscribe(order: tuple[Scene, str, str], page: Page):
    tea, language, base = order
    page.goto(base + tea.url("u"))
    assert page.locator("html").get_attribute("lang") == language
    assert heading(page) == texts.text(language, "unsubscribe_ask")
    fits(page)
    assert tea.rows(Consent) == []
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "unsubscribe_done")
    fits(page)
    assert tea.rows(Consent)[0].opted_out_at
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "resubscribe_done")
    assert tea.rows(Consent)[0].subscribed_at


def test_survey(order: tuple[Scene, str, str], page: Page):
    tea, language, base = order
    page.goto(base + tea.url("s") + "?score=4")
    assert heading(page) == texts.text(language, "survey_ask")
    assert page.locator("input[name=satisfaction][value='4']").is_checked()
    fits(page)
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "survey_saved")
    assert [(a.satisfaction, a.completed_at) for a in tea.rows(SurveyAnswer)] == [(4, None)]
    fits(page)
    page.get_by_role("radio", name="9", exact=True).check(force=True)
    page.locator("textarea").fill("Lovely tea 좋아요")
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "survey_done")
    answer = tea.rows(SurveyAnswer)[0]
    assert (answer.satisfaction, answer.recommendation, answer.words) == (4, 9, "Lovely tea 좋아요")
    page.goto(base + tea.url("s") + "?score=1")
    assert heading(page) == texts.text(language, "survey_done_before")


def test_survey_by_keyboard(order: tuple[Scene, str, str], page: Page):
    tea, language, base = order
    page.goto(base + tea.url("s"))
    page.locator("input[name=satisfaction]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("ok")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/s/*?")
    assert heading(page) == texts.text(language, "survey_done")
    answer = tea.rows(SurveyAnswer)[0]
    assert (answer.satisfaction, answer.recommendation, answer.words) == (4, 1, "ok")


def test_arrival(order: tuple[Scene, str, str], page: Page):
    tea, language, base = order
    page.goto(base + tea.url("d") + "?answer=not_yet")
    assert heading(page) == texts.text(language, "arrival_ask")
    assert page.locator("input[value=not_yet]").is_checked()
    fits(page)
    page.locator("textarea").fill("I asked the neighbours")
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "not_yet_title")
    fits(page)
    assert [(issue.words, issue.closed_at) for issue in tea.rows(Issue)] == [("I asked the neighbours", None)]
    page.locator("main button").click()
    assert heading(page) == texts.text(language, "arrived_title")
    assert [row.answer for row in tea.rows(ArrivalAnswer)] == ["not_yet", "yes"]
    assert tea.rows(Issue)[0].outcome == "arrived"


def test_an_unknown_link(order: tuple[Scene, str, str], browser: Browser):
    _, language, base = order
    context = browser.new_context(java_script_enabled=False, locale="ko-KR" if language == "ko" else "en-GB")
    page = context.new_page()
    answer = page.goto(base + "/s/nonsense")
    assert answer is not None
    assert answer.status == 404
    assert heading(page) == texts.text(language, "error_404")
    context.close()


def test_the_pages_ask_for_nothing_they_may_not_have(order: tuple[Scene, str, str], page: Page):
    """The browser's own complaints about the content security policy, and every file found."""
    tea, _, base = order
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("response", lambda got: complaints.append(got.url) if got.status >= 400 else None)
    for name in "usd":
        page.goto(base + tea.url(name))
    assert complaints == []
