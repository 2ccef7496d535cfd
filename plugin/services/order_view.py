"""One order as its shop sees it: its facts and its messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.services import histories
from plugin.services.address_marks import mark_of
from plugin.services.context import Context
from plugin.services.message_cards import MessageCard, message_cards
from plugin.services.order_search import NoSuchOrder, full_name
from plugin.store.models.customers import ArrivalAnswer, Consent, Issue, Suppression, SurveyAnswer
from plugin.store.models.desk import DeskLetter
from plugin.store.models.messages import Act
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop

OTHERS = 20  # orders of the same customer that are named


@dataclass(frozen=True, slots=True)
class LineCard:
    """A line of the order. `left`: what no refund and no edit took away. Price of one, in minor units."""

    title: str
    variant: str | None
    quantity: int
    left: int
    price_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class ParcelCard:
    name: str
    carrier: str | None
    tracking: tuple[tuple[str, str | None], ...]  # number, the carrier's page


@dataclass(frozen=True, slots=True)
class OtherOrder:
    id: int
    name: str
    placed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """The rows that the page and the story are made from."""

    order: Order
    parcels: list[Parcel]
    answers: list[ArrivalAnswer]
    survey: SurveyAnswer | None
    issues: list[Issue]
    letters: list[DeskLetter]
    acts: list[Act]
    consent: Consent | None
    mark: Suppression | None  # why its address must not be written to


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    id: int
    platform_id: str
    name: str
    customer: str
    email: str | None
    phone: str | None
    erased: bool
    ended: str | None  # why nothing but news of parcels goes any more
    history: bool  # placed before the installation: recorded, never written to
    lines: tuple[LineCard, ...]
    parcels: tuple[ParcelCard, ...]
    others: tuple[OtherOrder, ...]
    messages: tuple[MessageCard, ...]
    facts: OrderFacts


def order_view(session: Session, ctx: Context, shop_id: int, order_id: int) -> OrderView:
    """Raises NoSuchOrder."""
    order = session.scalar(select(Order).where(Order.id == order_id, Order.shop_id == shop_id))
    shop = session.get(Shop, shop_id)
    if order is None or shop is None or order.placed_at is None:
        raise NoSuchOrder(order_id)
    facts = read_facts(session, order)
    known = histories.order_facts(order)
    left = {line.line_id: line.remaining for line in known.lines}
    return OrderView(
        id=order.id,
        platform_id=order.platform_id,
        name=order.name or order.platform_id,
        customer=full_name(order),
        email=order.email,
        phone=order.phone,
        erased=order.redacted_at is not None,
        ended=known.ended,
        history=order.placed_at < shop.installed_at,
        lines=tuple(_line(line, left) for line in order.lines),
        parcels=tuple(_parcel(parcel) for parcel in facts.parcels),
        others=_others(session, order),
        messages=message_cards(session, ctx, shop, order, facts.parcels, facts.acts),
        facts=facts,
    )


def read_facts(session: Session, order: Order) -> OrderFacts:
    def rows(model: Any, *by: Any) -> list[Any]:
        mine = model.shop_id == order.shop_id, model.order_id == order.id
        return list(session.scalars(select(model).where(*mine).order_by(*by)))

    parcels = [p for p in rows(Parcel, Parcel.shipped_at, Parcel.id) if p.version]
    surveys = rows(SurveyAnswer, SurveyAnswer.id)
    address = Consent.shop_id == order.shop_id, Consent.channel == "email", Consent.address == (order.address or "")
    return OrderFacts(
        order=order,
        parcels=parcels,
        answers=rows(ArrivalAnswer, ArrivalAnswer.at, ArrivalAnswer.id),
        survey=surveys[0] if surveys else None,
        issues=rows(Issue, Issue.opened_at, Issue.id),
        letters=rows(DeskLetter, DeskLetter.made_at, DeskLetter.id),
        acts=rows(Act, Act.at, Act.id),
        consent=session.scalar(select(Consent).where(*address)) if order.address else None,
        mark=mark_of(session, order),
    )


def _line(line: dict[str, object], left: dict[str, int]) -> LineCard:
    price = line.get("price")
    minor, currency = (price[0], price[1]) if isinstance(price, list) else (None, None)
    quantity = line.get("quantity")
    return LineCard(
        title=str(line.get("title") or ""),
        variant=str(line["variant_title"]) if line.get("variant_title") else None,
        quantity=quantity if isinstance(quantity, int) else 0,
        left=left.get(str(line.get("line_id")), 0),
        price_minor=minor,
        currency=currency,
    )


def _parcel(parcel: Parcel) -> ParcelCard:
    urls = [*parcel.tracking_urls, *([None] * len(parcel.tracking_numbers))]
    tracking = tuple((str(number), url) for number, url in zip(parcel.tracking_numbers, urls, strict=False))
    return ParcelCard(parcel.name or parcel.platform_id, parcel.carrier, tracking)


def _others(session: Session, order: Order) -> tuple[OtherOrder, ...]:
    """The customer's other orders; without a known customer those to the same address."""
    o = Order
    same = o.customer_id == order.customer_id if order.customer_id else o.address == order.address
    if not (order.customer_id or order.address):
        return ()
    found = session.execute(
        select(o.id, o.name, o.platform_id, o.placed_at)
        .where(o.shop_id == order.shop_id, same, o.id != order.id, o.placed_at.is_not(None))
        .order_by(o.placed_at.desc())
        .limit(OTHERS)
    )
    return tuple(OtherOrder(row.id, row.name or row.platform_id, row.placed_at) for row in found if row.placed_at)
