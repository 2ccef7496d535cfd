"""What a message is made of: plain values that the templates read. Nothing here knows the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from schemas.events import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopView:
    """The shop as its customers see it, with the service block's three ways to reach it (reply, phone, help page)."""

    name: str
    url: str  # the storefront
    support_email: str
    support_phone: str | None = None
    support_hours: str | None = None
    help_url: str | None = None
    logo_url: str | None = None
    colour: str = "#1f5f5b"  # of buttons, checked for contrast where it is set
    legal_name: str | None = None
    postal_address: str | None = None  # one line or several


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    title: str
    quantity: int
    variant: str | None = None
    price: Money | None = None  # of one unit
    image_url: str | None = None
    how_to_url: str | None = None  # the merchant's "how to get the most from it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelView:
    name: str | None
    carrier: str | None
    tracking_numbers: tuple[str, ...] = ()
    tracking_urls: tuple[str, ...] = ()
    lines: tuple[LineView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """What a customer wrote and lets others read, as it was written; `by`: the first name."""

    words: str
    stars: int
    by: str | None
    on: datetime


@dataclass(frozen=True, slots=True)
class Why:
    """Why a product is suggested, for the shop to read: together, similar, popular or new; see `recommend`."""

    title: str
    reason: str
    because: str | None  # the title of what the customer bought
    buyers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView:
    """A product to suggest. `rating`: mean satisfaction (1-5) of `rating_count` answers; `buyers`: orders with it.

    `why` is never shown to the customer.
    """

    title: str
    url: str
    price: Money | None = None
    image_url: str | None = None
    rating: float | None = None
    rating_count: int = 0
    buyers: int = 0
    quote: QuoteView | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """What the customer is given: kind as in `schemas.offers`. `days`: for which a promised one will hold."""

    kind: str
    amount: Money | None = None
    percent: int | None = None
    minimum: Money | None = None  # that the order must come to
    days: int | None = None
    code: str | None = None
    expires_at: datetime | None = None
    url: str | None = None  # where to use it


@dataclass(frozen=True, slots=True)
class NoteView:
    """A personal note. `words` None: our own."""

    words: str | None
    signed_by: str


@dataclass(frozen=True, slots=True)
class EarlyView:
    """A way in before others. `words` None: our own."""

    words: str | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Our own pages for this one message. To them `?score=4` or `?answer=yes|not_yet` is added."""

    unsubscribe: str | None = None
    survey: str | None = None
    arrived: str | None = None
    opened: str | None = None  # a picture of one dot, which is asked for when the mail is opened


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """Everything one message says. `locale` is a BCP 47 tag; `timezone` an IANA name for dates in the text."""

    step: str
    locale: str
    timezone: str
    shop: ShopView
    order_name: str
    placed_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    lines: tuple[LineView, ...] = ()
    total: Money | None = None
    status_url: str | None = None  # the platform's order page
    parcels: tuple[ParcelView, ...] = ()
    more_parcels: bool = False  # other lines of the order still wait to be shipped
    window: tuple[date, date] | None = None  # the expected delivery, first and last day
    tells_shipped: bool = True  # the step is switched on, so a message may announce it
    tells_delivered: bool = True
    estimated: bool = False  # nobody has told us that the parcel arrived: ask, do not state
    pickup: bool = False
    digital: bool = False
    survey_minutes: int = 1
    survey_question: str | None = None  # the first one in the merchant's own words
    survey_taps: tuple[tuple[str, str], ...] = ()  # (words, answer): of a first question that is no satisfaction
    survey_scale: bool = False  # they are the numbers of a recommendation
    products: tuple[ProductView, ...] = ()  # to suggest; empty where the customer may not get marketing
    enjoyed: str | None = None  # the item of the order that a cross-sell names
    offer: OfferView | None = None
    promise: OfferView | None = None  # what completing the survey brings
    note: NoteView | None = None
    early: EarlyView | None = None
    told: str | None = None  # what the customer had raised, by its tag
    mended: str | None = None  # the shop's sentence on how it was mended
    marketing: bool = False  # this message's own class is marketing: legal name, postal address, (광고)
    subject: str | None = None  # the merchant's own subject, Liquid
    intro: str | None = None  # the merchant's own opening block, Liquid
    links: Links = field(default_factory=Links)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished message body. Lines of `text` are at most 998 octets and end in LF; MIME is the channel's matter."""

    subject: str
    html: str
    text: str
