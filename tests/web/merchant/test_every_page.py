"""Every page of the merchant's in a real browser: accessible, without sideways scrolling, and quiet in the console."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import make_server

from plugin.services import answers, logins, mendings, tagging
from plugin.services.context import Context
from plugin.web import auth
from plugin.web.auth import Auth
from tests.support.chromium import sign_in
from tests.web.scenes import scene

pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)
SAMPLE = {"step": "survey", "language": "en", "order_id": 1, "message_id": 1, "answer_id": 1, "mending_id": 1}
# What is no page of its own: a frame's or a fragment's content, a download, a redirect.
NO_PAGE = ("seen", "content", "export", "csv", "part", "preview", "panel", "progress", "login", "sync")


@dataclass
class Signed:
    """A browser that is signed in, and the pages there are."""

    context: BrowserContext
    base: str
    paths: list[str]


@pytest.fixture(params=["en", "ko"])
def signed(request: pytest.FixtureRequest, browser: Browser, sqlite_context: Context) -> Iterator[Signed]:
    tea = scene(sqlite_context)
    answers.save_survey(tea.ctx, tea.message_id, 4, 9, "Two weeks late, and the box was crushed.")
    with tea.ctx.database.reading() as session:
        tag = tagging.tags_of(session, tea.shop_id)[0].id
    mendings.mark_mended(tea.ctx, tea.shop_id, tag, "Parcels leave at once now.", "", "the owner", 0)
    with tea.ctx.database.transaction() as session:
        link = f"/login/{logins.make_link(session, tea.shop_id, 'command')}"
    server = make_server("127.0.0.1", 0, tea.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    locale = "ko-KR" if request.param == "ko" else "en-GB"
    context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sign_in(page, base + link)
    new = f"/app/feedback/mended/new?tag={tag}&en=Parcels+leave+at+once+now."
    yield Signed(context, base, [*_paths(tea.app), new])
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()


def _paths(app) -> Iterator[str]:
    """Every page that a merchant can open by its address."""
    declared = auth.declared(app)
    urls = app.url_map.bind("127.0.0.1")
    for rule in app.url_map.iter_rules():
        mine = declared.get(rule.endpoint.partition(".")[0]) is Auth.MERCHANT and "GET" in (rule.methods or set())
        if mine and not any(part in rule.rule for part in NO_PAGE) and rule.arguments <= set(SAMPLE):
            yield urls.build(rule.endpoint, {name: SAMPLE[name] for name in rule.arguments})


def test_every_page_can_be_used_by_everyone(signed: Signed):
    assert "/app" in signed.paths
    axe, troubles = Axe(), []
    page = signed.context.new_page()
    page.on("console", lambda line: troubles.append(f"{page.url}: {line.text}") if line.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
    for path in signed.paths:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(signed.base + path)
            if answer is None or answer.status == 404 or "html" not in (answer.headers.get("content-type") or ""):
                continue
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                troubles.append(f"{path} at {width}: scrolls sideways")
        for found in axe.run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                places = ", ".join(str(node["target"]) for node in found["nodes"][:3])
                troubles.append(f"{path}: {found['id']} ({found['help']}) at {places}")
    assert not troubles, "\n".join(troubles)
