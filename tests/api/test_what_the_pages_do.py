"""Everything that a merchant's page does, a program can do: every form of the pages has its operation."""

from __future__ import annotations

from plugin.web import auth
from plugin.web.auth import Auth
from tests.api.conftest import Api

SETTINGS = "PUT /settings"
OF_PEOPLE = "only for somebody who sits before the page"
# A page's form -> the operations of the API that do the same, or why there is none.
OPERATIONS: dict[str, tuple[str, ...] | str] = {
    "merchant_account.language": OF_PEOPLE,
    "merchant_account.sign_out": OF_PEOPLE,
    "merchant_data.bring_in": ("POST /consents",),
    "merchant_data.go_on": ("POST /consents/imports/{import_id}",),
    "merchant_feedback.correct": ("PUT /feedback/{answer_id}/tags/{tag_id}",),
    "merchant_feedback.reply": ("POST /feedback/{answer_id}/replies",),
    "merchant_feedback_tags.add": ("POST /tags",),
    "merchant_feedback_tags.change": ("PUT /tags/{tag_id}",),
    "merchant_feedback_tags.start": ("POST /tags",),
    "merchant_experiments.save": (SETTINGS,),
    "merchant_figures.track_opens": (SETTINGS,),
    "merchant_home.tick": (SETTINGS,),
    "merchant_issues.adopt": ("POST /messages/{message_id}/issue",),
    "merchant_issues.answered": ("POST /issues/{issue_id}/answered",),
    "merchant_issues.close": ("POST /issues/{issue_id}/close",),
    "merchant_issues.reply": ("POST /issues/{issue_id}/replies",),
    "merchant_issues.save": ("PUT /desk/hours",),
    "merchant_issues.take": ("PUT /issues/{issue_id}/owner",),
    "merchant_keys.make": ("POST /keys",),
    "merchant_keys.revoke": ("DELETE /keys/{key_id}",),
    "merchant_live.begin": ("PUT /shop/live",),
    "merchant_live.stop": ("PUT /shop/live",),
    "merchant_mended.mark": ("POST /mendings",),
    "merchant_mended.undo": ("DELETE /mendings/{mending_id}",),
    "merchant_notices.again": ("POST /notices/again",),
    "merchant_offers.save": (SETTINGS,),
    "merchant_offers.switch": (SETTINGS,),
    "merchant_orders.lift": ("DELETE /orders/{order_id}/address-mark",),
    "merchant_sender.ask": ("POST /shop/sender/check",),
    "merchant_sender.look": ("POST /shop/sender/check",),
    "merchant_orders.do": ("POST /messages/{message_id}/acts",),
    "merchant_questions.change": ("PUT /survey/questions",),
    "merchant_rehearsal.part": ("POST /rehearsals",),
    "merchant_rehearsal.start": ("POST /rehearsals",),
    "merchant_reviews.judge": ("PUT /reviews/{review_id}",),
    "merchant_settings.save": ("POST /settings/preview", SETTINGS),
    "merchant_step.how_to": (SETTINGS,),
    "merchant_step.save": ("POST /settings/preview", SETTINGS),
    "merchant_step.switch": (SETTINGS,),
    "merchant_wording.act": (
        "PUT /steps/{step}/wording/{language}", "PUT /steps/{step}/wording/{language}/draft",
        "DELETE /steps/{step}/wording/{language}/draft", "POST /steps/{step}/wording/{language}/test",
    ),
    "merchant_wording.restore": ("PUT /steps/{step}/wording/{language}/draft",),
}  # fmt: skip


def forms(api: Api) -> set[str]:
    """The endpoints of all pages that a merchant sends something to."""
    app = api.client.application
    declared = auth.declared(app)
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or set()) and declared.get(rule.endpoint.partition(".")[0]) is Auth.MERCHANT
    }


def operations(api: Api) -> set[str]:
    paths = api.client.get("/api/v1/openapi.json").json["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
        if method != "parameters"
    }


def test_every_form_of_the_pages_has_its_operation(api: Api) -> None:
    assert forms(api) == set(OPERATIONS), "a new form needs an operation, or a reason why it has none"
    there = operations(api)
    for form, names in OPERATIONS.items():
        if not isinstance(names, str):
            assert set(names) <= there, form
