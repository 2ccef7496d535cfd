"""A shop with rules of offers, a Shopify that makes codes, and a customer on the way to the cross-sell."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import update

from plugin.services.context import Context
from plugin.store.models.offers import Offer, OrderMedian
from plugin.store.models.shops import Shop
from tests.services.fake_shopify import Data, data
from tests.services.shop_scene import ShopScene
from tests.services.world import World, consent, whole_life

FIVE = {"kind": "amount", "minor": 500, "minimum_minor": 2500}
RULES: Data = {"enabled": True, "first_below": FIVE}
MADE = data(discountCodeBasicCreate={"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []})
SHIPPED = data(
    discountCodeFreeShippingCreate={"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/2"}, "userErrors": []}
)


def complaint(root: str, code: str, field: str = "code") -> Data:
    return data(**{root: {"userErrors": [{"field": ["x", field], "code": code, "message": "a sentence"}]}})


class OfferScene(ShopScene):
    """`median`: of the shop's orders, in euros' cents; the world's order is of 50.00."""

    def __init__(self, context: Context, median: int = 10_000, rules: Data | None = None) -> None:
        world = World(context)
        world.configure(offers=RULES if rules is None else rules)
        super().__init__(world)
        with self.ctx.database.transaction() as session:
            session.execute(update(Shop).values(currency="EUR", storefront="haneul.example"))
            counted = {"orders": 50, "counted_at": world.now}
            session.add(OrderMedian(shop_id=self.shop_id, currency="EUR", median_minor=median, **counted))
        self.shopify.answers |= {"DiscountCreate": [MADE], "FreeShippingCreate": [SHIPPED]}

    def until_the_cross_sell(self, agreed: bool = True, **changes: Any) -> None:
        """The order is placed, shipped, delivered; the next walk of a day brings the cross-sell."""
        if agreed:
            self.world.hook("customers_email_marketing_consent/update", consent(self.world.now))
        for _ in whole_life(self.world, **changes):
            pass
        self.world.walk(days=3.9)

    def offer(self) -> Any:
        return self.world.row(Offer)

    @property
    def code(self) -> str:
        return str(self.offer().code)

    def subjects(self) -> dict[str, str]:
        mails = self.world.sink.parsed()
        return {step: str(mail["Subject"]) for step, mail in zip(self.world.sink.steps(), mails, strict=True)}

    def text(self, step: str, kind: str = "plain") -> str:
        return re.sub(r"\s+", " ", self.world.text_of(step, kind))
