"""A message's values as its templates print them: formatted, cut to a sane length, with every address checked.

Nothing is escaped here; the HTML templates do that. What is missing is None, so that Liquid's `if` reads it as no.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from plugin.content import formats
from plugin.content.colours import button_colours
from plugin.content.model import LineView, MessageView, ParcelView, ProductView, QuoteView, ShopView
from plugin.content.offer_values import offer_values
from plugin.content.safe_text import block, mail_href, one_line, phone_href, safe_url, unlinked, with_query

MARKETING_STEPS = frozenset({"cross_sell", "cross_sell_follow_up"})
SHOWN_LINES = 20
_SHOWN_PARCELS = 10
_SHOWN_NUMBERS = 5
_SHOWN_PRODUCTS = 6
_QUOTED = 1_000  # characters of a review: all of it, since longer ones are none
_SCORES = tuple((f"survey_{score}", f"score={score}") for score in range(1, 6))

Values = dict[str, Any]


def is_marketing(view: MessageView) -> bool:
    """Whether the message must carry what the law asks of advertising."""
    return view.marketing or view.step in MARKETING_STEPS


def template_values(view: MessageView) -> Values:
    """Everything that the templates of a message read, but for `subject` and the merchant's opening."""
    locale = view.locale
    lines, more_lines = _lines(view.lines, locale)
    status_url = safe_url(view.status_url)
    enjoyed = one_line(view.enjoyed, 120)
    parcels = _parcels(view.parcels, locale)
    printed = [*lines, *(line for parcel in parcels["parcels"] for line in parcel["lines"] or ())]
    return {
        "language": formats.text_language(locale),
        "shop": _shop(view.shop),
        "name": formats.customer_name(view.first_name, view.last_name, locale),
        "order_name": one_line(view.order_name, 40) or "",
        "order_date": formats.local_day(view.placed_at, locale, view.timezone),
        "lines": lines,
        "more_lines": more_lines,
        "has_images": any(line["image_url"] for line in printed),
        "total": formats.money(view.total, locale) if view.total else None,
        "status_url": status_url,
        "window": formats.window(*view.window, locale) if view.window else None,
        "estimated": view.estimated,
        "pickup": view.pickup,
        "digital": view.digital,
        "physical": not (view.pickup or view.digital),
        "more_parcels": view.more_parcels,
        "tells_shipped": view.tells_shipped,
        "tells_delivered": view.tells_delivered,
        "how_to": _how_to(view.lines) or None,
        "enjoyed": enjoyed,
        "told": one_line(view.told, 60),
        "mended": one_line(view.mended, 1000),
        "enjoyed_short": one_line(view.enjoyed, 40),
        "minutes": formats.number(max(1, view.survey_minutes), locale),
        "one_minute": view.survey_minutes <= 1,
        "asked": one_line(view.survey_question, 200),
        "scale": view.survey_scale,
        "marketing": is_marketing(view),
        "unsubscribe": _unsubscribe(view),
        "dot": safe_url(view.links.opened),
        **parcels,
        **_products(view.products, locale, view.timezone),
        **offer_values(view),
        **_taps(view),
    }


def merchant_values(view: MessageView, values: Values) -> Values:
    """What a merchant's own Liquid may print (`merchant_liquid.VARIABLES`); nothing is undefined."""
    return {
        "name": values["name"] or "",
        "first_name": one_line(formats.plausible_name(view.first_name)) or "",
        "last_name": one_line(formats.plausible_name(view.last_name)) or "",
        "order_name": values["order_name"],
        "order_date": values["order_date"],
        "total": values["total"] or "",
        "delivery_window": values["window"] or "",
        "enjoyed": values["enjoyed"] or "",
        "shop_name": values["shop"]["name"],
        "shop_url": values["shop"]["url"],
        "status_url": values["status_url"] or "",
        "titles": [line["title"] for line in values["lines"]],
    }


@lru_cache(maxsize=256)
def _shop(shop: ShopView) -> Values:
    colour, ink = button_colours(shop.colour)
    name = one_line(shop.name, 100) or ""
    phone = one_line(shop.support_phone, 60)
    email = one_line(shop.support_email, 254) or ""
    return {
        "name": name,
        "url": safe_url(shop.url) or "",
        "email": email,
        "email_href": mail_href(email),
        "phone": phone,
        "phone_href": phone_href(phone) if phone else None,
        "hours": one_line(shop.support_hours, 120),
        "help_url": safe_url(shop.help_url),
        "logo_url": safe_url(shop.logo_url),
        "colour": colour,
        "ink": ink,
        "legal_name": one_line(shop.legal_name) or name,
        "address_lines": [
            kept for line in block(shop.postal_address or "", 500).split("\n") if (kept := one_line(line))
        ],
    }


def _lines(lines: Iterable[LineView], locale: str, *, priced: bool = True) -> tuple[list[Values], int | None]:
    """The first lines as rows, and how many more there are (None: none)."""
    present = [line for line in lines if line.quantity > 0]
    rows = [
        {
            "title": one_line(line.title) or "–",
            "variant": one_line(line.variant, 120),
            "amount": _amount(line, locale, priced=priced),
            "image_url": safe_url(line.image_url),
        }
        for line in present[:SHOWN_LINES]
    ]
    return rows, len(present) - SHOWN_LINES if len(present) > SHOWN_LINES else None


def _amount(line: LineView, locale: str, *, priced: bool) -> str:
    quantity = formats.number(line.quantity, locale)
    return f"{quantity} × {formats.money(line.price, locale)}" if priced and line.price else f"× {quantity}"


def _how_to(lines: Iterable[LineView]) -> list[Values]:
    guides: dict[str, Values] = {}  # by address: two sizes of one thing share a guide
    for line in lines:
        if line.quantity > 0 and (url := safe_url(line.how_to_url)):
            guides.setdefault(url, {"title": one_line(line.title, 100) or "–", "url": url})
    return list(guides.values())[:SHOWN_LINES]


def _parcels(parcels: tuple[ParcelView, ...], locale: str) -> Values:
    rows: list[Values] = []
    for parcel in parcels[:_SHOWN_PARCELS]:
        lines, more_lines = _lines(parcel.lines, locale, priced=False)
        tracking = _tracking(parcel)
        rows.append(
            {
                "carrier": one_line(parcel.carrier, 80),
                "tracking": tracking,
                "has_number": any(tracked["number"] for tracked in tracking),
                "has_link": any(tracked["url"] for tracked in tracking),
                "lines": lines or None,
                "more_lines": more_lines,
            }
        )
    tracked = [each for row in rows for each in row["tracking"]]
    numbers = {each["number"] for each in tracked if each["number"]}
    carriers = {row["carrier"] for row in rows if row["carrier"]}
    return {
        "parcels": rows,
        "one_parcel": len(rows) <= 1,
        "can_follow": bool(tracked),
        "has_link": any(each["url"] for each in tracked),
        "has_number": bool(numbers),
        "one_number": next(iter(numbers)) if len(numbers) == 1 else None,
        "one_carrier": next(iter(carriers)) if len(carriers) == 1 else None,
    }


def _tracking(parcel: ParcelView) -> list[Values]:
    numbers = [one_line(number, 60) for number in parcel.tracking_numbers[:_SHOWN_NUMBERS]]
    urls = [safe_url(url) for url in parcel.tracking_urls[:_SHOWN_NUMBERS]]
    longest = max(len(numbers), len(urls))
    numbers += [None] * (longest - len(numbers))
    urls += [None] * (longest - len(urls))
    pairs = zip(numbers, urls, strict=True)
    return [{"number": number, "url": url} for number, url in pairs if number or url]


def _products(products: tuple[ProductView, ...], locale: str, timezone: str) -> Values:
    rows = []
    for product in products:
        title, url = one_line(product.title, 120), safe_url(product.url)
        if not title or not url:
            continue
        # No answers, no rating: nothing that customers are said to say is made up.
        rated = product.rating is not None and 1 <= product.rating <= 5 and product.rating_count > 0
        rows.append(
            {
                "title": title,
                "url": url,
                "price": formats.money(product.price, locale) if product.price else None,
                "image_url": safe_url(product.image_url),
                "rating": formats.number(product.rating or 0, locale) if rated else None,
                "answers": formats.number(product.rating_count, locale),
                "one_answer": product.rating_count == 1,
                "buyers": formats.number(product.buyers, locale) if product.buyers > 0 else None,
                "one_buyer": product.buyers == 1,
                **_quote(product.quote, locale, timezone),
            }
        )
    rows = rows[:_SHOWN_PRODUCTS]
    return {
        "products": rows or None,
        "product_images": any(row["image_url"] for row in rows),
        "voiced": any(row["rating"] for row in rows),
        "quoted": any(row["quote"] for row in rows),
        "chosen": any(row["buyers"] for row in rows),
    }


def _quote(quote: QuoteView | None, locale: str, timezone: str) -> Values:
    words = unlinked(one_line(quote.words, _QUOTED) or "") if quote else ""
    if quote is None or not words:
        return {"quote": None, "stars": None, "said_by": None, "said_on": None}
    return {
        "quote": words,
        "stars": formats.number(quote.stars, locale),
        "said_by": one_line(formats.plausible_name(quote.by), 60),
        "said_on": formats.local_day(quote.on, locale, timezone),
    }


def _taps(view: MessageView) -> Values:
    """The links whose query carries the answer."""
    arrived, survey = safe_url(view.links.arrived), safe_url(view.links.survey)
    scores = {name: with_query(survey, query) if survey else None for name, query in _SCORES}
    own = [
        {"label": label, "url": with_query(survey, f"score={answer}")}
        for words, answer in view.survey_taps if survey and (label := one_line(words, 100))
    ]  # fmt: skip
    return scores | {
        "taps": own or None,
        "arrived_yes": with_query(arrived, "answer=yes") if arrived else None,
        "arrived_not_yet": with_query(arrived, "answer=not_yet") if arrived else None,
    }


def _unsubscribe(view: MessageView) -> str | None:
    """Where the reader says no more; never missing from advertising and surveys (with no page: a mail to the shop)."""
    given = safe_url(view.links.unsubscribe)
    if given or not (is_marketing(view) or view.step == "survey"):
        return given
    return mail_href(one_line(view.shop.support_email, 254) or "", subject="Unsubscribe")
