"""Counting the days: what became of the messages of each day of a shop's calendar, kept as one row a day and step.

Housekeeping does it every hour: the days that are over and not counted yet, those with news since the last time, and
the latest, to whose messages orders may still be credited. A day settles thirty days later.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session, aliased

from plugin.domain.figures import (
    COUNTS,
    CREDITED_WITHIN,
    SETTLED_AFTER,
    Figures,
    Touch,
    bounds,
    credited,
    stretches,
)
from plugin.domain.zones import zone_for
from plugin.services.context import Context
from plugin.services.facts.orders import counts_as_purchase
from plugin.services.opens import BOUNCED, COMPLAINED, UNSUBSCRIBED
from plugin.store.models.figures import FigureDay, FigureRun, Open, Reaction
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

FEW_DAYS = timedelta(days=2)
AT_ONCE = 500  # orders credited with one set of queries
OVERLAP = timedelta(minutes=5)  # news may be committed a little after its moment
_KINDS = {UNSUBSCRIBED: "unsubscribed", COMPLAINED: "complained", BOUNCED: "bounced"}

Days = dict[tuple[date, str], Figures]
log = logging.getLogger(__name__)


def roll_up(ctx: Context) -> None:
    """Bring every shop's days up to date. May be stopped and repeated at any point."""
    with ctx.database.reading() as session:
        shops = session.scalars(select(Shop.id).order_by(Shop.id)).all()
    counted = sum(roll_up_shop(ctx, shop_id) for shop_id in shops)
    log.info("figures_counted", extra={"shops": len(shops), "days": counted})


def roll_up_shop(ctx: Context, shop_id: int) -> int:
    """Count a shop's days anew as far as there is need. Returns how many it counted."""
    now = ctx.clock.now()
    with ctx.database.reading() as session:
        shop = session.get(Shop, shop_id)
        if shop is None:
            return 0
        zone = zone_for(None, shop.timezone)
        days = _in_need(session, shop_id, session.get(FigureRun, shop_id), zone, now)
    for first, last in stretches(days):
        with ctx.database.transaction() as session:
            # Whoever counts holds the shop's run, so that two cannot both insert a day.
            run = session.get(FigureRun, shop_id, with_for_update=True)
            counted = count_days(session, shop_id, first, last, zone)
            session.execute(
                delete(FigureDay).where(FigureDay.shop_id == shop_id, FigureDay.day >= first, FigureDay.day <= last)
            )
            rows = [_row(shop_id, day, step, found) for (day, step), found in counted.items()]
            if rows:
                session.execute(insert(FigureDay), rows)
            if run is None:
                session.add(FigureRun(shop_id=shop_id, through=last, seen_at=now))
            else:
                run.through = max(run.through, last)
    with ctx.database.transaction() as session:
        if (run := session.get(FigureRun, shop_id)) is not None:
            run.seen_at = now
    return len(days)


def count_days(session: Session, shop_id: int, first: date, last: date, zone: ZoneInfo) -> Days:
    """The figures of each day and step, counted from the messages themselves. Every query stands on an index."""
    found: defaultdict[tuple[date, str], Figures] = defaultdict(Figures)
    day = first
    while day <= last:
        for step, figures in _count_day(session, shop_id, *bounds(day, day, zone)).items():
            found[day, step] = figures
        day += timedelta(days=1)
    start, end = bounds(first, last, zone)
    if found:
        for touch, minor, currency in _credits(session, shop_id, start, end):
            figures = found[touch.sent_at.astimezone(zone).date(), touch.step]
            figures.orders += 1
            if minor and currency:
                figures.revenue[currency] += minor
    return dict(found)


def _row(shop_id: int, day: date, step: str, figures: Figures) -> dict[str, object]:
    counts = {name: getattr(figures, name) for name in COUNTS}
    return {"shop_id": shop_id, "day": day, "step": step, "revenue": dict(figures.revenue), **counts}


def _in_need(session: Session, shop_id: int, run: FigureRun | None, zone: ZoneInfo, now: datetime) -> set[date]:
    """The days, all of them over, that are to be counted (again)."""
    today = now.astimezone(zone).date()
    first_sent = session.scalar(
        select(Message.sent_at).where(Message.shop_id == shop_id, Message.sent_at.is_not(None))
        .order_by(Message.sent_at).limit(1)
    )  # fmt: skip
    if first_sent is None:
        return set()
    first = first_sent.astimezone(zone).date()
    if run is None:
        return {first + timedelta(days=number) for number in range((today - first).days)}
    since = max(run.through + timedelta(days=1), first)
    days = {since + timedelta(days=number) for number in range((today - since).days)}
    latest = today - CREDITED_WITHIN - timedelta(days=1)
    days |= {latest + timedelta(days=number) for number in range((today - latest).days)}
    days |= {at.astimezone(zone).date() for at in _news(session, shop_id, run.seen_at - OVERLAP, now - SETTLED_AFTER)}
    return {day for day in days if first <= day < today}


def _news(session: Session, shop_id: int, since: datetime, settled: datetime) -> Iterator[datetime]:
    """When the messages were sent that something came back to."""
    for table in (Open, Click, Reaction):
        sent = session.scalars(
            select(Message.sent_at).distinct().join(table, table.message_id == Message.id)
            .where(table.shop_id == shop_id, table.at >= since, Message.shop_id == shop_id, Message.sent_at >= settled)
        )  # fmt: skip
        yield from (at for at in sent if at)


def _count_day(session: Session, shop_id: int, start: datetime, end: datetime) -> dict[str, Figures]:
    mine = (Message.shop_id == shop_id, Message.sent_at >= start, Message.sent_at < end)
    found = {
        step: Figures(sent=count)
        for step, count in session.execute(select(Message.step, func.count()).where(*mine).group_by(Message.step))
    }
    if not found:
        return {}
    for step, by_machine, count in _opened(session, mine):
        name = "machine_opened" if by_machine else "opened"
        setattr(found[step], name, count)
    clicks = (
        select(Message.step, func.count(Message.id.distinct()))
        .join(Click, Click.message_id == Message.id)
        .where(*mine, Click.by_scanner.is_(False))
        .group_by(Message.step)
    )
    for step, count in session.execute(clicks):
        found[step].clicked = count
    reactions = (
        select(Message.step, Reaction.kind, func.count())
        .join(Reaction, Reaction.message_id == Message.id)
        .where(*mine)
        .group_by(Message.step, Reaction.kind)
    )
    for step, kind, count in session.execute(reactions):
        if kind in _KINDS:
            setattr(found[step], _KINDS[kind], count)
    return found


def _opened(session: Session, mine: Sequence[ColumnElement[bool]]) -> Iterator[tuple[str, bool, int]]:
    """Step, whether by software only, messages."""
    person = aliased(Open)
    by_person = select(person.id).where(person.message_id == Message.id, person.by_machine.is_(False)).exists()
    opened = select(Message.step, func.count()).join(Open, Open.message_id == Message.id).where(*mine)
    for by_machine, query in (
        (False, opened.where(Open.by_machine.is_(False))),
        (True, opened.where(Open.by_machine.is_(True), ~by_person)),
    ):
        for step, count in session.execute(query.group_by(Message.step)):
            yield step, by_machine, count


# -- orders ------------------------------------------------------------------------------------------------------------
def _credits(
    session: Session, shop_id: int, start: datetime, end: datetime
) -> Iterator[tuple[Touch, int | None, str | None]]:
    """Each order that is credited to a message sent from `start` to `end`, with its total."""
    o = Order
    rows = session.execute(
        select(o.id, o.customer_id, o.address, o.placed_at, o.total_minor, o.currency, o.test, o.cancelled_at,
               o.deleted_at, o.financial_status)
        .where(o.shop_id == shop_id, o.placed_at > start, o.placed_at < end + CREDITED_WITHIN, o.version.is_not(None))
        .order_by(o.placed_at)
    ).all()  # fmt: skip
    if end - start <= FEW_DAYS:
        rows = _after_a_message(session, shop_id, rows, start, end)
    for place in range(0, len(rows), AT_ONCE):
        chunk = rows[place : place + AT_ONCE]
        span = start - CREDITED_WITHIN, end + CREDITED_WITHIN
        by_customer = _touches_of_customers(session, shop_id, {r.customer_id for r in chunk if r.customer_id}, span)
        by_address = _touches_of_addresses(session, shop_id, {r.address for r in chunk if r.address}, span)
        for row in chunk:
            if not counts_as_purchase(row):  # type: ignore[arg-type]
                continue
            touches = [*by_customer[row.customer_id or 0], *by_address[row.address or ""]]
            touch = credited(row.placed_at, touches)
            if touch is not None and start <= touch.sent_at < end:
                yield touch, row.total_minor, row.currency


def _after_a_message(
    session: Session, shop_id: int, rows: Sequence[Any], start: datetime, end: datetime
) -> Sequence[Any]:
    """The orders whose customer or address got a message from `start` to `end` before they were placed.

    For today, which every visit counts: few orders follow a message of the same day, and the others cost most.
    """
    m = Message
    first: dict[int | str, datetime] = {}
    sent = session.execute(
        select(m.customer_id, Order.address, m.sent_at).join(Order, Order.id == m.order_id)
        .where(m.shop_id == shop_id, m.sent_at >= start, m.sent_at < end)
    )  # fmt: skip
    for customer_id, address, at in sent:
        for key in (customer_id, address):
            if key and at:
                first[key] = min(first.get(key, at), at)
    return [r for r in rows if any(k and first.get(k, r.placed_at) < r.placed_at for k in (r.customer_id, r.address))]


def _touches_of_customers(
    session: Session, shop_id: int, ids: set[int], span: tuple[datetime, datetime]
) -> defaultdict[int, list[Touch]]:
    m = Message
    rows = session.execute(
        select(m.customer_id, m.id, m.step, m.sent_at)
        .where(m.shop_id == shop_id, m.customer_id.in_(ids), m.sent_at >= span[0], m.sent_at < span[1])
    ).all()  # fmt: skip
    return _grouped(session, rows)


def _touches_of_addresses(
    session: Session, shop_id: int, addresses: set[str], span: tuple[datetime, datetime]
) -> defaultdict[str, list[Touch]]:
    m = Message
    rows = session.execute(
        select(Order.address, m.id, m.step, m.sent_at)
        .join(m, m.order_id == Order.id)
        .where(Order.shop_id == shop_id, Order.address.in_(addresses), m.sent_at >= span[0], m.sent_at < span[1])
    ).all()
    return _grouped(session, rows)


def _grouped(session: Session, rows: Sequence[Any]) -> defaultdict[Any, list[Touch]]:
    clicks: defaultdict[int, list[datetime]] = defaultdict(list)
    ids = [row[1] for row in rows]
    for place in range(0, len(ids), AT_ONCE):
        some = Click.message_id.in_(ids[place : place + AT_ONCE])
        for id_, at in session.execute(select(Click.message_id, Click.at).where(some, Click.by_scanner.is_(False))):
            clicks[id_].append(at)
    found: defaultdict[Any, list[Touch]] = defaultdict(list)
    for key, id_, step, sent_at in rows:
        found[key].append(Touch(id_, step, sent_at, tuple(clicks[id_])))
    return found
