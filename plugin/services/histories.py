"""Reads everything the plan may look at, for many orders at once, and turns rows into the rules' values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from plugin.domain.consent import ConsentWords
from plugin.domain.flows import LEFT, YOU_TOLD_US, State
from plugin.domain.history import (
    Act,
    Answer,
    Earned,
    History,
    Left,
    Line,
    LowRating,
    NewerOrder,
    NotArrived,
    Parcel,
    Word,
)
from plugin.domain.history import Order as OrderFacts
from plugin.domain.offers import REWARD
from plugin.domain.reconcile import Stored
from plugin.services.consents import consents_of, suppressions_of
from plugin.services.facts.orders import counts_as_purchase
from plugin.services.holdouts import NOBODY, of_orders
from plugin.services.mending_facts import mendings_of
from plugin.store.among import among
from plugin.store.models import customers, messages, orders
from plugin.store.models.offers import Offer
from plugin.store.models.shops import Shop

NOT_ARRIVED, LOW_RATING = "not_arrived", "low_rating"
NOT_SHIPPED = frozenset({"cancelled", "error", "failure", "pending", "open"})
# A whole row, or one of a query that names the columns that are looked at.
OrderRow = orders.Order | Row[Any]
ParcelRow = orders.Parcel | Row[Any]


@dataclass
class Planning:
    """One order with its history and the rows of the calendar as they stand."""

    order: orders.Order
    history: History
    stored: list[Stored]


def read(session: Session, shop: Shop, rows: Collection[orders.Order], locked: bool = True) -> list[Planning]:
    """Histories of these orders, whose locks are held. Rows of messages are locked too, so that a worker that is about
    to send one waits for the outcome. `locked` False: only to look at, nothing is kept from anyone."""
    ids = [row.id for row in rows]
    parcels = _grouped(session.scalars(select(orders.Parcel).where(orders.Parcel.order_id.in_(ids))))
    answers = _grouped(
        session.scalars(select(customers.ArrivalAnswer).where(customers.ArrivalAnswer.order_id.in_(ids)))
    )
    issues = _grouped(
        session.scalars(
            select(customers.Issue).where(customers.Issue.order_id.in_(ids), customers.Issue.kind == NOT_ARRIVED)
        )
    )
    unhappy = low_ratings(session, rows)
    earned = {
        row.order_id: Earned(row.asked_at)
        for row in session.execute(
            select(Offer.order_id, Offer.asked_at)
            .where(Offer.order_id.in_(ids), Offer.tier == REWARD, Offer.state != "promised")
        )
    }  # fmt: skip
    acts = _grouped(session.scalars(select(messages.Act).where(messages.Act.order_id.in_(ids))))
    m = messages.Message
    rows_of_calendar = (
        select(m.id, m.order_id, m.step, m.subject, m.copy, m.state, m.reason, m.due_at, m.parcels, m.estimated,
               m.sent_at, m.ready_at)
        .where(m.order_id.in_(ids)).order_by(m.id)
    )  # fmt: skip
    calendar = _grouped(session.execute(rows_of_calendar.with_for_update() if locked else rows_of_calendar))
    newer = _newer_orders(session, rows)
    told = [(r.order_id, r.subject) for mine in calendar.values() for r in mine if r.step == YOU_TOLD_US]
    mendings = mendings_of(session, shop, rows, told)
    addresses = {row.address for row in rows if row.address}
    consents = consents_of(session, shop.id, addresses)
    suppressed = suppressions_of(session, shop.id, addresses)
    held = of_orders(session, shop, rows)
    found = []
    for row in rows:
        mine = calendar[row.id]
        kept_out, to_keep_out = held.get(row.customer_id or 0, NOBODY)
        history = History(
            order=order_facts(row),
            installed_at=shop.installed_at,
            live=shop.live,
            country_code=row.country_code,
            parcels=tuple(parcel_facts(p, p.estimated_at) for p in parcels[row.id] if p.version and p.shipped_at),
            newer_orders=tuple(newer.get(row.id, ())),
            answers=tuple(Answer(a.parcel_id, a.answer == "yes", a.at) for a in answers[row.id]),
            issues=tuple(NotArrived(i.parcel_id, i.opened_at, i.closed_at, i.outcome) for i in issues[row.id]),
            low_ratings=tuple(unhappy[row.customer_id or -row.id]),
            mendings=mendings.get(row.id, ()),
            earned=earned.get(row.id),
            acts=tuple(Act(a.kind, a.step, a.subject, a.at, a.copy) for a in acts[row.id]),
            left=tuple(
                Left(step=r.step, subject=r.subject, copy=r.copy, state=State(r.state), at=r.sent_at,
                     parcels=tuple(r.parcels))
                for r in mine if r.state in LEFT
            ),
            consent=consents.get(row.address or "", ConsentWords()),
            suppressed=suppressed.get(row.address or ""),
            kept_out=kept_out,
            to_keep_out=to_keep_out,
        )  # fmt: skip
        stored = [
            Stored(id=r.id, step=r.step, subject=r.subject, copy=r.copy, state=State(r.state), reason=r.reason,
                   due_at=r.due_at, parcels=tuple(r.parcels), estimated=r.estimated,
                   deferred=r.ready_at != r.due_at)
            for r in mine
        ]  # fmt: skip
        found.append(Planning(row, history, stored))
    return found


def low_ratings(session: Session, rows: Collection[OrderRow]) -> defaultdict[int, list[LowRating]]:
    """By customer, of all their orders; by minus the order's id where nobody is known. One that the customer took back
    counts no more."""
    o, i = orders.Order, customers.Issue
    people = {row.customer_id for row in rows if row.customer_id}
    guests = [row.id for row in rows if not row.customer_id]
    found: defaultdict[int, list[LowRating]] = defaultdict(list)
    for column, wanted in ((o.customer_id, people), (o.id, guests)):
        if wanted:
            told = select(o.id, o.customer_id, i.opened_at, i.closed_at, i.outcome).join(o, o.id == i.order_id)
            for order_id, customer_id, opened_at, closed_at, outcome in session.execute(
                told.where(i.kind == LOW_RATING, among(session, column, wanted))
            ):
                if outcome != "withdrawn":
                    found[customer_id or -order_id].append(LowRating(opened_at, closed_at))
    return found


def _grouped(rows: Iterable[Any]) -> defaultdict[int, list[Any]]:
    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.order_id].append(row)
    return groups


def order_facts(row: OrderRow) -> OrderFacts:
    """Raises ValueError for a stub, which has no facts yet."""
    if row.placed_at is None:
        raise ValueError("a stub has no facts")
    lines = remaining_lines(row)
    return OrderFacts(
        order_id=row.platform_id,
        placed_at=row.placed_at,
        lines=lines,
        name=row.name or "",
        test=row.test,
        pos=row.source_name == "pos",
        pickup=row.pickup,
        ended=_why_ended(row, lines),
        erased=row.redacted_at is not None,
        has_address=row.address is not None,
    )


def remaining_lines(row: OrderRow) -> tuple[Line, ...]:
    """The lines with what edits and refunds left of each. An edit counts until a newer snapshot of the order came."""
    refunded: defaultdict[str, int] = defaultdict(int)
    for _, pairs in row.refunds.values():
        for line_id, quantity in pairs:
            refunded[line_id] += quantity
    edited: defaultdict[str, int] = defaultdict(int)
    for committed_at, added, removed in row.edits.values():
        if row.told_at is None or datetime.fromisoformat(committed_at) > row.told_at:
            for line_id, delta in added:
                edited[line_id] += delta
            for line_id, delta in removed:
                edited[line_id] -= delta
    lines = []
    for line in row.lines:
        line_id, left, current = line["line_id"], line["quantity"], line["current_quantity"]
        if refunded:
            left -= refunded.get(line_id, 0)
        if current is not None and current < left:
            left = current
        if edited:
            left += edited.pop(line_id, 0)
        lines.append(
            Line(line_id=line_id, remaining=left if left > 0 else 0, requires_shipping=line["requires_shipping"])
        )
    # A line that only an edit told of: what it is comes with the next snapshot; till then it holds the survey.
    lines += [Line(line_id=line_id, remaining=delta) for line_id, delta in edited.items() if delta > 0]
    return tuple(lines)


def _why_ended(row: OrderRow, lines: tuple[Line, ...]) -> str | None:
    if row.redacted_at:
        return "the customer's data was erased"
    if row.deleted_at:
        return "the order was deleted"
    if row.cancelled_at:
        return "the order was cancelled"
    if row.financial_status in ("voided", "expired"):
        return f"the payment was {row.financial_status}" if row.financial_status == "voided" else "the payment expired"
    nothing_left = not any(line.remaining for line in lines) and any(line["quantity"] > 0 for line in row.lines)
    if nothing_left or row.financial_status == "refunded":
        return "the order was fully refunded"
    return None


def parcel_facts(row: ParcelRow, expected: datetime | None) -> Parcel:
    """`expected`: when it is taken to arrive while nobody says so."""
    assert row.shipped_at is not None
    return Parcel(
        parcel_id=row.platform_id,
        shipped_at=row.shipped_at,
        name=row.name,
        on_its_way=row.status not in NOT_SHIPPED,
        has_number=bool(row.tracking_numbers),
        lines=tuple((line_id, quantity) for line_id, quantity in row.lines),
        words=tuple(Word(status, datetime.fromisoformat(at)) for status, at in row.words.values()),
        delivered_at=row.delivered_at,
        estimated_at=expected,
    )


def _newer_orders(session: Session, rows: Collection[orders.Order]) -> dict[int, list[NewerOrder]]:
    """For each order the first order that counts which its customer placed after it."""
    starts: dict[int, datetime] = {}
    for row in rows:
        if row.customer_id and row.placed_at:
            starts[row.customer_id] = min(starts.get(row.customer_id, row.placed_at), row.placed_at)
    if not starts:
        return {}
    o = orders.Order
    siblings: defaultdict[int, list[orders.Order]] = defaultdict(list)
    for sibling in session.scalars(select(o).where(o.customer_id.in_(starts), o.placed_at >= min(starts.values()))):
        assert sibling.customer_id is not None
        siblings[sibling.customer_id].append(sibling)
    for group in siblings.values():  # not by the rows' own numbers, which follow the order of arrival
        group.sort(key=lambda sibling: (sibling.placed_at, sibling.platform_id))
    newer: dict[int, list[NewerOrder]] = {}
    for row in rows:
        for sibling in siblings.get(row.customer_id or 0, ()):
            assert sibling.placed_at is not None
            assert row.placed_at is not None
            follows = (sibling.placed_at, sibling.platform_id) > (row.placed_at, row.platform_id)
            if follows and counts_as_purchase(sibling):
                newer[row.id] = [NewerOrder(sibling.name or sibling.platform_id, sibling.placed_at, counts=True)]
                break
    return newer
