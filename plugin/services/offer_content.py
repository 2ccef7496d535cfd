"""What a message shows of the shop's rules: the offer that was made, the note, early access, what comes first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.content.model import EarlyView, NoteView, OfferView, ProductView
from plugin.domain import offers as rules
from plugin.domain.flows import MessageClass
from plugin.domain.offers import Choice
from plugin.services.context import Context
from plugin.services.leave import Go
from plugin.services.offer_making import MADE, find
from plugin.services.offer_rules import choice_for
from plugin.store.models.messages import Message
from plugin.store.models.offers import Offer
from plugin.store.models.orders import Order, Product
from plugin.store.models.shops import Shop
from plugin.tokens import CLICK
from schemas.events import Money
from schemas.fields import web_url
from schemas.money import in_currency
from schemas.offers import CODES, Give, OfferRules
from schemas.settings import ShopSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Nothing of it, unless the rules say so. `exclusive`: shown before all that is suggested."""

    offer: OfferView | None = None
    promise: OfferView | None = None  # what completing the survey brings
    note: NoteView | None = None
    early: EarlyView | None = None
    price_at_most: Money | None = None
    exclusive: tuple[ProductView, ...] = ()
    exclusive_ids: frozenset[str] = frozenset()


NOTHING = Shown()


def shows_offers(settings: ShopSettings, step: str) -> bool:
    """Whether a message of this step says what is given, so that it is written when its turn comes, not ahead."""
    return step == rules.REWARD or (settings.offers.enabled and step in rules.SHOWS)


def shown(
    session: Session, ctx: Context, shop: Shop, settings: ShopSettings, order: Order, message: Message, language: str,
    leaves: Go,
) -> Shown:  # fmt: skip
    """As far as promotional blocks may appear to this customer. The follow-up repeats the cross-sell's offer."""
    if message.step == "survey" and leaves.message_class is MessageClass.MARKETING:
        return Shown(promise=_promise(session, shop, settings, order))
    if message.step == rules.REWARD:
        reward = find(session, shop.id, rules.purpose(rules.REWARD, order.platform_id))
        return Shown(offer=_offer(ctx, shop, message, reward) if reward else None)
    if not leaves.sells or not shows_offers(settings, message.step):
        return NOTHING
    choice = choice_for(session, shop, settings, order)
    offer = find(session, shop.id, rules.purpose(rules.CROSS_SELL, order.platform_id))
    first = message.step == rules.CROSS_SELL
    return Shown(
        offer=_offer(ctx, shop, message, offer) if offer else None,
        note=_note(settings.offers, language) if choice.check_in and first else None,
        early=_early(ctx, settings.offers, message, language) if choice.early_access else None,
        price_at_most=choice.price_at_most,
        exclusive=tuple(_exclusive(session, ctx, shop, order, message, choice)) if first else (),
        exclusive_ids=frozenset(choice.exclusive),
    )


def _promise(session: Session, shop: Shop, settings: ShopSettings, order: Order) -> OfferView | None:
    """The first promise holds, whatever the rules say by now."""
    made = find(session, shop.id, rules.purpose(rules.REWARD, order.platform_id))
    if made:
        return view_of(made)
    give = settings.offers.reward
    return view_of_give(give, shop.currency) if give and shop.currency else None


def _offer(ctx: Context, shop: Shop, message: Message, offer: Offer) -> OfferView | None:
    """None unless it was made and still holds."""
    over = offer.expires_at is None or offer.expires_at <= ctx.clock.now()
    if offer.state != MADE or over or offer.redeemed_order_id is not None:
        return None
    url = f"https://{shop.storefront or shop.domain}"
    if offer.kind in CODES and offer.code:
        url = f"{url}/discount/{quote(offer.code, safe='')}"
    return view_of(offer, _click(ctx, message, url))


def view_of(offer: Offer, url: str | None = None) -> OfferView:
    give = Give(kind=offer.kind, minor=offer.minor, percent=offer.percent, minimum_minor=offer.minimum_minor,
                days=offer.days)  # fmt: skip
    return view_of_give(give, offer.currency, code=offer.code, expires_at=offer.expires_at, url=url)


def view_of_give(give: Give, currency: str, **more: object) -> OfferView:
    def money(minor: int | None) -> Money | None:
        return Money(minor, currency) if minor is not None else None

    return OfferView(kind=give.kind, amount=money(give.minor), percent=give.percent, minimum=money(give.minimum_minor),
                     days=give.days, **more)  # type: ignore[arg-type]  # fmt: skip


def _note(told: OfferRules, language: str) -> NoteView | None:
    return NoteView(told.check_in.get(language), told.signed_by) if told.signed_by else None


def _early(ctx: Context, told: OfferRules, message: Message, language: str) -> EarlyView | None:
    if not told.early_url:
        return None
    return EarlyView(told.early_words.get(language), _click(ctx, message, told.early_url))


def _click(ctx: Context, message: Message, url: str) -> str:
    return f"{ctx.settings.public_url}/c/{ctx.tokens.make(CLICK, message.id, url)}"


def _exclusive(
    session: Session, ctx: Context, shop: Shop, order: Order, message: Message, choice: Choice
) -> Sequence[ProductView]:
    """The merchant's list, in its order, as far as it can be bought and is not in the order itself."""
    had = {line["product_id"] for line in order.lines}
    wanted = [id_ for id_ in choice.exclusive if id_ not in had]
    if not wanted:
        return ()
    p = Product
    rows = session.scalars(select(p).where(p.shop_id == shop.id, p.platform_id.in_(wanted)))
    known = {row.platform_id: row for row in rows}
    found = [known[id_] for id_ in wanted if id_ in known]
    return [_product(ctx, shop, message, row) for row in _to_be_had(found)]


def _to_be_had(rows: Collection[Product]) -> list[Product]:
    return [row for row in rows if not row.deleted and row.published and row.in_stock is not False and row.title]


def _product(ctx: Context, shop: Shop, message: Message, row: Product) -> ProductView:
    store = f"https://{shop.storefront or shop.domain}"
    page = web_url(row.url) or (f"{store}/products/{quote(row.handle, safe='')}" if row.handle else store)
    price = None
    if row.price_minor is not None and (row.currency or shop.currency):
        price = in_currency(Money(row.price_minor, row.currency or ""), shop.currency or "")
    return ProductView(title=row.title, url=_click(ctx, message, page), price=price, image_url=web_url(row.image_url))
