"""The holdout of a step is decided when a message would leave, and is a fact from then on.

It is the last thing that is asked, so that those kept out and those who get the message are customers of one kind.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.domain import holdout
from plugin.domain.experiment import WINDOW_DAYS
from plugin.domain.flows import State
from plugin.domain.history import Act
from plugin.domain.timeline import chosen
from plugin.services.context import Context
from plugin.services.holdouts import percents_of
from plugin.services.plan import lock_orders, plan_orders
from plugin.store.models.holdouts import Holdout
from plugin.store.models.messages import Act as ActRow
from plugin.store.models.messages import Message
from plugin.store.models.shops import Shop
from plugin.store.upserts import add_missing
from schemas.settings import ShopSettings


def hold(session: Session, shop_id: int, step: str, order_id: int) -> None:
    """Take the order's locks if its step has a holdout: whether the message leaves then decides on its followers."""
    shop = session.get(Shop, shop_id)
    if shop is not None and step in percents_of(shop):
        lock_orders(session, [order_id])


def keep_out(session: Session, shop: Shop, settings: ShopSettings, message: Message, now: datetime) -> bool:
    """Whether the message, which nothing else stops, is kept back because its customer is in the step's holdout.

    Records the customer's group. The caller holds the order's locks and commits that with what becomes of the message.
    """
    percent = settings.step(message.step).holdout_percent
    if not percent or message.customer_id is None:
        return False
    mine = (Holdout.shop_id == shop.id, Holdout.step == message.step, Holdout.customer_id == message.customer_id)
    if _by_hand(session, message):
        session.execute(update(Holdout).where(*mine).values(set_aside=True))
        return False
    row = {
        "shop_id": shop.id, "customer_id": message.customer_id, "order_id": message.order_id, "step": message.step,
        "kept_out": holdout.kept_out(shop.code, message.customer_id, message.step, percent), "percent": percent,
        "at": now, "until": now + timedelta(days=WINDOW_DAYS), "set_aside": False,
    }  # fmt: skip
    add_missing(session, Holdout, [row], ("shop_id", "step", "customer_id"))
    return bool(session.scalar(select(Holdout.kept_out).where(*mine)))


def will_keep_out(session: Session, shop: Shop, settings: ShopSettings, message: Message) -> bool:
    """What `keep_out` will say, without recording it: for what must not be made for a message that never leaves."""
    percent = settings.step(message.step).holdout_percent
    if not percent or message.customer_id is None or _by_hand(session, message):
        return False
    mine = (Holdout.shop_id == shop.id, Holdout.step == message.step, Holdout.customer_id == message.customer_id)
    known = session.scalar(select(Holdout.kept_out).where(*mine))
    return holdout.kept_out(shop.code, message.customer_id, message.step, percent) if known is None else known


def _by_hand(session: Session, message: Message) -> bool:
    rows = session.scalars(select(ActRow).where(ActRow.order_id == message.order_id))
    acts = [Act(row.kind, row.step, row.subject, row.at, row.copy) for row in rows]
    return chosen(acts, message.step, message.subject, message.copy)


def withhold(session: Session, ctx: Context, shop: Shop, message: Message) -> None:
    """Keep the message back and plan what does not follow from it. Does not commit."""
    message.state, message.reason = State.WITHHELD, holdout.KEPT_OUT
    message.due_at = message.ready_at = message.claim_token = message.lease_until = None
    session.flush()
    plan_orders(session, ctx, shop, [message.order_id])
