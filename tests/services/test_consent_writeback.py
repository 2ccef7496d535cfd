"""An opt-out on our own page reaches the platform, whatever happens on the way, and its echo changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from plugin.services import answers
from plugin.services.context import Context
from plugin.services.errands import CONSENTS
from plugin.store.models.customers import Consent
from plugin.store.models.messages import Message
from plugin.store.models.platform import ConsentWriteback
from tests.services.fake_shopify import connection, data, failure
from tests.services.shop_scene import ShopScene
from tests.services.world import EMAIL, World, consent, customer, iso, order

UPDATED = {"customerEmailMarketingConsentUpdate": {"customer": {"id": "gid://shopify/Customer/501"}, "userErrors": []}}


def person(state: str = "SUBSCRIBED", at: datetime | None = None, mail: str = EMAIL, number: int = 501) -> Any:
    return {"id": f"gid://shopify/Customer/{number}", "firstName": "Jane", "lastName": "Doe", "locale": "en",
            "updatedAt": "2026-11-01T00:00:00Z", "defaultPhoneNumber": None,
            "defaultEmailAddress": {"emailAddress": mail, "marketingState": state,
                                    "marketingUpdatedAt": iso(at) if at else None}}  # fmt: skip


@pytest.fixture
def scene(context: Context) -> Iterator[ShopScene]:
    world = World(context)
    world.hook("orders/create", order(world.now, 1001, customer=customer(501)))
    scene = ShopScene(world)
    scene.synchronised()
    scene.shopify.answers |= {"CustomerById": [data(customer=person())], "ConsentUpdate": [data(**UPDATED)]}
    world.later(hours=2)
    yield scene
    context.shopify.close()


def leave(scene: ShopScene) -> datetime:
    """The customer opts out on our page; the moment."""
    message = scene.world.rows(Message)[0]
    answers.unsubscribe(scene.ctx, message.id)
    return scene.world.now


def told(scene: ShopScene) -> list[dict[str, Any]]:
    return [asked["input"] for asked in scene.shopify.asked("ConsentUpdate")]


def waiting(scene: ShopScene) -> list[ConsentWriteback]:
    return list(scene.world.rows(ConsentWriteback))


def test_an_opt_out_is_written_back(scene: ShopScene) -> None:
    leave(scene)
    scene.work()
    assert told(scene) == [{
        "customerId": "gid://shopify/Customer/501",
        "emailMarketingConsent": {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2026-11-02T11:00:00Z"},
    }]  # fmt: skip
    assert waiting(scene) == []


def test_so_is_its_taking_back(scene: ShopScene) -> None:
    leave(scene)
    scene.work()
    scene.world.later(minutes=5)
    answers.subscribe_again(scene.ctx, scene.world.rows(Message)[0].id)
    known = person("UNSUBSCRIBED", scene.world.now - timedelta(minutes=5))
    scene.shopify.answers["CustomerById"] = [data(customer=known)]
    scene.work()
    assert told(scene)[1]["emailMarketingConsent"] == {
        "marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN",
        "consentUpdatedAt": "2026-11-02T11:05:00Z",
    }  # fmt: skip
    assert waiting(scene) == []


def test_two_words_before_the_first_was_told_are_one(scene: ShopScene) -> None:
    leave(scene)
    scene.world.later(minutes=5)
    answers.subscribe_again(scene.ctx, scene.world.rows(Message)[0].id)
    assert [row.word for row in waiting(scene)] == ["subscribed"]
    scene.work()
    assert told(scene) == [], "the platform has it as subscribed already"
    assert waiting(scene) == []


def test_the_echo_of_our_own_write_changes_nothing(scene: ShopScene) -> None:
    at = leave(scene)
    scene.work()
    before = scene.world.row(Consent)
    planned = [(m.step, m.state, m.reason) for m in scene.world.rows(Message)]
    scene.world.later(seconds=3)
    scene.world.hook("customers_email_marketing_consent/update", consent(at, "unsubscribed"))
    after = scene.world.row(Consent)
    assert (after.opted_out_at, after.subscribed_at) == (before.opted_out_at, before.subscribed_at)
    assert [(m.step, m.state, m.reason) for m in scene.world.rows(Message)] == planned
    scene.work()
    assert len(told(scene)) == 1
    # And what the customer says to the shop itself after that, counts.
    scene.world.later(hours=1)
    scene.world.hook("customers_email_marketing_consent/update", consent(scene.world.now))
    assert scene.world.row(Consent).subscribed_at == scene.world.now


def test_what_the_platform_has_already_is_not_told_again(scene: ShopScene) -> None:
    leave(scene)
    scene.shopify.answers["CustomerById"] = [data(customer=person("UNSUBSCRIBED"))]
    scene.work()
    assert told(scene) == []
    assert waiting(scene) == []


def test_a_newer_word_of_the_platform_is_not_overwritten_but_learned(scene: ShopScene) -> None:
    leave(scene)
    scene.world.later(hours=1)
    scene.shopify.answers["CustomerById"] = [data(customer=person("SUBSCRIBED", scene.world.now))]
    scene.work()
    assert told(scene) == []
    assert waiting(scene) == []
    assert scene.world.row(Consent).subscribed_at == scene.world.now


def test_whoever_has_the_address_is_found_by_it(scene: ShopScene) -> None:
    """The order's customer has another address by now, or there was none."""
    leave(scene)
    scene.shopify.answers["CustomerById"] = [data(customer=person(mail="new@example.com"))]
    others = [person(mail="jane.doe@example.com.au", number=7), person(mail=EMAIL.title(), number=8)]
    scene.shopify.answers["CustomersPage"] = [data(customers=connection(*others))]
    scene.work()
    (asked,) = scene.shopify.asked("CustomersPage")
    assert asked["query"] == f'email:"{EMAIL}"'
    assert [one["customerId"] for one in told(scene)] == ["gid://shopify/Customer/8"]


def test_nobody_to_tell_it_of_settles_it(scene: ShopScene) -> None:
    leave(scene)
    scene.shopify.answers["CustomerById"] = [data(customer=None)]
    scene.work()
    assert told(scene) == []
    assert waiting(scene) == []


@pytest.mark.parametrize(
    "trouble", [httpx.Response(503), httpx.ReadTimeout("x"), failure("THROTTLED"), httpx.Response(429)]
)
def test_nothing_is_lost_while_the_platform_is_away(scene: ShopScene, trouble: Any) -> None:
    leave(scene)
    scene.shopify.answers["ConsentUpdate"] = [trouble, data(**UPDATED)]
    scene.work()
    assert len(waiting(scene)) == 1
    row = scene.errand(CONSENTS)
    assert row is not None
    assert row.next_at is not None
    assert row.next_at > datetime.now(UTC)
    scene.due(CONSENTS)
    scene.work()
    assert len(told(scene)) == 2
    assert waiting(scene) == []


def test_a_missing_permission_is_waited_for(scene: ShopScene) -> None:
    leave(scene)
    scene.shopify.answers["ConsentUpdate"] = [failure("ACCESS_DENIED"), data(**UPDATED)]
    scene.work()
    (row,) = waiting(scene)
    assert row.next_at is not None
    assert row.next_at - datetime.now(UTC) > timedelta(hours=5)
    assert row.reason is not None
    assert "permission" in row.reason
    scene.world.hook("app/scopes_update", {"id": 1, "current": ["write_customers"], "updated_at": iso(scene.world.now)})
    scene.work()
    assert len(told(scene)) == 2
    assert waiting(scene) == []


def test_a_refusal_is_kept_with_its_reason_and_holds_up_no_other(scene: ShopScene) -> None:
    scene.world.hook("orders/create", order(scene.world.now, 1002, customer=customer(502, email="two@example.com"),
                                            email="two@example.com"))  # fmt: skip
    leave(scene)
    other = next(m for m in scene.world.rows(Message) if m.subject == "1002")
    scene.world.later(minutes=1)
    answers.unsubscribe(scene.ctx, other.id)
    people = {"gid://shopify/Customer/501": person(), "gid://shopify/Customer/502": person(mail="two@example.com",
                                                                                           number=502)}  # fmt: skip
    wrong = {"field": ["input"], "message": "jane.doe@example.com is not valid", "code": "INVALID"}
    refused = {"customerEmailMarketingConsentUpdate": {"customer": None, "userErrors": [wrong]}}
    scene.shopify.answers |= {
        "CustomerById": [lambda variables: data(customer=people[variables["id"]])],
        "ConsentUpdate": [data(**refused), data(**UPDATED)],
    }  # fmt: skip
    scene.work()
    assert len(told(scene)) == 2
    (row,) = waiting(scene)
    assert (row.next_at, row.reason) == (None, "Shopify refused it: input: INVALID")


def test_without_a_token_it_waits_for_one(context: Context) -> None:
    world = World(context)
    world.hook("orders/create", order(world.now, 1001))
    answers.unsubscribe(context, world.rows(Message)[0].id)
    scene = ShopScene(world)  # only now the merchant opens the app
    scene.shopify.answers |= {"CustomerById": [data(customer=person())], "ConsentUpdate": [data(**UPDATED)]}
    assert len(waiting(scene)) == 1
    scene.work()
    assert len(told(scene)) == 1
    assert waiting(scene) == []
    context.shopify.close()


def test_an_erased_customers_word_is_forgotten(scene: ShopScene) -> None:
    leave(scene)
    scene.world.hook("customers/redact", {"shop_id": 1, "shop_domain": scene.world.domain, "orders_to_redact": [1001],
                                          "customer": {"id": 501, "email": EMAIL, "phone": None}})  # fmt: skip
    assert waiting(scene) == []
    scene.work()
    assert told(scene) == []
