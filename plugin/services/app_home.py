"""A merchant opens the app inside the platform's admin: the shop becomes known to us, and we get our own token."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from plugin.platforms.shopify.errors import AdminError
from plugin.queues import SHOPS
from plugin.services import leases, shop_tokens
from plugin.services.context import Context
from plugin.services.shop_tokens import NoToken
from plugin.services.shops import find_shop, register
from plugin.store.models.platform import ShopToken

PAUSE_SECONDS = 30.0  # between two tries for one shop: a page must not wait for a platform that is down

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """`trouble`: a code of what did not work at the first contact (None: all well); the page says it in words."""

    shop_id: int
    trouble: str | None = None


def arrive(ctx: Context, domain: str, session_token: str) -> Arrival:
    """The shop of a verified session token, registered (not live) when it is new.

    Until we hold a token of the shop's, the session token is traded for one, which starts the first synchronisation;
    afterwards this is one look-up. Nothing that the platform does makes it raise.
    """
    with ctx.database.reading() as session:
        shop = find_shop(session, domain)
        if shop is not None and shop.uninstalled_at is None and _holds(session.get(ShopToken, shop.id)):
            return Arrival(shop.id)
    if shop is None:
        with ctx.database.transaction() as session:
            shop = register(session, domain, ctx.clock.now())
    with ctx.database.transaction() as session:
        mine = leases.acquire(session, f"exchange:{shop.id}", uuid.uuid4().hex, PAUSE_SECONDS)
    if not mine:
        return Arrival(shop.id, "exchange")
    try:
        shop_tokens.exchange(ctx, shop.id, session_token)
    except (NoToken, AdminError) as exc:
        log.warning("token_not_exchanged", extra={"shop": shop.id, "kind": type(exc).__name__})
        return Arrival(shop.id, "exchange")
    ctx.queues.nudge(SHOPS)
    return Arrival(shop.id)


def _holds(token: ShopToken | None) -> bool:
    """Whether our access needs nothing of the merchant; the exchange itself looks more closely."""
    if token is None or token.lapsed_at is not None:
        return False
    return token.refresh_expires_at is None or token.refresh_expires_at > datetime.now(UTC)
