"""Who is kept out of a step, so that it can be seen what the step brings. By a hash: nobody is drawn twice."""

from __future__ import annotations

from hashlib import blake2b

MOST_PERCENT = 50
SUGGESTED_PERCENT = 10
KEPT_OUT = "kept out, to see what this step brings"
TO_BE_KEPT_OUT = "will be kept out when it is due, to see what this step brings"


def place(shop_code: str, customer_id: int, step: str) -> float:
    """The customer's place from 0 up to 1 in the draw of a step: always the same, and another one in each step."""
    digest = blake2b(f"{shop_code}/{step}/{customer_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def kept_out(shop_code: str, customer_id: int, step: str, percent: int) -> bool:
    """Whether a customer belongs to those kept out. With a higher percentage they stay among them."""
    return place(shop_code, customer_id, step) < percent / 100
