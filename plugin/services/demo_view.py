"""What the demo's page shows of each order: the shop's side from its books, Dasi's side straight from the messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.platforms.demo import catalogue
from plugin.platforms.demo.books import Books, Deed, Payload
from plugin.platforms.demo.inbox import Mail
from plugin.services import shops
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order

SHOWN = 20  # orders on the page
SEOUL = ZoneInfo(catalogue.TIMEZONE)

STEPS = {
    "thank_you": "Thank you", "shipped": "Shipped", "delivered": "Delivered", "survey": "Survey",
    "cross_sell": "Cross-sell", "cross_sell_follow_up": "Cross-sell follow-up",
    "you_told_us": "You told us, we fixed it",
}  # fmt: skip
STATES = {
    "planned": "planned", "waiting": "waiting", "held": "held", "queued": "leaving", "sending": "leaving",
    "sent": "sent", "failed": "failed", "cancelled": "cancelled", "withheld": "withheld",
}  # fmt: skip
OVER = {"sent", "failed", "cancelled", "withheld"}
STORY_WORDS = {"ship": "The shop will ship it", "cancel": "The shop will cancel it"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One point of an order's timeline. `kind`: shop (it happened), story (it will), mail (a row of messages).

    `when` is the moment in words, "" when there is none yet; `mail` the id of the caught mail.
    """

    kind: str
    title: str
    when: str = ""
    state: str = ""
    reason: str = ""
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class ParcelCard:
    id: int
    name: str
    number: str | None
    carrier: str | None
    status: str | None
    wants_number: bool
    delivered: bool


@dataclass(frozen=True, slots=True)
class LineCard:
    id: int
    title: str
    handle: str
    left: int  # not refunded


@dataclass(frozen=True, slots=True)
class OrderCard:
    """`past`, then now, then `coming`, then `never` (what will not leave)."""

    id: int
    name: str
    customer: str
    email: str
    language: str
    newsletter: bool
    total: str
    status: str
    lines: tuple[LineCard, ...]
    parcels: tuple[ParcelCard, ...]
    can_ship: bool
    can_split: bool
    two_parcels: bool  # the customer asked for two
    physical: bool
    ended: bool
    past: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    never: tuple[Entry, ...]


def cards(session: Session, books: Books, mails: Iterable[Mail], now: datetime) -> list[OrderCard]:
    """The newest orders first. Orders that are only written down yet are not among them."""
    orders = books.orders[: -SHOWN - 1 : -1]
    rows = _messages(session, [str(order["id"]) for order in orders])
    letters = {(mail.to.lower(), mail.subject): mail.id for mail in mails}
    return [_card(order, books, rows[str(order["id"])], letters, now) for order in orders]


def moment(at: datetime) -> str:
    """In Seoul: Thu 26 Nov 14:05."""
    local = at.astimezone(SEOUL)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def until(gap: timedelta) -> str:
    """A time to come, in words of one or two units: "in 3 days", "in 5 h", "in 10 min"."""
    minutes = max(0, round(gap.total_seconds() / 60))
    if minutes >= 48 * 60:
        return f"in {round(minutes / 1440)} days"
    if minutes >= 90:
        return f"in {round(minutes / 60)} h"
    return f"in {minutes} min" if minutes else "now"


def _messages(session: Session, platform_ids: Sequence[str]) -> dict[str, list[Message]]:
    shop = shops.find_shop(session, catalogue.DOMAIN)
    found: dict[str, list[Message]] = defaultdict(list)
    if shop is None or not platform_ids:
        return found
    query = (
        select(Order.platform_id, Message)
        .join(Message, Message.order_id == Order.id)
        .where(Order.shop_id == shop.id, Message.shop_id == shop.id, Order.platform_id.in_(platform_ids))
        .order_by(Message.id)
    )
    for platform_id, message in session.execute(query):
        found[platform_id].append(message)
    return found


def _card(
    order: Payload, books: Books, rows: list[Message], letters: dict[tuple[str, str], str], now: datetime
) -> OrderCard:
    past: list[tuple[datetime, Entry]] = []
    coming: list[tuple[datetime, Entry]] = []
    never: list[Entry] = []
    for told, words in books.diary.get(str(order["id"]), []):
        at = datetime.fromisoformat(told)
        past.append((at, Entry("shop", words, moment(at))))
    for deed in books.deeds:
        if deed.order_id == order["id"] and deed.kind != "rest" and deed.at > now:
            when = f"{moment(deed.at)} · {until(deed.at - now)}"
            coming.append((deed.at, Entry("story", _story(deed), when, "story")))
    endless = now + timedelta(days=36_500)
    parcels = {str(parcel["id"]): parcel["name"] for parcel in order["fulfillments"]}
    for row in rows:
        due = row.ready_at or row.due_at
        title, state = STEPS.get(row.step, row.step), STATES.get(row.state, row.state)
        if len(parcels) > 1 and row.subject in parcels:
            title = f"{title} ({parcels[row.subject]})"
        if row.state in ("sent", "failed"):
            at = row.sent_at or due or now
            letter = letters.get(((row.address or "").lower(), row.mail_subject or ""))
            said = "" if row.state == "sent" else row.error or row.reason  # when it was sent stands beside it
            past.append((at, Entry("mail", title, moment(at), state, said, letter)))
        elif row.state in OVER:
            never.append(Entry("mail", title, "", state, row.reason))
        else:
            when = f"{moment(due)} · {until(due - now)}" if due else ""
            coming.append((due or endless, Entry("mail", title, when, state, row.reason)))
    open_lines = [line for line in order["line_items"] if line["fulfillable_quantity"]]
    ended = bool(order["cancelled_at"])
    return OrderCard(
        id=order["id"],
        name=order["name"],
        customer=_full_name(order),
        email=order["email"],
        language="ko" if order["customer_locale"].startswith("ko") else "en",
        newsletter=order["buyer_accepts_marketing"],
        total=f"₩{int(order['current_total_price']):,}",
        status=order_status(order),
        lines=tuple(_line(line) for line in order["line_items"]),
        parcels=tuple(_parcel(parcel) for parcel in order["fulfillments"]),
        can_ship=bool(open_lines) and not ended,
        can_split=len(open_lines) > 1,
        two_parcels=bool(order["note"]) and len(open_lines) > 1,
        physical=any(line["requires_shipping"] for line in open_lines),
        ended=ended,
        past=tuple(entry for _, entry in sorted(past, key=lambda pair: pair[0])),
        coming=tuple(entry for _, entry in sorted(coming, key=lambda pair: pair[0])),
        never=tuple(never),
    )


def _full_name(order: Payload) -> str:
    """As the customer would write it: the family name first and without a space in Korean."""
    given, family = order["customer"]["first_name"] or "", order["customer"]["last_name"] or ""
    korean = order["customer_locale"].startswith("ko")
    return f"{family}{' ' if len(family) > 1 and given else ''}{given}" if korean else f"{given} {family}".strip()


def order_status(order: Payload) -> str:
    if order["cancelled_at"]:
        return "cancelled"
    if order["financial_status"] == "refunded":
        return "refunded"
    parcels = order["fulfillments"]
    if order["fulfillment_status"] == "fulfilled" and all(p["shipment_status"] == "delivered" for p in parcels):
        return "delivered"
    return {None: "not shipped yet", "partial": "partly shipped"}.get(order["fulfillment_status"], "shipped")


def _line(line: Payload) -> LineCard:
    handle = next((item.handle for item in catalogue.PRODUCTS if item.id == line["product_id"]), "")
    return LineCard(line["id"], line["title"], handle, line["current_quantity"])


def _parcel(parcel: Payload) -> ParcelCard:
    physical = any(line["requires_shipping"] for line in parcel["line_items"])
    return ParcelCard(
        id=parcel["id"],
        name=parcel["name"],
        number=parcel["tracking_number"],
        carrier=parcel["tracking_company"],
        status=(parcel["shipment_status"] or "").replace("_", " ") or None,
        wants_number=physical and not parcel["tracking_number"],
        delivered=parcel["shipment_status"] == "delivered" or not physical,
    )


def _story(deed: Deed) -> str:
    if deed.kind == "carrier":
        return f"The carrier will say: {deed.details['status'].replace('_', ' ')}"
    return STORY_WORDS.get(deed.kind, deed.kind)
