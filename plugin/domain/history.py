"""Everything the plan of one order may look at: values, already in aware UTC, future moments already clamped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from plugin.domain.consent import ConsentWords
from plugin.domain.flows import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the order. `remaining`: the quantity that neither an edit nor a refund took away."""

    line_id: str
    remaining: int
    requires_shipping: bool = True


@dataclass(frozen=True, slots=True)
class Word:
    """What the carrier said, and when it happened."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A fulfilment. `lines`: (line id, quantity); empty when the platform did not tell them: then it holds them all."""

    parcel_id: str
    shipped_at: datetime
    name: str | None = None
    on_its_way: bool = True  # False: cancelled, failed or not yet handed over
    has_number: bool = True
    lines: tuple[tuple[str, int], ...] = ()
    words: tuple[Word, ...] = ()
    delivered_at: datetime | None = None  # by the carrier's word
    estimated_at: datetime | None = None  # what is expected while nobody says


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    order_id: str
    placed_at: datetime
    lines: tuple[Line, ...]
    name: str = ""
    test: bool = False
    pos: bool = False
    pickup: bool = False
    ended: str | None = None  # why nothing but news of parcels goes any more: "order was cancelled" …
    erased: bool = False  # the customer's data is gone
    has_address: bool = True


@dataclass(frozen=True, slots=True)
class NewerOrder:
    """An order that the same customer placed after this one."""

    name: str
    placed_at: datetime
    counts: bool  # False for a test order and for a cancelled one


@dataclass(frozen=True, slots=True)
class Answer:
    """The customer's tap on "did it arrive?"."""

    parcel_id: str
    arrived: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class NotArrived:
    """An issue over a missing parcel. `outcome`: None while open, then "arrived" or "lost"."""

    parcel_id: str | None
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class LowRating:
    """An issue over a customer who was not satisfied, with this order or another. Open without `closed_at`."""

    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mended:
    """What the shop says that it mended at `at`, for an order whose customer raised it before and is told through it.

    `undone`: the shop took it back.
    """

    mending_id: int
    at: datetime
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Earned:
    """The customer completed a survey that promised a reward."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """What the merchant did to a message: "cancel", "send_now" or "send_again".

    `copy`: which one was cancelled or sent now; 0, the message itself. Sending again adds a copy and names none.
    """

    kind: str
    step: str
    subject: str
    at: datetime
    copy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A message that left, or may have: sending, sent or failed."""

    step: str
    subject: str
    copy: int
    state: State
    at: datetime | None
    parcels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The facts about one order, its customer and its shop, as the plan reads them."""

    order: Order
    installed_at: datetime
    live: bool = True
    country_code: str | None = None
    parcels: tuple[Parcel, ...] = ()
    newer_orders: tuple[NewerOrder, ...] = ()
    answers: tuple[Answer, ...] = ()
    issues: tuple[NotArrived, ...] = ()
    low_ratings: tuple[LowRating, ...] = ()
    mendings: tuple[Mended, ...] = ()
    earned: Earned | None = None
    acts: tuple[Act, ...] = ()
    left: tuple[Left, ...] = ()
    consent: ConsentWords = field(default_factory=ConsentWords)
    suppressed: str | None = None  # "dead" or "complained"
    kept_out: frozenset[str] = frozenset()  # steps whose holdout the customer is in, since a message came due
    to_keep_out: frozenset[str] = frozenset()  # steps whose holdout they will be in, when one comes due
