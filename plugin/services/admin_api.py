"""A shop's Admin API with its token in hand."""

from __future__ import annotations

from plugin.platforms.shopify.admin import PATIENCE, AdminClient
from plugin.services import shop_tokens
from plugin.services.context import Context
from plugin.services.shops import shop_of


def admin(ctx: Context, shop_id: int, *, patience: float = PATIENCE) -> AdminClient:
    """The client for one shop; its first call looks for the token. `patience`: seconds that one call may wait in all.

    Raises UnknownShop; its calls raise what `AdminClient.ask` does, NoToken too.
    """
    with ctx.database.reading() as session:
        domain = shop_of(session, shop_id).domain

    def token(spent: str | None = None) -> str:
        return shop_tokens.access_token(ctx, shop_id, spent)

    return AdminClient(domain, ctx.settings.shopify_api_version, ctx.shopify, token, patience=patience)
