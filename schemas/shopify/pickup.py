"""Whether an order's shipping method is a pick-up in the shop.

Payloads have no field for it: `delivery_category` is null in practice, and the native pick-up puts the location's name
into `code` and `title`. So the words of the method decide. They are those of Shopify's checkout for local pick-up and
of the usual pick-up apps, in the languages of the bigger markets. Parcel shops and lockers are deliveries by a carrier.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.fields import Flag, Text, Word
from schemas.shopify.base import Data, PayloadSchema

_PICKUP = re.compile(
    r"\b(?:store|local|in[- ]?store|curbside|kerbside|free|shop|warehouse|customer)[ _-]*pick[ _-]?up\b"
    r"|\bpick[ _-]?up[ _-]+(?:in|at|from)[ _-]+(?:the[ _-]+|our[ _-]+)?(?:store|shop|studio|warehouse)\b"
    r"|\bpick[ _-]?up[ _-]+in[ _-]?store\b|\bclick[ _]*(?:&|and|\+|n)[ _]*collect\b|\bbopis\b"
    r"|\bcollect(?:ion)? (?:in|from) (?:the )?(?:store|shop)\b"
    r"|^\W*pick[ _-]?up\W*$"
    r"|픽업|매장 ?수령|방문 ?수령|店頭受(?:け)?取|店舗受(?:け)?取|门店自提|門市自取|到店自提|店取"
    r"|\b(?:selbst)?abholung\b|\bim laden abholen\b|\bretrait en (?:magasin|boutique)\b|^\W*retrait\W*$"
    r"|\brecog(?:ida|er) en (?:la )?tienda\b|\britiro in negozio\b|\bafhalen(?: in de)? winkel\b|\bretirada na loja\b",
    re.IGNORECASE,
)
_CARRIER_POINT = re.compile(
    r"\b(?:pick[ _-]?up|access|drop)[ _-]*(?:point|station)|locker|packstation|paketshop|parcel ?shop|point[- ]relais"
    r"|relais|택배|편의점|무인",
    re.IGNORECASE,
)
_CATEGORIES = frozenset({"pickup", "pick_up", "pick-up", "local_pickup", "local pickup", "store_pickup"})


class ShippingLineSchema(PayloadSchema):
    code = Text(255)
    title = Text(255)
    delivery_category = Word()
    is_removed = Flag()


def is_pickup(lines: Sequence[Data]) -> bool:
    """True when there is a shipping line and every one that was not removed is a pick-up."""
    kept = [line for line in lines if not line["is_removed"]]
    return bool(kept) and all(_says_pickup(line) for line in kept)


def _says_pickup(line: Data) -> bool:
    if line["delivery_category"] in _CATEGORIES:
        return True
    words = [line["code"] or "", line["title"] or ""]
    return any(map(_PICKUP.search, words)) and not any(map(_CARRIER_POINT.search, words))
