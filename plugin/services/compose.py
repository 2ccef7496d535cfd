"""From rows to what a message says. Reads at the moment of leaving, so that it says what is known then."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from plugin.content.formats import text_language
from plugin.content.model import LineView, Links, MessageView, ParcelView, ProductView, QuoteView, ShopView, Why
from plugin.domain.delivery_estimate import expected_window
from plugin.domain.flows import MessageClass
from plugin.domain.zones import zone_for
from plugin.secrets import Undecryptable
from plugin.services.context import Context
from plugin.services.desk import Desk
from plugin.services.histories import NOT_SHIPPED, remaining_lines
from plugin.services.leave import Go
from plugin.services.offer_content import Shown, shown
from plugin.services.recommend import Recommendation
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel, Product
from plugin.store.models.shops import Shop
from plugin.tokens import ARRIVAL, CLICK, OPEN, SURVEY, UNSUBSCRIBE
from schemas.events import Money
from schemas.settings import ShopSettings
from schemas.survey import RECOMMENDATION

HINT = 2  # products that a thank-you quietly shows
SUGGESTIONS = 4
ORDER_PAGE = frozenset({"thank_you", "shipped", "delivered"})  # steps that lead to it by themselves
WORTH_TELLING = 5  # orders: "bought twice" recommends nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    name: str
    address: str
    reply_to: str


def sender_of(shop: Shop, settings: ShopSettings) -> Sender:
    address = settings.sender.email or shop.email or f"hello@{shop.storefront or shop.domain}"
    reply_to = settings.support.email or shop.email or address
    return Sender(settings.sender.name or shop_name(shop), address, reply_to)


def shop_name(shop: Shop) -> str:
    return shop.name or shop.domain.partition(".")[0].replace("-", " ").title()


def compose(
    desk: Desk, ctx: Context, shop: Shop, settings: ShopSettings, order: Order, message: Message, go: Go
) -> MessageView:
    """Everything the message says. `go`: whether promotional blocks may appear, and the class that it goes out in."""
    lines = {line.line_id: line.remaining for line in remaining_lines(order)}
    kept = [(line, lines[line["line_id"]]) for line in order.lines if lines.get(line["line_id"], 0) > 0]
    ids = {line["product_id"] for line in order.lines}
    catalogue = {id_: desk.products[shop.id, id_] for id_ in ids if (shop.id, id_) in desk.products}
    parcels = desk.parcels.get(order.id, [])
    told = sorted(
        (p for p in parcels if p.platform_id in message.parcels), key=lambda p: (p.shipped_at or p.first_heard_at, p.id)
    )
    zone = zone_for(order.country_code, shop.timezone)
    step = settings.step(message.step)
    locale = order.locale or settings.language or shop.locale or "en"
    language = "ko" if locale.lower().startswith("ko") else "en"
    mended = desk.mended.get(message.id)
    if mended and mended.language(language) != language:
        locale = language = mended.language(language)
    seeds = [line["product_id"] for line, _ in kept if line["product_id"]]
    given = shown(desk.session, ctx, shop, settings, order, message, language, go)
    return MessageView(
        step=message.step,
        locale=locale,
        timezone=zone.key,
        shop=desk.shop_views.get(shop.id) or desk.shop_views.setdefault(shop.id, shop_view(shop, settings)),
        order_name=order.name or order.platform_id,
        placed_at=order.placed_at or order.first_heard_at,
        first_name=order.first_name,
        last_name=order.last_name,
        lines=tuple(_line(line, quantity, catalogue, settings) for line, quantity in kept),
        total=Money(order.total_minor, order.currency) if order.total_minor is not None and order.currency else None,
        status_url=_status_url(ctx, order) if message.step in ORDER_PAGE or step.intro or step.subject else None,
        parcels=tuple(_parcel(p, order, lines, catalogue, settings) for p in told),
        more_parcels=_more_to_come(order, parcels, lines),
        window=_window(order, told, settings, zone) if message.step in ("thank_you", "shipped") else None,
        tells_shipped=settings.step("shipped").enabled,
        tells_delivered=settings.step("delivered").enabled,
        estimated=message.estimated,
        pickup=order.pickup,
        digital=not any(line["requires_shipping"] for line in order.lines),
        survey_minutes=settings.survey_minutes,
        **_taps(settings, language) if message.step == "survey" else {},
        products=(*given.exclusive, *_products(desk, ctx, shop, order, message, seeds, given))[:SUGGESTIONS]
        if go.sells else (),
        enjoyed=_enjoyed(order, kept),
        told=mended.names[language] if mended else None,
        mended=mended.sentences.get(language) if mended else None,
        offer=given.offer,
        promise=given.promise,
        note=given.note,
        early=given.early,
        marketing=go.message_class is MessageClass.MARKETING,
        subject=step.subject.get(language),
        intro=step.intro.get(language),
        links=_links(ctx, message, settings, go.message_class),
    )


def _taps(settings: ShopSettings, language: str) -> dict[str, Any]:
    """What the mail asks, where the merchant's first question is not Dasi's own."""
    first = settings.survey()[0]
    taps = [(option.said(language), option.id) for option in first.options]
    if first.kind == RECOMMENDATION:
        taps = [(str(number), str(number)) for number in first.range()]
    return {
        "survey_question": first.asked(language),
        "survey_taps": tuple(taps),
        "survey_scale": first.kind == RECOMMENDATION,
    }


def _status_url(ctx: Context, order: Order) -> str | None:
    """The order's own page; the message does without it when the key to it is gone."""
    try:
        return ctx.vault.open(order.status_url) if order.status_url else None
    except Undecryptable:
        log.warning("status_url_undecryptable", extra={"order": order.id})
        return None


def shop_view(shop: Shop, settings: ShopSettings) -> ShopView:
    sender = sender_of(shop, settings)
    brand, support = settings.brand, settings.support
    return ShopView(
        name=shop_name(shop),
        url=f"https://{shop.storefront or shop.domain}",
        support_email=sender.reply_to,
        support_phone=support.phone or shop.phone,
        support_hours=support.hours,
        help_url=support.help_url,
        logo_url=brand.logo_url,
        colour=brand.colour,
        legal_name=brand.legal_name or shop_name(shop),
        postal_address=brand.postal_address or _postal(shop),
    )


def _postal(shop: Shop) -> str | None:
    """The shop's own address, as the platform tells it, where the merchant set none."""
    told = shop.address or {}
    parts = [told.get(key) for key in ("address1", "address2", "zip", "city", "province", "country_code")]
    return ", ".join(part for part in parts if part) or None


def _links(ctx: Context, message: Message, settings: ShopSettings, message_class: MessageClass) -> Links:
    """Those that the step shows. Transactional mail carries no way out: it ends with the order."""
    base, make = ctx.settings.public_url, ctx.tokens.make
    transactional = message_class is MessageClass.TRANSACTIONAL
    # Who reads what is nobody's business but where it was agreed to: by default only marketing mail tells it.
    marketing = message_class is MessageClass.MARKETING
    tells = settings.track_opens == "all" or (settings.track_opens == "marketing" and marketing)
    parcel = message.parcels[0] if message.parcels else ""
    arrived = message.step == "delivered"
    return Links(
        unsubscribe=None if transactional else f"{base}/u/{make(UNSUBSCRIBE, message.id)}",
        survey=f"{base}/s/{make(SURVEY, message.id)}" if message.step == "survey" else None,
        arrived=f"{base}/d/{make(ARRIVAL, message.id, parcel)}" if arrived else None,
        opened=f"{base}/o/{make(OPEN, message.id)}" if tells else None,
    )


def _line(line: dict[str, object], quantity: int, catalogue: dict[str, Product], settings: ShopSettings) -> LineView:
    product_id, price = str(line["product_id"] or ""), line["price"]
    product = catalogue.get(product_id)
    return LineView(
        title=str(line["title"]),
        quantity=quantity,
        variant=str(line["variant_title"]) if line["variant_title"] else None,
        price=Money(int(price[0]), str(price[1])) if isinstance(price, list) else None,
        image_url=product.image_url if product else None,
        how_to_url=settings.how_to.get(product_id),
    )


def _parcel(
    parcel: Parcel, order: Order, remaining: dict[str, int], catalogue: dict[str, Product], settings: ShopSettings
) -> ParcelView:
    """Refunded lines are left out, unless nothing else is in the parcel: it is on its way all the same."""
    by_id = {line["line_id"]: line for line in order.lines}
    held = [(by_id[line_id], quantity) for line_id, quantity in parcel.lines if line_id in by_id]
    kept = [(line, min(quantity, remaining.get(line["line_id"], 0))) for line, quantity in held]
    shown = [(line, quantity) for line, quantity in kept if quantity > 0] or held
    return ParcelView(
        name=parcel.name,
        carrier=parcel.carrier,
        tracking_numbers=tuple(parcel.tracking_numbers),
        tracking_urls=tuple(parcel.tracking_urls),
        lines=tuple(_line(line, quantity, catalogue, settings) for line, quantity in shown),
    )


def _more_to_come(order: Order, parcels: Sequence[Parcel], remaining: dict[str, int]) -> bool:
    left = {line["line_id"]: remaining.get(line["line_id"], 0) for line in order.lines if line["requires_shipping"]}
    for parcel in parcels:
        if parcel.status in NOT_SHIPPED:
            continue
        if not parcel.lines:
            return False
        for line_id, quantity in parcel.lines:
            if line_id in left:
                left[line_id] -= quantity
    return any(quantity > 0 for quantity in left.values())


def _window(order: Order, told: Sequence[Parcel], settings: ShopSettings, zone: ZoneInfo) -> tuple[date, date] | None:
    """The first and last day to expect the order, or the parcels told of."""
    if order.pickup or not any(line["requires_shipping"] for line in order.lines):
        return None
    shipped = [(p.shipped_at, p.estimated_at) for p in told if p.shipped_at and p.estimated_at]
    if shipped:
        windows = [expected_window(s.astimezone(zone), e - s, shipped=True) for s, e in shipped]
        return min(w[0] for w in windows), max(w[1] for w in windows)
    placed = (order.placed_at or order.first_heard_at).astimezone(zone)
    return expected_window(placed, timedelta(days=settings.delivery_days), shipped=False)


def _enjoyed(order: Order, kept: Sequence[tuple[dict[str, object], int]]) -> str | None:
    """The item a cross-sell names: the dearest one that the customer kept."""
    def price(line: dict[str, object]) -> int:
        told = line["price"]
        return int(told[0]) if isinstance(told, list) else 0

    titles = sorted(kept, key=lambda pair: -price(pair[0]))
    return str(titles[0][0]["title"]) if titles else None


def _products(
    desk: Desk, ctx: Context, shop: Shop, order: Order, message: Message, seeds: Sequence[str], given: Shown
) -> tuple[ProductView, ...]:
    wanted = {"thank_you": HINT, "cross_sell": SUGGESTIONS, "cross_sell_follow_up": 2 * SUGGESTIONS}.get(message.step)
    if not wanted:
        return ()
    found = _affordable(desk.suggestions(shop, order, seeds, wanted), given.price_at_most)
    if message.step == "cross_sell_follow_up" and len(found) > SUGGESTIONS:
        found = found[SUGGESTIONS:]  # the cross-sell showed the first ones
    quotes = _quotes(desk, shop, order, [item.product_id for item in found[:SUGGESTIONS]], message.step)
    return tuple(
        ProductView(
            title=item.title,
            url=f"{ctx.settings.public_url}/c/{ctx.tokens.make(CLICK, message.id, item.url)}",
            price=item.price,
            image_url=item.image_url,
            rating=item.rating,
            rating_count=item.rating_count,
            buyers=item.buyers if item.buyers >= WORTH_TELLING else 0,
            quote=quotes.get(item.product_id),
            why=Why(item.title, item.reason, item.because, item.buyers),
        )
        for item in found[:SUGGESTIONS]
        if item.product_id not in given.exclusive_ids
    )


def _quotes(
    desk: Desk, shop: Shop, order: Order, product_ids: Sequence[str], step: str
) -> dict[str, QuoteView]:
    """What other customers wrote of the products, in this one's language: shown by the reminder only."""
    if step != "cross_sell_follow_up":
        return {}
    language = text_language(order.locale or desk.settings_of(shop).language or shop.locale)
    quotes: dict[str, QuoteView] = {}
    for id_, one in desk.reviews(shop, product_ids, language).items():
        quote = QuoteView(words=one.words, stars=one.stars, by=one.first_name, on=one.given_at)
        if quote not in quotes.values():  # who wrote of two things is quoted once
            quotes[id_] = quote
    return quotes


def _affordable(found: list[Recommendation], price_at_most: Money | None) -> list[Recommendation]:
    """What costs no more comes first: a customer to whom all is dearer still sees what goes with what they have."""
    if price_at_most is None:
        return found
    limit = price_at_most

    def dear(one: Recommendation) -> bool:
        return one.price is not None and (one.price.currency != limit.currency or one.price.minor > limit.minor)

    return sorted(found, key=dear)
