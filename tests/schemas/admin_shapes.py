"""One order, customer, product and shop as a webhook tells of it and as the GraphQL Admin API does."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]

ORDER_ID, CUSTOMER_ID, PARCEL_ID = 6123456789012, 7123456789012, 5123456789012
URL = "https://haneul.example/548380009/orders/abc/authenticate?key=hush"


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def sets(amount: str, currency: str = "KRW", shop_amount: str = "1.00") -> Node:
    return {
        "shop_money": {"amount": shop_amount, "currency_code": "EUR"},
        "presentment_money": {"amount": amount, "currency_code": currency},
    }


def bag(amount: str, currency: str = "KRW") -> Node:
    return {"presentmentMoney": {"amount": amount, "currencyCode": currency}}


def connection(*rows: Node) -> Node:
    return {"nodes": list(rows), "pageInfo": {"hasNextPage": False, "endCursor": None}}


def webhook_order() -> Node:
    """As orders/updated: two lines, one parcel under way, one refund, the box ticked."""
    address = {"first_name": "지민", "last_name": "김", "name": "김 지민", "address1": "종로 1", "address2": None,
               "city": "Seoul", "province": None, "zip": "03154", "country_code": "KR"}  # fmt: skip
    return {
        "id": ORDER_ID, "admin_graphql_api_id": gid("Order", ORDER_ID), "name": "#1042", "email": "jimin@example.com",
        "contact_email": "jimin@example.com", "phone": "+821012345678", "created_at": "2026-11-02T18:00:01+09:00",
        "processed_at": "2026-11-02T18:00:00+09:00", "updated_at": "2026-11-04T12:30:00+09:00", "cancelled_at": None,
        "cancel_reason": None, "currency": "EUR", "presentment_currency": "KRW", "total_price": "40.00",
        "total_price_set": sets("60000", shop_amount="40.00"), "buyer_accepts_marketing": True,
        "customer_locale": "ko-KR", "financial_status": "partially_refunded", "fulfillment_status": "partial",
        "test": False, "source_name": "web", "order_status_url": URL,
        "discount_codes": [{"code": "DS-7QK2M-XW4RT", "amount": "5.00", "type": "fixed_amount"}],
        "customer": {"id": CUSTOMER_ID, "admin_graphql_api_id": gid("Customer", CUSTOMER_ID),
                     "email": "jimin@example.com", "phone": None, "first_name": "지민", "last_name": "김",
                     "updated_at": "2026-11-02T18:00:02+09:00"},
        "shipping_address": address, "billing_address": address | {"country_code": "US"},
        "shipping_lines": [{"id": 1, "code": "Standard", "title": "Standard", "delivery_category": None}],
        "line_items": [
            {"id": 11, "admin_graphql_api_id": gid("LineItem", 11), "title": "Green tea", "name": "Green tea - 100 g",
             "quantity": 2, "current_quantity": 2, "requires_shipping": True, "product_id": 71, "variant_id": 81,
             "variant_title": "100 g", "vendor": "Haneul", "gift_card": False, "price": "12.50",
             "price_set": sets("18000", shop_amount="12.50")},
            {"id": 12, "admin_graphql_api_id": gid("LineItem", 12), "title": "Engraving", "name": "Engraving",
             "quantity": 1, "current_quantity": 0, "requires_shipping": False, "product_id": None, "variant_id": None,
             "variant_title": None, "vendor": None, "gift_card": False, "price": "15.00",
             "price_set": sets("24000", shop_amount="15.00")},
        ],
        "fulfillments": [
            {"id": PARCEL_ID, "admin_graphql_api_id": gid("Fulfillment", PARCEL_ID), "order_id": ORDER_ID,
             "name": "#1042.1", "status": "success", "shipment_status": "in_transit",
             "created_at": "2026-11-03T10:00:00+09:00", "updated_at": "2026-11-03T15:00:00+09:00",
             "tracking_company": "CJ Logistics", "tracking_number": "123", "tracking_numbers": ["123", "124"],
             "tracking_url": "https://track.example/123",
             "tracking_urls": ["https://track.example/123", "https://track.example/124"],
             "line_items": [{"id": 11, "admin_graphql_api_id": gid("LineItem", 11), "quantity": 2}]},
        ],
        "refunds": [
            {"id": 31, "admin_graphql_api_id": gid("Refund", 31), "order_id": ORDER_ID,
             "created_at": "2026-11-04T12:30:00+09:00", "processed_at": "2026-11-04T12:30:00+09:00",
             "refund_line_items": [{"id": 41, "line_item_id": 12, "quantity": 1, "line_item":
                                    {"id": 12, "admin_graphql_api_id": gid("LineItem", 12)}}]},
        ],
    }  # fmt: skip


def webhook_tracking() -> Node:
    """As fulfillment_events/create."""
    return {"id": 51, "admin_graphql_api_id": gid("FulfillmentEvent", 51), "order_id": ORDER_ID,
            "fulfillment_id": PARCEL_ID, "status": "in_transit", "happened_at": "2026-11-03T15:00:00+09:00",
            "created_at": "2026-11-03T15:01:00+09:00"}  # fmt: skip


def api_order() -> Node:
    """As the fragment OrderParts."""
    address = {"firstName": "지민", "lastName": "김", "name": "김 지민", "address1": "종로 1", "address2": None,
               "city": "Seoul", "province": None, "zip": "03154", "countryCodeV2": "KR"}  # fmt: skip
    return {
        "id": gid("Order", ORDER_ID), "name": "#1042", "createdAt": "2026-11-02T09:00:01Z",
        "processedAt": "2026-11-02T09:00:00Z", "updatedAt": "2026-11-04T03:30:00Z", "cancelledAt": None,
        "cancelReason": None, "email": "jimin@example.com", "phone": "+821012345678", "customerLocale": "ko-KR",
        "customerAcceptsMarketing": True, "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "displayFulfillmentStatus": "PARTIALLY_FULFILLED", "test": False, "sourceName": "web", "statusPageUrl": URL,
        "totalPriceSet": bag("60000.0"), "discountCodes": ["DS-7QK2M-XW4RT"],
        "customer": {"id": gid("Customer", CUSTOMER_ID), "firstName": "지민", "lastName": "김",
                     "updatedAt": "2026-11-02T09:00:02Z", "defaultEmailAddress": {"emailAddress": "jimin@example.com"},
                     "defaultPhoneNumber": None},
        "shippingAddress": address, "billingAddress": address | {"countryCodeV2": "US"},
        "shippingLines": connection({"code": "Standard", "title": "Standard", "deliveryCategory": None}),
        "lineItems": connection(
            {"id": gid("LineItem", 11), "title": "Green tea", "name": "Green tea - 100 g", "quantity": 2,
             "currentQuantity": 2, "requiresShipping": True, "isGiftCard": False, "variantTitle": "100 g",
             "vendor": "Haneul", "product": {"id": gid("Product", 71)}, "variant": {"id": gid("ProductVariant", 81)},
             "originalUnitPriceSet": bag("18000.0")},
            {"id": gid("LineItem", 12), "title": "Engraving", "name": "Engraving", "quantity": 1, "currentQuantity": 0,
             "requiresShipping": False, "isGiftCard": False, "variantTitle": None, "vendor": None, "product": None,
             "variant": None, "originalUnitPriceSet": bag("24000.0")},
        ),
        "fulfillments": [
            {"id": gid("Fulfillment", PARCEL_ID), "name": "#1042.1", "status": "SUCCESS",
             "displayStatus": "IN_TRANSIT", "createdAt": "2026-11-03T01:00:00Z", "updatedAt": "2026-11-03T06:00:00Z",
             "deliveredAt": None,
             "trackingInfo": [
                 {"company": "CJ Logistics", "number": "123", "url": "https://track.example/123"},
                 {"company": "CJ Logistics", "number": "124", "url": "https://track.example/124"}],
             "fulfillmentLineItems": connection({"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}),
             "events": connection({"id": gid("FulfillmentEvent", 51), "status": "IN_TRANSIT",
                                   "happenedAt": "2026-11-03T06:00:00Z", "createdAt": "2026-11-03T06:01:00Z"})},
        ],
        "refunds": [
            {"id": gid("Refund", 31), "createdAt": "2026-11-04T03:30:00Z", "processedAt": "2026-11-04T03:30:00Z",
             "refundLineItems": connection({"quantity": 1, "lineItem": {"id": gid("LineItem", 12)}})},
        ],
    }  # fmt: skip


def webhook_product() -> Node:
    return {
        "id": 71, "admin_graphql_api_id": gid("Product", 71), "title": "Green tea", "handle": "green-tea",
        "status": "active", "created_at": "2026-01-01T09:00:00+09:00", "updated_at": "2026-11-01T09:00:00+09:00",
        "published_at": "2026-01-02T09:00:00+09:00", "product_type": "Tea", "vendor": "Haneul", "tags": "green, loose",
        "image": {"src": "https://cdn.example/tea.jpg"},
        "variants": [
            {"id": 81, "price": "12.50", "inventory_quantity": 3, "inventory_policy": "deny",
             "inventory_management": "shopify"},
            {"id": 82, "price": "20.00", "inventory_quantity": 0, "inventory_policy": "deny",
             "inventory_management": "shopify"}],
        "variant_gids": [{"admin_graphql_api_id": gid("ProductVariant", n)} for n in (81, 82)],
    }  # fmt: skip


def api_product() -> Node:
    return {
        "id": gid("Product", 71), "title": "Green tea", "handle": "green-tea", "status": "ACTIVE",
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-11-01T00:00:00Z", "publishedAt": "2026-01-02T00:00:00Z",
        "onlineStoreUrl": "https://haneul.example/products/green-tea", "productType": "Tea", "vendor": "Haneul",
        "tags": ["green", "loose"],
        "featuredMedia": {"__typename": "MediaImage", "preview": {"image": {"url": "https://cdn.example/tea.jpg"}}},
        "priceRangeV2": {"minVariantPrice": {"amount": "12.5"}},
        "variants": connection({"availableForSale": True}, {"availableForSale": False}),
    }  # fmt: skip


def webhook_customer() -> Node:
    """With the consent that a topic of its own tells."""
    return {
        "id": CUSTOMER_ID, "admin_graphql_api_id": gid("Customer", CUSTOMER_ID), "email": "jimin@example.com",
        "phone": None, "first_name": "지민", "last_name": "김", "locale": "ko",
        "updated_at": "2026-11-02T18:00:02+09:00",
        "email_marketing_consent": {"state": "unsubscribed", "opt_in_level": "single_opt_in",
                                    "consent_updated_at": "2026-11-01T00:00:00Z"},
    }  # fmt: skip


def api_customer() -> Node:
    return {
        "id": gid("Customer", CUSTOMER_ID), "firstName": "지민", "lastName": "김", "locale": "ko",
        "updatedAt": "2026-11-02T09:00:02Z", "defaultPhoneNumber": None,
        "defaultEmailAddress": {"emailAddress": "jimin@example.com", "marketingState": "UNSUBSCRIBED",
                                "marketingUpdatedAt": "2026-11-01T00:00:00Z"},
    }  # fmt: skip


def webhook_shop() -> Node:
    return {
        "id": 1, "name": "Haneul", "email": "owner@haneul.example", "customer_email": "help@haneul.example",
        "phone": "+82 2 555 0100", "domain": "haneul.example", "myshopify_domain": "haneul.myshopify.com",
        "shop_owner": "Sam Owner", "address1": "12 Bukchon-ro", "address2": "", "city": "Seoul", "province": "",
        "zip": "03052", "country_code": "KR", "currency": "EUR", "primary_locale": "ko",
        "iana_timezone": "Asia/Seoul", "updated_at": "2026-11-01T09:00:00+09:00",
    }  # fmt: skip


def api_shop() -> Node:
    return {
        "name": "Haneul", "email": "owner@haneul.example", "contactEmail": "help@haneul.example",
        "shopOwnerName": "Sam Owner", "currencyCode": "EUR", "ianaTimezone": "Asia/Seoul",
        "updatedAt": "2026-11-01T00:00:00Z", "primaryDomain": {"host": "haneul.example"},
        "shopAddress": {"address1": "12 Bukchon-ro", "address2": None, "city": "Seoul", "province": None,
                        "zip": "03052", "countryCodeV2": "KR", "phone": "+82 2 555 0100"},
    }  # fmt: skip
