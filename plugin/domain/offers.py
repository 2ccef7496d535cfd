"""Who is offered what, decided when a message leaves, from what the customer has bought so far."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

from schemas.events import Money
from schemas.offers import AMOUNT, CODES, FREE_SHIPPING, GIFT_CARD, PERCENTAGE, Give, OfferRules

CROSS_SELL, REWARD = "cross_sell", "survey_reward"
MAKES = frozenset({CROSS_SELL, REWARD})  # steps at which an offer is made; the follow-up only repeats it
SHOWS = frozenset({CROSS_SELL, "cross_sell_follow_up"})  # those that say what the rules give
ALPHABET = "34679ACDEFGHJKMNPQRTVWXY"  # nothing that is mistaken for another: no 0O, 1IL, 2Z, 5S, 8B, U
PREFIX = "DS"
FEWEST = 20  # orders below which a shop has no median yet


class Tier(StrEnum):
    FIRST_BELOW = "first_below"  # a first order below the shop's median
    FIRST = "first"  # a first order about the median, or of a shop that has none yet
    FIRST_ABOVE = "first_above"  # a first order well above it
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """What the rules look at. `median_minor`: of the shop's orders in the currency of `spent`, None while unknown.

    `own_currency`: `spent` is in the shop's own currency, so that amounts of the rules compare with it.
    """

    bought_before: bool
    spent: Money | None
    median_minor: int | None
    own_currency: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the message says to this customer. `give` None: no offer; `why_not`: why the rule's offer is not made."""

    tier: Tier
    give: Give | None = None
    why_not: str | None = None
    price_at_most: Money | None = None  # of what is suggested
    check_in: bool = False
    exclusive: tuple[str, ...] = ()
    early_access: bool = False


def tier_of(rules: OfferRules, buyer: Buyer) -> Tier:
    if buyer.bought_before:
        return Tier.REPEAT
    if buyer.spent is None or buyer.median_minor is None:
        return Tier.FIRST
    if buyer.spent.minor < buyer.median_minor:
        return Tier.FIRST_BELOW
    if buyer.spent.minor > buyer.median_minor * rules.well_above:
        return Tier.FIRST_ABOVE
    return Tier.FIRST


def choose(rules: OfferRules, buyer: Buyer) -> Choice:
    """By the rules as they are; everybody gets nothing while they are switched off."""
    tier = tier_of(rules, buyer)
    if not rules.enabled:
        return Choice(tier=tier)
    if tier is Tier.FIRST_BELOW:
        give, why_not = _unless_too_dear(rules, rules.first_below)
        ceiling = buyer.spent if rules.affordable else None
        return Choice(tier=tier, give=give, why_not=why_not, price_at_most=ceiling)
    if tier is Tier.FIRST_ABOVE:
        return Choice(tier=tier, give=_gift(rules, buyer), check_in=bool(rules.signed_by), exclusive=rules.exclusive)
    if tier is Tier.REPEAT:
        give, why_not = _unless_too_dear(rules, rules.repeat)
        return Choice(tier=tier, give=give, why_not=why_not, early_access=bool(rules.early_url))
    return Choice(tier=tier)


def _gift(rules: OfferRules, buyer: Buyer) -> Give | None:
    above = rules.gift_above_minor
    if rules.gift is None or above is None or buyer.spent is None or not buyer.own_currency:
        return None
    return rules.gift if buyer.spent.minor > above else None


def _unless_too_dear(rules: OfferRules, give: Give | None) -> tuple[Give | None, str | None]:
    if give is not None and below_floor(give, rules.margin_percent, rules.floor_percent):
        return None, "it could take an order below the margin floor"
    return give, None


def below_floor(give: Give, margin_percent: int | None, floor_percent: int | None) -> bool:
    """Whether an order at the minimum spend could keep less than the floor of gross margin.

    `margin_percent`: of the price that is left once the goods are paid. Without a minimum spend an amount may take all
    of a small order, and free shipping without a limit may cost anything: both could. Store credit and gift cards are
    money of the customer's own, for which a floor means nothing.
    """
    if margin_percent is None or floor_percent is None or give.kind not in CODES:
        return False
    margin, floor = margin_percent / 100, floor_percent / 100
    if give.kind == PERCENTAGE:
        off = (give.percent or 0) / 100
    elif give.minor is None or not give.minimum_minor:
        return True
    else:
        off = give.minor / give.minimum_minor
    price = 1.0 if give.kind == FREE_SHIPPING else 1.0 - off  # what the customer pays for the goods
    return price <= 0 or (margin - off) / price < floor - 1e-9


def good_default(currency: str, exponent: int, median_minor: int | None) -> OfferRules:
    """What switching on begins with: an amount for small first orders, free shipping for those who came back.

    The amount is a tenth of the median order in a round figure, for an order of half the median; without a median five
    units of the currency (five thousand of one without decimals).
    """
    unit = 10**exponent if exponent else 1000
    amount = round_figure(median_minor // 10) if median_minor and median_minor >= 10 * unit else 5 * unit
    minimum = round_figure(median_minor // 2) if median_minor and median_minor >= 10 * unit else 5 * amount
    return OfferRules(
        enabled=True,
        first_below=Give(kind=AMOUNT, minor=amount, minimum_minor=max(minimum, 2 * amount)),
        repeat=Give(kind=FREE_SHIPPING),
    )


def round_figure(minor: int) -> int:
    """The nearest of 1, 2, 3, 5, 7.5 times a power of ten: 1234 -> 1000, 3900 -> 3000, 68000 -> 75000."""
    if minor < 1:
        return 1
    power = int(10 ** (len(str(minor)) - 1))
    steps = [power, 2 * power, 3 * power, 5 * power, 75 * power // 10, 10 * power]
    return min(steps, key=lambda step: (abs(step - minor), step))


def purpose(step: str, order_ref: str) -> str:
    """What an offer is for: the name under which there is never a second one."""
    return f"{step}:{order_ref}"


def code_for(secret: str, shop_code: str, what_for: str, kind: str) -> str:
    """The code of an offer: always the same for the same purpose, and nobody's to guess.

    A gift card's is money: it is longer, and of letters and digits only, as the platform asks (8 to 20 of them).
    """
    told = "\x1f".join(("offer", shop_code, what_for)).encode()
    number = int.from_bytes(hmac.new(secret.encode(), told, hashlib.sha256).digest())
    length = 14 if kind == GIFT_CARD else 10
    marks = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        marks.append(ALPHABET[rest])
    body = "".join(marks)
    return f"{PREFIX}{body}" if kind == GIFT_CARD else f"{PREFIX}-{body[:5]}-{body[5:]}"
