"""The merchant decides on reviews, on the page and by the API; the customer gives the leave and takes it back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.reviews import Review, ReviewShown
from tests.web.merchant.test_pages import post
from tests.web.scenes import Scene, add_order

EVIL = "Good <script>alert(1)</script>"


@pytest.fixture
def told(tea: Scene) -> Scene:
    """A good answer whose customer agreed on the survey page."""
    customer = tea.app.test_client()
    customer.post(tea.url("s"), data={"satisfaction": "5", "recommendation": "9", "words": EVIL})
    customer.post(tea.url("s"), data={"leave": "yes", "agree": "yes"})
    return tea


def judge(client: FlaskClient, tea: Scene, decision: str, **form: Any) -> Any:
    version = re.search(r'name="version" value="(\w+)"', client.get("/app/reviews").text)
    review = tea.rows(Review)[0]
    return post(client, f"/app/reviews/{review.id}", **{
        "version": version.group(1) if version else "", "decision": decision, "product": "7001", **form,
    })  # fmt: skip


def test_the_box_is_offered_only_for_something_good_and_is_not_ticked(tea: Scene):
    customer = tea.app.test_client()
    page = customer.get(tea.url("s")).text
    assert 'name="agree"' not in page
    page = customer.post(tea.url("s"), data={"satisfaction": "3", "recommendation": "9", "words": "Hm"}).text
    assert 'name="agree"' not in page
    page = customer.post(tea.url("s"), data={"satisfaction": "4"}).text
    assert '<input type="checkbox" name="agree" value="yes">' in page


def test_the_button_without_the_tick_is_no_leave(tea: Scene):
    customer = tea.app.test_client()
    customer.post(tea.url("s"), data={"satisfaction": "5", "recommendation": "9", "words": "Good"})
    answer = customer.post(tea.url("s"), data={"leave": "yes"})
    assert answer.status_code == 422
    assert tea.rows(Review) == []
    assert tea.rows(SurveyAnswer)[0].leave_at is None


def test_the_leave_is_given_and_taken_back_on_the_same_page(told: Scene):
    customer = told.app.test_client()
    answer = told.rows(SurveyAnswer)[0]
    assert answer.leave_words.startswith("Haneul Tea may show my answer")
    page = customer.get(told.url("s")).text
    assert "No longer show my words" in page
    page = customer.post(told.url("s"), data={"leave": "no"}).text
    assert "no longer shown" in page
    assert told.rows(Review) == []


def test_leave_for_nothing_shows_the_survey(tea: Scene):
    customer = tea.app.test_client()
    for form in ({"leave": "yes", "agree": "yes"}, {"leave": "no"}, {"leave": "yes"}):
        assert 'name="satisfaction"' in customer.post(tea.url("s"), data=form).text
    assert tea.rows(SurveyAnswer) == []


def test_a_review_is_read_and_approved(told: Scene, signed_in: FlaskClient):
    page = signed_in.get("/app/reviews").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert 'value="7001" checked' in page
    assert judge(signed_in, told, "approved").headers["Location"].endswith("said=approved")
    assert [one.product_id for one in told.rows(ReviewShown)] == ["7001"]
    assert "approved by" in signed_in.get("/app/reviews?show=approved").text
    assert "A review was approved" in signed_in.get("/app/changes").text
    judge(signed_in, told, "rejected", version=_version(told))
    assert told.rows(ReviewShown) == []


def test_what_is_not_decided(told: Scene, signed_in: FlaskClient):
    assert judge(signed_in, told, "approved", product="999").headers["Location"].endswith("said=products")
    assert judge(signed_in, told, "approved", version="other").headers["Location"].endswith("said=other_words")
    assert judge(signed_in, told, "perhaps").status_code == 422
    assert post(signed_in, "/app/reviews/999", decision="approved", version="x", product="7001").status_code == 404
    assert told.rows(Review)[0].state == "pending"


def test_the_list_comes_in_pages(told: Scene, signed_in: FlaskClient):
    with told.ctx.database.transaction() as session:
        from plugin.store.models.shops import Shop

        shop = session.get_one(Shop, told.shop_id)
        for number in range(2001, 2061):
            order_id = add_order(session, told.ctx, shop, None, str(number)).order_id
            now = told.ctx.clock.now()
            answer = SurveyAnswer(shop_id=shop.id, order_id=order_id, satisfaction=5, words="w", started_at=now)
            session.add(answer)
            session.flush()
            session.add(Review(shop_id=shop.id, order_id=order_id, answer_id=answer.id, products=["7001"], stars=5,
                               words="w", language="en", given_at=now, state="pending"))  # fmt: skip
    page = signed_in.get("/app/reviews").text
    assert page.count("<blockquote>") == 50
    after = re.search(r"after=([\w-]+)", page)
    assert after
    assert signed_in.get(f"/app/reviews?after={after.group(1)}").text.count("<blockquote>") == 11


def _version(tea: Scene) -> str:
    from plugin.services.reviews import version_of

    return version_of(tea.rows(Review)[0])
