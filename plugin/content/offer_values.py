"""Offers, notes and promises as the templates print them. None where there is none."""

from __future__ import annotations

from typing import Any

from plugin.content import formats
from plugin.content.model import MessageView, OfferView
from plugin.content.safe_text import block, one_line, safe_url
from schemas.offers import CODES, FREE_SHIPPING, GIFT_CARD, PERCENTAGE, STORE_CREDIT


def offer_values(view: MessageView) -> dict[str, Any]:
    note, early = view.note, view.early
    early_url = safe_url(early.url) if early else None
    return {
        "offer": offer_shown(view.offer, view.locale, view.timezone) if view.offer else None,
        "promise": offer_shown(view.promise, view.locale, view.timezone) if view.promise else None,
        "note": {
            "lines": [kept for line in block(note.words or "", 1000).split("\n") if (kept := one_line(line, 1000))]
            or None,
            "signed_by": one_line(note.signed_by, 120) or "",
        } if note else None,
        "early": {"words": one_line(early.words, 300), "url": early_url} if early and early_url else None,
    }  # fmt: skip


def offer_shown(offer: OfferView, locale: str, timezone: str) -> dict[str, Any]:
    """`worth`: an amount or a percentage; `until`: the customer's last whole day to use it."""
    worth = formats.money(offer.amount, locale) if offer.amount else None
    if offer.kind == PERCENTAGE:
        worth = f"{offer.percent}%"
    return {
        "off": offer.kind in CODES and offer.kind != FREE_SHIPPING,
        "ships": offer.kind == FREE_SHIPPING,
        "credit": offer.kind == STORE_CREDIT,
        "card": offer.kind == GIFT_CARD,
        "worth": worth,
        "minimum": formats.money(offer.minimum, locale) if offer.minimum else None,
        "code": one_line(offer.code, 40),
        "until": formats.local_day(offer.expires_at, locale, timezone) if offer.expires_at else None,
        "days": offer.days,
        "one_day": offer.days == 1,
        "url": safe_url(offer.url),
    }
