"""Discount codes, gift cards and store credit in Shopify's current form (2026-10).

A code is chosen by us and always the same for the same purpose, so asking again after a lost answer makes no second
one: "taken" is success, once the code is seen to be ours. Store credit has no such name: never ask for it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plugin.platforms.shopify.admin import AdminClient
from plugin.platforms.shopify.errors import UserErrors
from schemas.fields import moment_of
from schemas.money import exponent
from schemas.offers import AMOUNT, FREE_SHIPPING, GIFT_CARD, PERCENTAGE, STORE_CREDIT
from schemas.shopify.admin.nodes import gid, part

# What the app must be allowed to do for each kind.
SCOPES = {
    AMOUNT: "write_discounts",
    PERCENTAGE: "write_discounts",
    FREE_SHIPPING: "write_discounts",
    STORE_CREDIT: "write_store_credit_account_transactions",
    GIFT_CARD: "write_gift_cards",
}
_TAKEN = "TAKEN"


class NotOurs(Exception):
    """The code is another discount's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An offer as it is wanted: see `schemas.offers.Give`. `currency`: the shop's. `customer_ref`: None, whoever."""

    kind: str
    code: str | None
    minor: int | None
    percent: int | None
    minimum_minor: int | None
    currency: str
    customer_ref: str | None
    starts_at: datetime
    ends_at: datetime

    @property
    def title(self) -> str:
        """What the discount is called in the shop's admin: by it ours is known, and that it is worth what we say."""
        worth = f"{self.percent} %" if self.percent else "free shipping"
        if self.minor is not None:
            upto = "shipping up to " if self.kind == FREE_SHIPPING else ""
            worth = f"{upto}{self._amount(self.minor)} {self.currency}"
        least = f", from {self._amount(self.minimum_minor)} {self.currency}" if self.minimum_minor else ""
        return f"Dasi {self.code}: {worth}{least}"

    def _amount(self, minor: int) -> str:
        places = exponent(self.currency)
        return f"{minor // 10**places}.{minor % 10**places:0{places}d}" if places else str(minor)

    def discount(self) -> dict[str, Any]:
        """DiscountCodeBasicInput, or DiscountCodeFreeShippingInput."""
        who: dict[str, Any] = {"all": "ALL"}
        if self.customer_ref:
            who = {"customers": {"add": [gid("Customer", self.customer_ref)]}}
        least = {"subtotal": {"greaterThanOrEqualToSubtotal": self._amount(self.minimum_minor or 0)}}
        common = {
            "title": self.title, "code": self.code, "startsAt": _iso(self.starts_at), "endsAt": _iso(self.ends_at),
            "usageLimit": 1, "appliesOncePerCustomer": True, "context": who,
            "minimumRequirement": least if self.minimum_minor else None,
        }  # fmt: skip
        if self.kind == FREE_SHIPPING:
            most = self._amount(self.minor) if self.minor is not None else None
            combines = {"orderDiscounts": True, "productDiscounts": True, "shippingDiscounts": False}
            return common | {"destination": {"all": True}, "maximumShippingPrice": most, "combinesWith": combines}
        value: dict[str, Any] = {"percentage": (self.percent or 0) / 100}
        if self.kind == AMOUNT:
            value = {"discountAmount": {"amount": self._amount(self.minor or 0), "appliesOnEachItem": False}}
        combines = {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": True}
        return common | {"customerGets": {"value": value, "items": {"all": True}}, "combinesWith": combines}

    def money(self) -> dict[str, str]:
        return {"amount": self._amount(self.minor or 0), "currencyCode": self.currency}


@dataclass(frozen=True, slots=True)
class Made:
    """`ends_at`: when it really ends, which an earlier try may have fixed."""

    platform_id: str | None
    ends_at: datetime


def make(client: AdminClient, ask: Ask) -> Made:
    """Have it made. Raises NotOurs, and what the client's calls raise."""
    if ask.kind == STORE_CREDIT:
        credit = {"creditAmount": ask.money(), "expiresAt": _iso(ask.ends_at), "notify": False}
        told = client.call("StoreCreditGive", {"id": gid("Customer", ask.customer_ref or ""), "credit": credit})
        return Made(part(told, "storeCreditAccountCredit", "storeCreditAccountTransaction", "id"), ask.ends_at)
    if ask.kind == GIFT_CARD:
        return _gift_card(client, ask)
    name, root = ("DiscountCreate", "discountCodeBasicCreate")
    if ask.kind == FREE_SHIPPING:
        name, root = ("FreeShippingCreate", "discountCodeFreeShippingCreate")
    try:
        told = client.call(name, {"discount": ask.discount()})
    except UserErrors as exc:
        if not _taken(exc):
            raise
        return _already(client, ask)
    return Made(part(told, root, "codeDiscountNode", "id"), ask.ends_at)


def _gift_card(client: AdminClient, ask: Ask) -> Made:
    """A taken code is ours: nobody guesses 64 bits."""
    who = gid("Customer", ask.customer_ref) if ask.customer_ref else None
    wanted = {"code": ask.code, "initialAmount": ask.money(), "expiresOn": f"{ask.ends_at.astimezone(UTC):%Y-%m-%d}",
              "customerId": who, "note": f"Dasi {ask.code}"}  # fmt: skip
    try:
        told = client.call("GiftCardCreate", {"input": wanted})
    except UserErrors as exc:
        if not _taken(exc):
            raise
        return Made(None, ask.ends_at)
    return Made(part(told, "giftCardCreate", "giftCard", "id"), ask.ends_at)


def _already(client: AdminClient, ask: Ask) -> Made:
    found = part(client.call("DiscountByCode", {"code": ask.code}), "codeDiscountNodeByCode")
    if part(found, "codeDiscount", "title") != ask.title:
        raise NotOurs
    try:
        ends_at = moment_of(part(found, "codeDiscount", "endsAt"))
    except ValueError:
        ends_at = ask.ends_at
    return Made(part(found, "id"), ends_at)


def _taken(exc: UserErrors) -> bool:
    return any(complaint.code == _TAKEN and complaint.field[-1:] == ("code",) for complaint in exc.complaints)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
