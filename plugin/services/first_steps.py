"""What a new shop still has to do before its messages do it good, and whether it may go live."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from plugin.services.sender_check import VERIFIED, SenderState, sender_state
from plugin.services.shops import legally_named, shop_of
from plugin.store.models.shops import Shop
from schemas.settings import ShopSettings, load_settings

REQUIRED = ("legal", "support")  # before going live
CHECKED_BY_US = ("legal", "support", "sender", "live")


@dataclass(frozen=True, slots=True)
class FirstStep:
    """`by_hand`: only the merchant can say that it is done."""

    name: str
    done: bool
    by_hand: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Start:
    """The first steps in their order, and what the shop is set to."""

    steps: tuple[FirstStep, ...]
    settings: ShopSettings
    live: bool
    sender: SenderState

    @property
    def missing(self) -> tuple[str, ...]:
        """What must be there before going live."""
        return tuple(step.name for step in self.steps if step.required and not step.done)

    @property
    def left(self) -> int:
        return sum(not step.done for step in self.steps)


def first_steps(session: Session, shop_id: int) -> Start:
    """Raises UnknownShop."""
    shop = shop_of(session, shop_id)
    settings = load_settings(shop.settings)
    sender = sender_state(session, shop, settings)
    names = ("legal", "support", "sender", "wording", "own_mails", "live")
    steps = tuple(
        FirstStep(name, _done(name, shop, settings, sender), name not in CHECKED_BY_US, name in REQUIRED)
        for name in names
    )
    return Start(steps, settings, shop.live, sender)


def _done(name: str, shop: Shop, settings: ShopSettings, sender: SenderState) -> bool:
    match name:
        case "legal":
            return legally_named(shop)
        case "support":
            return bool(settings.support.email or shop.email)
        case "sender":
            return sender.state == VERIFIED
        case "live":
            return shop.live
    return name in settings.done
