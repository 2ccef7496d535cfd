"""How customers rated what they bought, from the shop's own surveys."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.orders import Purchase
from plugin.store.models.shops import Shop

RATED_ORDERS = 300
MIN_RATINGS = 3


def ratings(session: Session, shop: Shop, product_ids: Iterable[str]) -> dict[str, tuple[float, int]]:
    """The mean satisfaction (1 to 5) and the number of answers, by product, from the surveys of the latest 300 orders
    that contain it. A product with fewer than 3 answers is left out.
    """
    found: dict[str, tuple[float, int]] = {}
    for product_id in dict.fromkeys(product_ids):
        orders = (
            select(Purchase.order_id)
            .where(Purchase.shop_id == shop.id, Purchase.product_id == product_id)
            .order_by(Purchase.placed_at.desc())
            .limit(RATED_ORDERS)
        )
        # The orders are this shop's, and so are their answers.
        mean, count = session.execute(
            select(func.avg(SurveyAnswer.satisfaction), func.count(SurveyAnswer.satisfaction)).where(
                SurveyAnswer.order_id.in_(orders)
            )
        ).one()
        if count >= MIN_RATINGS:
            found[product_id] = (float(mean), count)
    return found
