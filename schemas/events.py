"""The vocabulary: what can happen to a shop's orders, whichever platform tells of it. Standard library only.

Every platform schema turns a payload into these, so that the rest of Dasi never sees a platform's shape. Ids are the
platform's ids as strings, moments are aware UTC datetimes, money is minor units and a currency. A snapshot carries
`updated_at`, the platform's own version of it: older news never overwrites newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's minor units (cents; whole won), e.g. `Money(1999, "USD")`."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; every part may be missing."""

    name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None  # ISO 3166-1 alpha-2, upper case


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order. `quantity` as ordered, `current_quantity` what edits and refunds left (None: not told)."""

    line_id: str
    title: str
    quantity: int
    current_quantity: int | None = None
    requires_shipping: bool = True
    product_id: str | None = None
    variant_id: str | None = None
    variant_title: str | None = None
    vendor: str | None = None
    gift_card: bool = False
    price: Money | None = None  # of one unit, in the customer's currency


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """An order as the platform last told it. Every topic that carries a whole order yields this one event."""

    order_id: str
    name: str
    placed_at: datetime
    updated_at: datetime
    lines: tuple[OrderLine, ...]
    total: Money
    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    shipping_address: Address | None = None
    country_code: str | None = None  # of the shipping address, else of the billing address
    financial_status: str | None = None
    fulfillment_status: str | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    test: bool = False
    source_name: str | None = None  # "web", "pos", "shopify_draft_order", an app's id
    pickup: bool = False  # every shipping method of the order is a pick-up
    order_status_url: str | None = None  # a secret: it opens the order without a login
    discount_codes: tuple[str, ...] = ()  # that the customer used, as told, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEdited:
    """Lines added to and removed from an order: (line id, quantity) pairs. Counts only until a newer OrderPlaced."""

    order_id: str
    edit_id: str
    committed_at: datetime
    added: tuple[tuple[str, int], ...] = ()
    removed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDeleted:
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded:
    """Some lines given back: (line id, quantity) pairs; no pairs when only money moved."""

    order_id: str
    refund_id: str
    created_at: datetime
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelShipped:
    """A fulfilment as the platform last told it. `status` is success, cancelled, error, failure, pending, open …"""

    order_id: str
    parcel_id: str
    name: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    shipment_status: str | None = None  # the carrier's newest word, when the platform repeats it here
    tracking_company: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    tracking_urls: tuple[str, ...] = ()  # http(s) only
    lines: tuple[tuple[str, int], ...] = ()  # (line id, quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelTracked:
    """The carrier said something about a parcel: in_transit, delayed, failure …; any word is legal."""

    order_id: str
    parcel_id: str
    event_id: str
    status: str
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelDelivered(ParcelTracked):
    """The carrier says that the parcel arrived."""


class ConsentState(StrEnum):
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    NOT_SUBSCRIBED = "not_subscribed"  # neither a yes nor an opt-out
    PENDING = "pending"  # asked for confirmation: neither


class ConsentSource(StrEnum):
    CONSENT = "consent"  # a consent topic, the customer's record, the API
    CHECKBOX = "checkbox"  # `buyer_accepts_marketing` at an order
    PAGE = "page"  # our own unsubscribe or preference page


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged:
    """One word about consent for an address. `at` is the source's own time; None counts as the oldest."""

    channel: Channel
    address: str  # as told; normalised where it is stored
    state: ConsentState
    source: ConsentSource
    at: datetime | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSeen:
    customer_id: str
    updated_at: datetime | None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDeleted:
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged:
    """Two customers became one: everything of `deleted_id` belongs to `kept_id` now."""

    kept_id: str
    deleted_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSeen:
    """A cart that may be abandoned; stored for the flows to come."""

    token: str
    updated_at: datetime
    created_at: datetime | None = None
    completed_at: datetime | None = None
    email: str | None = None
    phone: str | None = None
    customer_id: str | None = None
    locale: str | None = None
    total: Money | None = None
    recovery_url: str | None = None  # a secret
    lines: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutDeleted:
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSeen:
    """A product of the catalogue. `in_stock` None: the platform does not say. `collections`: titles or types."""

    product_id: str
    title: str
    updated_at: datetime
    handle: str | None = None
    url: str | None = None  # None: the storefront address is built from the handle
    image_url: str | None = None
    price: Money | None = None  # the lowest variant's; the currency "" when the payload does not name one
    published: bool = True
    in_stock: bool | None = None
    product_type: str | None = None
    vendor: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDeleted:
    product_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSeen:
    name: str | None = None
    email: str | None = None
    customer_email: str | None = None
    phone: str | None = None
    domain: str | None = None  # the public storefront's host
    owner: str | None = None
    address: Address | None = None
    currency: str | None = None
    locale: str | None = None
    timezone: str | None = None  # IANA name
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUninstalled:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopesChanged:
    scopes: tuple[str, ...]
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequested:
    """A customer asked the merchant for their data; Dasi collects it for the merchant."""

    request_id: str | None
    customer_id: str | None
    email: str | None
    phone: str | None
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRedacted:
    customer_id: str | None
    email: str | None
    phone: str | None
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRedacted:
    pass


Event = (
    OrderPlaced | OrderEdited | OrderDeleted | OrderRefunded
    | ParcelShipped | ParcelTracked | ParcelDelivered
    | ConsentChanged | CustomerSeen | CustomerDeleted | CustomersMerged
    | CheckoutSeen | CheckoutDeleted | ProductSeen | ProductDeleted
    | ShopSeen | AppUninstalled | ScopesChanged
    | DataRequested | CustomerRedacted | ShopRedacted
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a payload says. No events: it is kept with `reason`, a plain sentence for the merchant's support view."""

    events: tuple[Event, ...]
    reason: str | None = None
