"""What each step brings: customers kept out of it beside those who got it, from orders that both placed afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Float, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from plugin.domain.experiment import Group, Verdict, judge
from plugin.services.facts.orders import CALLED_OFF
from plugin.services.holdouts import percents_of
from plugin.store.models.holdouts import Holdout
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One step's comparison. `percent`: kept out at present, 0 when it has ended. `waiting`: days not over yet."""

    step: str
    percent: int
    began_at: datetime | None
    treated: Group
    kept_out: Group
    waiting: int
    set_aside: int
    currency: str | None  # of the revenue; orders in others are counted, their money is not
    verdict: Verdict


def experiments(session: Session, shop: Shop, now: datetime) -> list[Experiment]:
    """Every step that has or had a holdout, in the flow's order. Reads only, some rows for each customer compared."""
    percents = percents_of(shop)
    known = {step: (began, aside, waiting) for step, began, aside, waiting in _states(session, shop.id, now)}
    groups = _groups(session, shop, now)
    found = []
    for step in STEPS:
        if step not in known and step not in percents:
            continue
        began, aside, waiting = known.get(step, (None, 0, 0))
        treated, kept_out = groups.get((step, False), Group()), groups.get((step, True), Group())
        verdict = judge(treated, kept_out, began, now, waiting)
        found.append(
            Experiment(
                step=step, percent=percents.get(step, 0), began_at=began, treated=treated, kept_out=kept_out,
                waiting=waiting, set_aside=aside, currency=shop.currency, verdict=verdict,
            )
        )  # fmt: skip
    return found


def _states(session: Session, shop_id: int, now: datetime) -> list[tuple[str, datetime, int, int]]:
    """By step: when it began, who is set aside, and whose days are not over."""
    h = Holdout
    aside = func.sum(case((h.set_aside, 1), else_=0))
    waiting = func.sum(case((and_(h.until > now, ~h.set_aside), 1), else_=0))
    told = select(h.step, func.min(h.at), aside, waiting).where(h.shop_id == shop_id).group_by(h.step)
    return [(step, began, int(a), int(w)) for step, began, a, w in session.execute(told)]


def _groups(session: Session, shop: Shop, now: datetime) -> dict[tuple[str, bool], Group]:
    """(step, kept out) -> the customers whose days are over. First a row for each customer, then a sum over them."""
    h, o = Holdout, Order
    bought = and_(
        o.customer_id == h.customer_id, o.shop_id == h.shop_id, o.placed_at > h.at, o.placed_at <= h.until,
        o.test.is_(False), o.cancelled_at.is_(None), o.deleted_at.is_(None),
        or_(o.financial_status.is_(None), o.financial_status.not_in(CALLED_OFF)),
    )  # fmt: skip
    spent = func.coalesce(func.sum(case((o.currency == shop.currency, o.total_minor), else_=0)), 0)
    each = (
        select(h.id, h.step, h.kept_out, func.count(o.id).label("orders"), cast(spent, Float).label("spent"))
        .outerjoin(o, bought)
        .where(h.shop_id == shop.id, h.until <= now, h.set_aside.is_(False))
        .group_by(h.id, h.step, h.kept_out)
        .subquery()
    )
    buyers = func.sum(case((each.c.orders > 0, 1), else_=0))
    squares = func.sum(each.c.spent * each.c.spent)
    told = select(
        each.c.step, each.c.kept_out, func.count(), buyers, func.sum(each.c.orders), func.sum(each.c.spent), squares
    ).group_by(each.c.step, each.c.kept_out)
    return {
        (step, out): Group(
            customers=n, buyers=int(b), orders=int(orders), revenue=int(revenue), squares=float(squared)
        )
        for step, out, n, b, orders, revenue, squared in session.execute(told)
    }
