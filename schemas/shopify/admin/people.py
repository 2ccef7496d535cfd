"""Customers and their consent, products and the shop itself, from the GraphQL Admin API to events."""

from __future__ import annotations

from schemas.events import Event, ScopesChanged
from schemas.shopify.admin.nodes import Node, Payload, next_cursor, nodes, part, unwrap, word
from schemas.shopify.app import parse_scopes
from schemas.shopify.customers import parse_customer
from schemas.shopify.products import parse_product
from schemas.shopify.shop import parse_shop


def customer_events(node: Node) -> tuple[Event, ...]:
    """Of one customer: who they are, and the word of consent for their address. Raises Rejected."""
    email = node.get("defaultEmailAddress")
    return unwrap(parse_customer({
        "admin_graphql_api_id": node.get("id"),
        "first_name": node.get("firstName"),
        "last_name": node.get("lastName"),
        "locale": node.get("locale"),
        "updated_at": node.get("updatedAt"),
        "email": part(email, "emailAddress"),
        "phone": part(node, "defaultPhoneNumber", "phoneNumber"),
        "email_marketing_consent": {
            "state": word(part(email, "marketingState")),
            "consent_updated_at": part(email, "marketingUpdatedAt"),
        } if email else None,
    }, None))  # fmt: skip


def product_events(node: Node) -> tuple[Event, ...]:
    """Of one product. Whether it can be bought is asked of its variants as a whole. Raises Rejected."""
    variants = nodes(node.get("variants"))
    told = [_variant(variant) for variant in variants]
    price = part(node, "priceRangeV2", "minVariantPrice", "amount")
    if told:
        told[0] = {**told[0], "price": price}
    rest = 1 if next_cursor(node.get("variants")) else 0
    published = node.get("publishedAt") or (node.get("updatedAt") if node.get("onlineStoreUrl") else None)
    return unwrap(parse_product({
        "admin_graphql_api_id": node.get("id"),
        "title": node.get("title"),
        "handle": node.get("handle"),
        "status": word(node.get("status")),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "published_at": published,
        "product_type": node.get("productType"),
        "vendor": node.get("vendor"),
        "tags": node.get("tags"),
        "image": {"src": part(node, "featuredMedia", "preview", "image", "url")},
        "variants": told or [{"price": price}],
        "variant_gids": [{}] * (len(told) + rest),
    }, None))  # fmt: skip


def _variant(variant: Node) -> Payload:
    """A variant that can be bought counts as one that may be oversold, another as one without stock."""
    on_sale = bool(variant.get("availableForSale"))
    return {
        "inventory_quantity": 0,
        "inventory_policy": "continue" if on_sale else "deny",
        "inventory_management": "shopify",
    }


def shop_events(shop: Node, locale: str | None) -> tuple[Event, ...]:
    """Of the shop. `locale`: its primary one, which is told apart. Raises Rejected."""
    address = shop.get("shopAddress") or {}
    same = ("address1", "address2", "city", "province", "zip")
    return unwrap(parse_shop({
        **{name: part(address, name) for name in same},
        "name": shop.get("name"),
        "email": shop.get("email"),
        "customer_email": shop.get("contactEmail"),
        "phone": part(address, "phone"),
        "domain": part(shop, "primaryDomain", "host"),
        "shop_owner": shop.get("shopOwnerName"),
        "country_code": part(address, "countryCodeV2"),
        "currency": shop.get("currencyCode"),
        "primary_locale": locale,
        "iana_timezone": shop.get("ianaTimezone"),
        "updated_at": shop.get("updatedAt"),
    }, None))  # fmt: skip


def scope_events(installation: Node | None) -> tuple[ScopesChanged, ...]:
    """Of what the shop lets the app do; nothing when it does not say. Raises Rejected."""
    handles = [scope.get("handle") for scope in nodes(part(installation or {}, "accessScopes"))]
    events = unwrap(parse_scopes({"current": handles}, None)) if handles else ()
    return tuple(event for event in events if isinstance(event, ScopesChanged))


def primary_locale(shop_locales: object) -> str | None:
    """Of the answer to ShopLocale."""
    found = (locale.get("locale") for locale in nodes(shop_locales) if locale.get("primary"))
    return next((locale for locale in found if isinstance(locale, str)), None)
