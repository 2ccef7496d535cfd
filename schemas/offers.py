"""Who is offered what: the rules that a merchant reads and edits. Off by default: then nothing is offered.

Amounts are minor units of the shop's own currency, as its discounts are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from schemas.own import OwnSchema, line, url

AMOUNT, PERCENTAGE, FREE_SHIPPING, STORE_CREDIT, GIFT_CARD = (
    "amount", "percentage", "free_shipping", "store_credit", "gift_card"
)  # fmt: skip
KINDS = (AMOUNT, PERCENTAGE, FREE_SHIPPING, STORE_CREDIT, GIFT_CARD)
CODES = (AMOUNT, PERCENTAGE, FREE_SHIPPING)  # discounts: those that may ask for a minimum spend
WORTH = (AMOUNT, STORE_CREDIT, GIFT_CARD)  # those that are an amount of money
MOST_MINOR = 10**11
MOST_EXCLUSIVE = 20
LANGUAGES = ("en", "ko")


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """What is given, once, to one customer. `days`: for which it holds, from the moment it is made.

    `minor`: of an amount, a credit or a card; of free shipping: the most that it may cost, None for whatever it costs.
    """

    kind: str = AMOUNT
    minor: int | None = None
    percent: int | None = None
    minimum_minor: int | None = None
    days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRules:
    """By the customer's first order against the shop's median order, or by their having bought before."""

    enabled: bool = False
    # A first order below the median.
    first_below: Give | None = None
    affordable: bool = True  # suggest what costs no more than they spent
    # A first order well above it: no discount, but attention.
    well_above: float = 2.0  # times the median
    check_in: dict[str, str] = field(default_factory=dict)  # the note by language; none: our own words
    signed_by: str | None = None  # without a name there is no note
    exclusive: tuple[str, ...] = ()  # products' platform ids
    gift_above_minor: int | None = None
    gift: Give | None = None  # store credit or a gift card
    # Customers who have bought before.
    repeat: Give | None = None
    early_url: str | None = None
    early_words: dict[str, str] = field(default_factory=dict)  # by language
    # No offer that could take an order at its minimum spend below `floor_percent` of gross margin.
    margin_percent: int | None = None  # of the price that is left after the goods are paid
    floor_percent: int | None = None
    # What completing the survey brings; None: nothing.
    reward: Give | None = None


def _minor(least: int = 1) -> fields.Integer:
    return fields.Integer(allow_none=True, strict=True, validate=validate.Range(least, MOST_MINOR))


def _words(limit: int) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)),
        values=fields.String(validate=validate.Length(max=limit)),
    )


class GiveSchema(OwnSchema):
    makes = Give
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    minor = _minor()
    percent = fields.Integer(allow_none=True, strict=True, validate=validate.Range(1, 90))
    minimum_minor = _minor()
    days = fields.Integer(strict=True, validate=validate.Range(1, 365))

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        kind = data["kind"]
        if kind in WORTH and data.get("minor") is None:
            raise ValidationError("is needed", "minor")
        if kind == PERCENTAGE and data.get("percent") is None:
            raise ValidationError("is needed", "percent")
        if kind == PERCENTAGE and data.get("minor") is not None:
            raise ValidationError("is not for a percentage", "minor")
        if kind != PERCENTAGE and data.get("percent") is not None:
            raise ValidationError("is for a percentage only", "percent")
        if kind not in CODES and data.get("minimum_minor") is not None:
            raise ValidationError("is for discounts only", "minimum_minor")


class OfferRulesSchema(OwnSchema):
    makes = OfferRules
    enabled = fields.Boolean()
    first_below = fields.Nested(GiveSchema, allow_none=True)
    affordable = fields.Boolean()
    well_above = fields.Float(validate=validate.Range(1.1, 20))
    check_in = _words(1000)
    signed_by = line(120)
    exclusive = fields.List(
        fields.String(validate=validate.Length(min=1, max=64)), validate=validate.Length(max=MOST_EXCLUSIVE)
    )
    gift_above_minor = _minor()
    gift = fields.Nested(GiveSchema, allow_none=True)
    repeat = fields.Nested(GiveSchema, allow_none=True)
    early_url = url()
    early_words = _words(300)
    margin_percent = fields.Integer(allow_none=True, strict=True, validate=validate.Range(1, 99))
    floor_percent = fields.Integer(allow_none=True, strict=True, validate=validate.Range(0, 98))
    reward = fields.Nested(GiveSchema, allow_none=True)

    @validates_schema
    def _gift(self, data: dict[str, Any], **_: Any) -> None:
        gift = data.get("gift")
        if gift is not None and gift.kind not in (STORE_CREDIT, GIFT_CARD):
            raise ValidationError({"gift": {"kind": ["is store credit or a gift card"]}})
        reward = data.get("reward")
        if reward is not None and reward.kind not in CODES:
            raise ValidationError({"reward": {"kind": ["is a code"]}})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return OfferRules(**{**data, "exclusive": tuple(dict.fromkeys(data.get("exclusive", ())))})
