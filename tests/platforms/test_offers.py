"""What Shopify is asked for when an offer is made, and what its answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from plugin.platforms.shopify.admin import AdminClient
from plugin.platforms.shopify.errors import AccessDenied, Throttled, UserErrors
from plugin.platforms.shopify.offers import Ask, Made, NotOurs, make
from tests.services.fake_shopify import FakeShopify, data, failure

STARTS, ENDS = datetime(2026, 11, 28, 9, tzinfo=UTC), datetime(2026, 12, 28, 9, tzinfo=UTC)
CODE = "DS-7QK2M-XW4RT"
OK = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}


def ask(kind: str = "amount", **changes: Any) -> Ask:
    given: dict[str, Any] = {
        "kind": kind, "code": CODE, "minor": 500, "percent": None, "minimum_minor": 2500, "currency": "EUR",
        "customer_ref": "501", "starts_at": STARTS, "ends_at": ENDS,
    }  # fmt: skip
    return Ask(**(given | changes))


class Shop:
    def __init__(self) -> None:
        self.fake = FakeShopify()
        http = httpx.Client(transport=self.fake)
        self.client = AdminClient("haneul.myshopify.com", "2026-10", http, lambda spent=None: "shpat_1", patience=0)

    def answers(self, **documents: Any) -> Shop:
        self.fake.answers |= {name: replies if isinstance(replies, list) else [replies]
                              for name, replies in documents.items()}  # fmt: skip
        return self


def complaint(root: str, code: str, *field: str) -> dict[str, Any]:
    problem = {"field": list(field), "code": code, "message": "a sentence of Shopify's"}
    return data(**{root: {"codeDiscountNode": None, "userErrors": [problem]}})


def test_an_amount_is_personal_single_and_ends() -> None:
    shop = Shop().answers(DiscountCreate=data(discountCodeBasicCreate=OK))
    assert make(shop.client, ask()) == Made("gid://shopify/DiscountCodeNode/1", ENDS)
    (told,) = shop.fake.asked("DiscountCreate")
    assert told["discount"] == {
        "title": f"Dasi {CODE}: 5.00 EUR, from 25.00 EUR", "code": CODE, "startsAt": "2026-11-28T09:00:00Z",
        "endsAt": "2026-12-28T09:00:00Z", "usageLimit": 1, "appliesOncePerCustomer": True,
        "context": {"customers": {"add": ["gid://shopify/Customer/501"]}},
        "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "25.00"}},
        "customerGets": {"value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}},
                         "items": {"all": True}},
        "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": True},
    }  # fmt: skip


def test_a_percentage_is_a_fraction_and_nobody_known_is_everybody() -> None:
    told = ask("percentage", minor=None, percent=15, minimum_minor=None, customer_ref=None).discount()
    assert told["customerGets"]["value"] == {"percentage": 0.15}
    assert (told["context"], told["minimumRequirement"]) == ({"all": "ALL"}, None)


@pytest.mark.parametrize(("minor", "most"), [(None, None), (700, "7.00")])
def test_free_shipping(minor: int | None, most: str | None) -> None:
    shop = Shop().answers(FreeShippingCreate=data(discountCodeFreeShippingCreate=OK))
    make(shop.client, ask("free_shipping", minor=minor))
    told = shop.fake.asked("FreeShippingCreate")[0]["discount"]
    assert (told["destination"], told["maximumShippingPrice"]) == ({"all": True}, most)
    assert "customerGets" not in told


@pytest.mark.parametrize(
    ("currency", "minor", "amount"), [("KRW", 5000, "5000"), ("EUR", 5, "0.05"), ("KWD", 1500, "1.500")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, minor: int, amount: str) -> None:
    assert ask(currency=currency, minor=minor).money() == {"amount": amount, "currencyCode": currency}


def test_taken_is_success_when_the_code_is_ours_and_it_ends_when_it_was_made_to() -> None:
    mine = {"id": "gid://shopify/DiscountCodeNode/1", "codeDiscount": {"title": ask().title,
                                                                      "endsAt": "2026-12-27T08:00:00Z"}}  # fmt: skip
    taken = complaint("discountCodeBasicCreate", "TAKEN", "basicCodeDiscount", "code")
    shop = Shop().answers(DiscountCreate=taken, DiscountByCode=data(codeDiscountNodeByCode=mine))
    earlier = datetime(2026, 12, 27, 8, tzinfo=UTC)
    assert make(shop.client, ask()) == Made("gid://shopify/DiscountCodeNode/1", earlier)
    assert shop.fake.asked("DiscountByCode") == [{"code": CODE}]


@pytest.mark.parametrize("found", [None, {"id": "x", "codeDiscount": {"title": "Ten off"}}, {"id": "x"}])
def test_taken_by_another_is_refused(found: Any) -> None:
    taken = complaint("discountCodeBasicCreate", "TAKEN", "basicCodeDiscount", "code")
    shop = Shop().answers(DiscountCreate=taken, DiscountByCode=data(codeDiscountNodeByCode=found))
    with pytest.raises(NotOurs):
        make(shop.client, ask())


def test_another_complaint_is_no_success() -> None:
    wrong = complaint("discountCodeBasicCreate", "END_DATE_BEFORE_START_DATE", "basicCodeDiscount", "endsAt")
    shop = Shop().answers(DiscountCreate=wrong)
    with pytest.raises(UserErrors):
        make(shop.client, ask())


def test_store_credit_and_gift_card() -> None:
    card = {"giftCard": {"id": "gid://shopify/GiftCard/1"}, "userErrors": []}
    credit = {"storeCreditAccountTransaction": {"id": "gid://shopify/T/1"}, "userErrors": []}
    shop = Shop().answers(GiftCardCreate=data(giftCardCreate=card))
    shop.answers(StoreCreditGive=data(storeCreditAccountCredit=credit))
    assert make(shop.client, ask("gift_card", code="DS7QK2MXW4RT34")).platform_id == "gid://shopify/GiftCard/1"
    assert make(shop.client, ask("store_credit", code=None)).platform_id == "gid://shopify/T/1"
    assert shop.fake.asked("GiftCardCreate")[0]["input"] == {
        "code": "DS7QK2MXW4RT34", "initialAmount": {"amount": "5.00", "currencyCode": "EUR"}, "expiresOn": "2026-12-28",
        "customerId": "gid://shopify/Customer/501", "note": "Dasi DS7QK2MXW4RT34",
    }  # fmt: skip
    assert shop.fake.asked("StoreCreditGive")[0] == {
        "id": "gid://shopify/Customer/501",
        "credit": {"creditAmount": {"amount": "5.00", "currencyCode": "EUR"}, "expiresAt": "2026-12-28T09:00:00Z",
                   "notify": False},
    }  # fmt: skip


def test_a_gift_card_of_this_code_is_the_one_we_asked_for_before() -> None:
    taken = {"giftCard": None, "userErrors": [{"field": ["input", "code"], "code": "TAKEN", "message": "taken"}]}
    shop = Shop().answers(GiftCardCreate=data(giftCardCreate=taken))
    assert make(shop.client, ask("gift_card", code="DS7QK2MXW4RT34")) == Made(None, ENDS)


@pytest.mark.parametrize(("code", "error"), [("THROTTLED", Throttled), ("ACCESS_DENIED", AccessDenied)])
def test_trouble_is_told_apart(code: str, error: type[Exception]) -> None:
    shop = Shop().answers(DiscountCreate=failure(code))
    with pytest.raises(error):
        make(shop.client, ask())


def test_what_is_asked_is_json() -> None:
    json.dumps([ask().discount(), ask("free_shipping", minor=None).discount()])
