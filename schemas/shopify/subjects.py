"""Whom a body is about, for any topic and any body: so that a kept receipt can be found again and erased."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import ValidationError

from schemas.shopify.base import AnyId, Payload, Rejected, choose_id, number_of
from schemas.shopify.topics import read_object

_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{1,252}", re.ASCII)
_KINDS = ("Customer", "Order")
_IDS = {kind: AnyId(kind) for kind in _KINDS}
# JSON may write a slash as \/. The last resort, so that it also serves bodies that are not JSON at all.
_ANYWHERE = {kind: re.compile(rf"gid:(?:\\?/){{2}}shopify\\?/{kind}\\?/([0-9]{{1,20}})".encode()) for kind in _KINDS}
_OWN = {  # topics, by their first word, whose `id` is the customer's or the order's
    "customers": "Customer",
    "customers_marketing_consent": "Customer",
    "orders": "Order",
}
_REFERENCES = {
    "Customer": ("customer_id", "customerId", "admin_graphql_api_customer_id", "admin_graphql_api_customer_kept_id"),
    "Order": ("order_id", "orderId", "admin_graphql_api_order_id"),
}


class Subjects(NamedTuple):
    """Ids as `parse` gives them; `shop_domain` in lower case, None for a placeholder that is no host name."""

    customer_id: str | None
    order_id: str | None
    shop_domain: str | None


def body_subjects(body: bytes, topic: str = "") -> Subjects:
    """The customer, the order and the shop that a body names, as far as it does. Never raises.

    With the header's `topic` a bare `id` is understood too (orders/delete has nothing else).
    """
    try:
        payload = read_object(body)
    except Rejected:
        payload = {}
    own = _OWN.get(topic.partition("/")[0])
    return Subjects(_subject("Customer", payload, body, own), _subject("Order", payload, body, own), _shop(payload))


def _subject(kind: str, payload: Payload, body: bytes, own: str | None) -> str | None:
    found = _own_id(kind, payload, bare=own == kind) or _referred(kind, payload)
    if found:
        return found
    for inner in payload.values():
        if isinstance(inner, Mapping) and (found := _referred(kind, inner)):
            return found
    match = _ANYWHERE[kind].search(body)
    return str(int(match[1])) if match and int(match[1]) else None


def _own_id(kind: str, payload: Payload, *, bare: bool) -> str | None:
    """The payload's own id when it is an object of this kind."""
    text = number_of(payload.get("admin_graphql_api_id"), kind)
    return choose_id(_id(kind, payload.get("id")), text) if text or bare else None


def _referred(kind: str, payload: Payload) -> str | None:
    inner = payload.get(kind.lower())
    if isinstance(inner, Mapping) and (found := _own_id(kind, inner, bare=True)):
        return found
    return next(filter(None, (_id(kind, payload.get(key)) for key in _REFERENCES[kind])), None)


def _id(kind: str, value: Any) -> str | None:
    try:
        found: str | None = _IDS[kind].deserialize(value)
    except ValidationError:
        return None
    return found


def _shop(payload: Payload) -> str | None:
    shop = payload.get("shop")
    for holder in (payload, shop if isinstance(shop, Mapping) else {}):
        for key in ("shop_domain", "myshopify_domain"):
            value = holder.get(key)
            host = value.strip().lower() if isinstance(value, str) else ""
            if _HOST.fullmatch(host):
                return host
    return None
