"""The survey's page once it is completed: the code that was promised, or when it comes; nothing where none was."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from plugin.services import shop_tokens
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import FakeShopify, failure
from tests.services.offer_scene import MADE, complaint
from tests.web.scenes import Scene

FORM = {"satisfaction": "5", "recommendation": "9", "words": ""}


def promised(tea: Scene, *answers: Any) -> FakeShopify:
    """The survey went out with a promise; what Shopify answers when it is to be kept."""
    shopify = FakeShopify().attach(tea.ctx)
    with tea.ctx.database.transaction() as session:
        session.query(Shop).update({"currency": "EUR", "storefront": "haneul.example"})
        session.query(Message).update({"state": "sent", "message_class": "marketing", "sent_at": tea.ctx.clock.now()})
        message = session.query(Message).one()
        session.add(Offer(
            shop_id=tea.shop_id, order_id=tea.order_id, purpose=f"survey_reward:{message.subject}", state="promised",
            tier="survey_reward", kind="amount", minor=500, minimum_minor=2500, currency="EUR", days=30,
            code="DS-7QK3M-XW4RT", asked_at=tea.ctx.clock.now(),
        ))  # fmt: skip
    shop_tokens.exchange(tea.ctx, tea.shop_id, "a.session.token")
    shopify.answers["DiscountCreate"] = list(answers)
    return shopify


def test_the_code_is_shown_at_once_and_stays(tea: Scene, client: FlaskClient):
    shopify = promised(tea, MADE)
    text = client.post(tea.url("s"), data=FORM).text
    assert "€5.00 off your next order" in text
    assert "<code>DS-7QK3M-XW4RT</code>" in text
    assert "For an order of €25.00 or more." in text
    assert 'href="https://haneul.example/discount/DS-7QK3M-XW4RT"' in text
    assert "<code>DS-7QK3M-XW4RT</code>" in client.get(tea.url("s")).text
    assert len(shopify.asked("DiscountCreate")) == 1


@pytest.mark.parametrize("trouble", [failure("THROTTLED"), httpx.Response(503), httpx.ReadTimeout("late")])
def test_a_platform_that_is_late_does_not_keep_the_page(tea: Scene, client: FlaskClient, trouble: Any):
    shopify = promised(tea, trouble, MADE)
    answer = client.post(tea.url("s"), data=FORM)
    assert answer.status_code == 200
    assert "Your code comes by email in a little while." in answer.text
    assert "<code>" not in answer.text
    client.get(tea.url("s"))  # looking asks for nothing
    assert len(shopify.asked("DiscountCreate")) == 1


def test_a_refusal_is_told_honestly(tea: Scene, client: FlaskClient):
    promised(tea, complaint("discountCodeBasicCreate", "MAX_APP_DISCOUNTS"))
    text = client.post(tea.url("s"), data=FORM).text
    assert "Something went wrong with your code." in text
    assert "MAX_APP_DISCOUNTS" not in text


def test_half_an_answer_brings_nothing_yet(tea: Scene, client: FlaskClient):
    shopify = promised(tea, MADE)
    client.post(tea.url("s"), data={"satisfaction": "5", "words": ""})
    assert shopify.calls == []
    assert tea.rows(Offer)[0].state == "promised"


def test_without_a_promise_the_page_says_nothing_of_codes(tea: Scene, client: FlaskClient):
    text = client.post(tea.url("s"), data=FORM).text
    assert not re.search("code|reward", text.split("<main", 1)[-1].split("</main", 1)[0])
