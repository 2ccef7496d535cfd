"""shop/update."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas.events import Address, Parsed, ShopSeen
from schemas.fields import Blankable, CountryCode, CurrencyCode, Email, Locale, Moment, Phone, Text
from schemas.shopify.base import Payload, PayloadSchema, load

_HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)


class Host(Blankable):
    """A host name in lower case; anything else is dropped."""

    def read(self, value: Any) -> str | None:
        host = value.strip().lower() if isinstance(value, str) else ""
        return host if _HOST.fullmatch(host) else None


class Timezone(Blankable):
    """An IANA name that the time-zone database knows; anything else is dropped."""

    def read(self, value: Any) -> str | None:
        try:
            return ZoneInfo(value).key if isinstance(value, str) and len(value) <= 64 else None
        except (KeyError, ValueError, OSError):
            return None


class ShopSchema(PayloadSchema):
    name = Text(255)
    email = Email()
    customer_email = Email()
    phone = Phone()
    domain = Host()
    shop_owner = Text(200)
    address1 = Text(255)
    address2 = Text(255)
    city = Text(100)
    province = Text(100)
    zip = Text(32)
    country_code = CountryCode()
    currency = CurrencyCode()
    primary_locale = Locale()
    iana_timezone = Timezone()
    updated_at = Moment(lenient=True)


SHOP = ShopSchema()


def parse_shop(payload: Payload, triggered_at: datetime | None) -> Parsed:
    data = load(SHOP, payload)
    parts = {part: data[part] for part in ("address1", "address2", "city", "province", "zip", "country_code")}
    event = ShopSeen(
        name=data["name"],
        email=data["email"],
        customer_email=data["customer_email"],
        phone=data["phone"],
        domain=data["domain"],
        owner=data["shop_owner"],
        address=Address(**parts) if any(parts.values()) else None,
        currency=data["currency"],
        locale=data["primary_locale"],
        timezone=data["iana_timezone"],
        updated_at=data["updated_at"] or triggered_at,
    )
    if event == ShopSeen(updated_at=event.updated_at):
        return Parsed((), "the payload says nothing about the shop")
    return Parsed((event,))
