"""Every page of the merchant's and the states it can be in: where it is, and what is done there before it is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.looks.shop import BUSY, FIGURES, NEW

Act = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class View:
    """`path` may name an order (`{order:1003}`) or an issue (`{issue:low_rating}`). `signed_in`: False, for anyone."""

    name: str
    path: str
    shop: str = BUSY
    act: Act | None = None
    signed_in: bool = True


def pressed(selector: str, **filled: str) -> Act:
    """Fill fields by their id (`_` stands for a hyphen, `__` for itself), then press what the selector names."""

    def act(page: Page) -> None:
        for id_, value in filled.items():
            page.locator(f"#{id_.replace('__', ' ').replace('_', '-').replace(' ', '_')}").fill(value)
        page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")

    return act


def opened(page: Page) -> None:
    """Everything that folds, unfolded."""
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true })")
    page.wait_for_load_state("networkidle")


def rehearsed(page: Page) -> None:
    page.locator("#go").click()
    expect(page.locator("canvas[data-drawn]").first).to_be_visible(timeout=30_000)


def drawn(page: Page) -> None:
    expect(page.locator("canvas[data-drawn]").first).to_be_visible()
    opened(page)


def brought(text: str, act: str) -> Act:
    def bring(page: Page) -> None:
        file = {"name": "consents.csv", "mimeType": "text/csv", "buffer": text.encode()}
        page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
        page.locator(f"button[value={act}]").click()
        page.locator("#import-result .banner").wait_for()

    return bring


def miswritten(page: Page) -> None:
    page.locator("#subject").fill("{{ first_nam }} – thanks")
    page.locator("#intro").fill("One line.\n{% for title in titles %}\n{{ title }}\n{% endfo %}\n")
    page.locator("button[name=wish][value=save]").click()
    page.wait_for_load_state("networkidle")


GOOD_CSV = "email,state,at,source\nminji.kim@example.kr,subscribed,2026-11-01T10:00:00Z,stand at the fair\n"
BAD_CSV = (
    "email,state,at,source\nminji.kim@example.kr,subscribed,2026-11-01T10:00:00Z,fair\nnobody,subscribed,,\n"
    "seoyeon@example.kr,maybe,2026-11-01T10:00:00Z,\njane.doe@example.com,unsubscribed,yesterday,\n"
)
STEPS = ("thank_you", "shipped", "delivered", "survey", "cross_sell", "cross_sell_follow_up")

VIEWS = (
    View("home", "/app"),
    View("home-new", "/app", NEW, opened),
    View("home-figures", "/app", FIGURES),
    View("live-new", "/app/live", NEW),
    View("live", "/app/live"),
    *(View(f"step-{step}", f"/app/steps/{step}") for step in STEPS),
    View("step-new", "/app/steps/delivered", NEW),
    View("step-wrong", "/app/steps/survey", act=pressed("form .primary", delay="99999")),
    View("step-outside-advice", "/app/steps/survey", FIGURES, pressed("form .primary", delay="12")),
    View("step-confirm", "/app/steps/survey", act=pressed("form .primary", delay="5")),
    View("step-confirm-off", "/app", act=pressed(".flow-step:nth-child(5) button[role=switch]")),
    View("wording-en", "/app/steps/thank_you/wording/en"),
    View("wording-ko", "/app/steps/thank_you/wording/ko"),
    View("wording-wrong", "/app/steps/survey/wording/en", act=miswritten),
    View("wording-new", "/app/steps/survey/wording/ko", NEW),
    View("notices", "/app/notices"),
    View("notices-none", "/app/notices", NEW),
    View("settings", "/app/settings"),
    View("settings-new", "/app/settings", NEW),
    View("settings-wrong", "/app/settings", NEW, pressed(".save-bar button", support_email="nobody",
                                                         brand_logo_url="ftp://x")),
    View("sender", "/app/settings/sender"),
    View("sender-new", "/app/settings/sender", NEW),
    View("sender-asked", "/app/settings/sender", act=pressed("form[action$=ask] button")),
    View("sender-link-over", "/sender/nothing", signed_in=False),
    View("changes", "/app/changes"),
    View("changes-new", "/app/changes", NEW),
    View("orders", "/app/orders"),
    View("orders-search", f"/app/orders?q={quote('김')}"),
    View("orders-nothing", "/app/orders?q=nobody"),
    View("orders-new", "/app/orders", NEW),
    View("orders-figures", "/app/orders", FIGURES),
    View("order-long", "/app/orders/{order:1003}", act=opened),
    View("order-korean", "/app/orders/{order:1011}"),
    View("order-missing", "/app/orders/{order:1012}"),
    View("order-cancelled", "/app/orders/{order:1016}"),
    View("order-test", "/app/orders/{order:1017}"),
    View("order-no-address", "/app/orders/{order:1020}"),
    View("order-acted", "/app/orders/{order:1015}", act=pressed("button[value=cancel]")),
    *(View(f"messages-{state}", f"/app/messages?state={state}")
      for state in ("planned", "waiting", "held", "sent", "failed", "cancelled", "withheld")),
    View("messages-new", "/app/messages", NEW),
    View("issues", "/app/issues"),
    View("issues-closed", "/app/issues?show=closed"),
    View("issues-failed", "/app/issues?show=failed"),
    View("issues-new", "/app/issues", NEW),
    View("issue-missing", "/app/issues/{issue:not_arrived}"),
    View("issue-low", "/app/issues/{issue:low_rating}"),
    View("issue-closed", "/app/issues/{issue:closed}", act=opened),
    View("issue-replied", "/app/issues/{issue:not_arrived}", act=pressed(".primary", reply="찾고 있습니다.")),
    View("feedback", "/app/feedback"),
    View("feedback-new", "/app/feedback", NEW),
    View("feedback-answer", "/app/feedback/{answer:1006}", act=opened),
    View("feedback-scores", "/app/feedback/scores"),
    View("feedback-scores-new", "/app/feedback/scores", NEW),
    View("feedback-tags", "/app/feedback/tags"),
    View("mended", "/app/feedback/mended"),
    View("mended-new", "/app/feedback/mended", act=pressed("main form button.primary")),
    View("offers", "/app/offers"),
    View("offers-rules", "/app/offers/rules"),
    View("reviews", "/app/reviews"),
    View("reviews-new", "/app/reviews", NEW),
    View("questions", "/app/steps/survey/questions"),
    View("questions-added", "/app/steps/survey/questions", act=pressed("button[value=add]")),
    View("settings-confirm", "/app/settings", act=pressed(".save-bar button", delivery_days="12")),
    View("hours", "/app/issues/hours"),
    View("hours-new", "/app/issues/hours", NEW),
    View("rehearsal", "/app/rehearsal", FIGURES),
    View("rehearsal-result", "/app/rehearsal", FIGURES, rehearsed),
    View("rehearsal-busy", "/app/rehearsal", BUSY, rehearsed),
    View("rehearsal-new", "/app/rehearsal", NEW, pressed("#go")),
    View("figures", "/app/figures", FIGURES, drawn),
    View("figures-90", "/app/figures?period=90", FIGURES),
    View("figures-busy", "/app/figures"),
    View("figures-new", "/app/figures", NEW),
    View("experiments-new", "/app/experiments", NEW),
    View("experiments-confirm", "/app/experiments", act=pressed("form:has(#p-cross_sell) button", p_cross__sell="10")),
    View("experiments", "/app/experiments", act=pressed("form:has(#p-survey) button", p_survey="5")),
    View("data", "/app/data"),
    View("data-tried", "/app/data", act=brought(BAD_CSV, "try")),
    View("data-imported", "/app/data", act=brought(GOOD_CSV, "import")),
    View("data-refused", "/app/data", act=brought("just,words\n1,2\n", "try")),
    View("keys", "/app/settings/keys"),
    View("keys-new", "/app/settings/keys", NEW),
    View("key-made", "/app/settings/keys", NEW, pressed("form .primary", name="Accounting")),
    View("login", "/login", signed_in=False),
    View("login-wrong", "/login", act=pressed("main button", shop="!!"), signed_in=False),
    View("login-asked", "/login", act=pressed("main button", shop="haneul"), signed_in=False),
    View("login-link", "{link}", signed_in=False),
    View("login-link-over", "/login/nothing", signed_in=False),
    View("not-found", "/app/nothing"),
    View("order-not-found", "/app/orders/999999"),
    View("nothing-signed-out", "/app/nothing", signed_in=False),
)  # fmt: skip
