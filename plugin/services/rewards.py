"""What completing the survey brings: promised when the survey leaves, earned when it is completed, made there and then.

Only a survey that promised something earns it, once for each order, and what was promised is what is given, whatever
the shop's rules say by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.channels.email.errors import Permanent
from plugin.content.offer_values import offer_shown
from plugin.domain import offers as rules
from plugin.domain.flows import MessageClass
from plugin.domain.zones import zone_for
from plugin.queues import SEND
from plugin.services.archive import find_message
from plugin.services.context import Context
from plugin.services.leave import Go
from plugin.services.offer_content import view_of
from plugin.services.offer_making import EARNED, MADE, OPEN, PROMISED, attempt, find, row_of
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from plugin.store.upserts import add_missing
from schemas.settings import ShopSettings

PAGE_LIMIT = 3.0  # seconds for which a customer who has just answered waits for their code


@dataclass(frozen=True, slots=True)
class Reward:
    """`state`: made, later (it comes by mail) or trouble. `offer`: as `content.offer_values.offer_shown` gives it."""

    state: str
    offer: dict[str, Any]


def before_writing(
    session: Session, ctx: Context, shop: Shop, settings: ShopSettings, order: Order, message: Message, leaves: Go
) -> None:
    """Note down what a survey is about to promise. Raises Permanent for the mail of a reward that was not made."""
    what_for = rules.purpose(rules.REWARD, order.platform_id)
    if message.step == "survey" and leaves.message_class is MessageClass.MARKETING:
        give = settings.offers.reward
        assert give is not None  # by which the survey became marketing
        row = row_of(ctx, shop, order.id, what_for, rules.REWARD, give, ctx.clock.now()) | {"state": PROMISED}
        add_missing(session, Offer, [row], ["shop_id", "purpose"])
    elif message.step == rules.REWARD:
        offer = find(session, shop.id, what_for)
        if offer is None or offer.state != MADE:
            raise Permanent(f"the reward could not be made: {offer.reason if offer else 'it was never promised'}"[:300])


def earn(session: Session, order: Order, message_id: int, now: datetime) -> None:
    """The survey is complete. Nothing, unless the very message that was answered carried the promise."""
    message = find_message(session, message_id)
    if message is None or message.message_class != MessageClass.MARKETING:
        return
    promised = (Offer.purpose == rules.purpose(rules.REWARD, order.platform_id), Offer.state == PROMISED)
    session.execute(
        update(Offer).where(Offer.shop_id == order.shop_id, *promised).values(state=EARNED, asked_at=now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def give_now(ctx: Context, order: Order) -> None:
    """Have what was earned made while the customer waits, a moment long; otherwise its mail has it made."""
    with ctx.database.reading() as session:
        offer = find(session, order.shop_id, rules.purpose(rules.REWARD, order.platform_id))
    if offer is not None and offer.state in OPEN:
        attempt(ctx, offer.id, PAGE_LIMIT)
        ctx.queues.nudge(SEND)


def reward_of(session: Session, order: Order, language: str) -> Reward | None:
    """What the survey of this order brought, for its page; None when it brings nothing, or is not complete."""
    offer = find(session, order.shop_id, rules.purpose(rules.REWARD, order.platform_id))
    if offer is None or offer.state == PROMISED:
        return None
    shop = session.get_one(Shop, order.shop_id)
    zone = zone_for(order.country_code, shop.timezone).key
    state = MADE if offer.state == MADE else "later" if offer.state in OPEN else "trouble"
    url = f"https://{shop.storefront or shop.domain}/discount/{offer.code}" if offer.code else None
    return Reward(state, offer_shown(view_of(offer, url), order.locale or language, zone))
