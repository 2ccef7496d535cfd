"""CSAT and NPS over time, by tag and by product, each with its interval: counted in the database, judged here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from plugin.domain.figures import days_of, marks
from plugin.domain.scores import Interval, csat, nps
from plugin.domain.zones import zone_for
from plugin.services.context import Context
from plugin.services.shops import shop_of
from plugin.services.tagging import tags_of
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.feedback import AnswerTag
from plugin.store.models.orders import Purchase

PERIODS = ("90", "months")  # 13 weeks, and 12 months
PRODUCTS = 30  # with the most answers


@dataclass
class Scores:
    """Answers by score."""

    satisfaction: Counter[int] = field(default_factory=Counter)
    recommendation: Counter[int] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        return self.satisfaction.total()

    @property
    def csat(self) -> Interval | None:
        return csat(self.satisfaction)

    @property
    def nps(self) -> Interval | None:
        return nps(self.recommendation)

    def add(self, satisfaction: int | None, recommendation: int | None, count: int) -> None:
        if satisfaction is not None:
            self.satisfaction[satisfaction] += count
        if recommendation is not None:
            self.recommendation[recommendation] += count


@dataclass(frozen=True, slots=True)
class About:
    """The scores of what carries a tag, or of orders with a product."""

    id: int | str
    name_en: str
    name_ko: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """`drawn`: by week or month, each by its first day. `by_tag`, `by_product`: the most answers first."""

    period: str
    first: date
    last: date
    total: Scores
    drawn: tuple[tuple[date, Scores], ...]
    by_tag: tuple[About, ...]
    by_product: tuple[About, ...]


def score_report(session: Session, ctx: Context, shop_id: int, period: str) -> ScoreReport:
    """Of answers given in the period that ends today. Raises UnknownShop, KeyError for another period."""
    if period not in PERIODS:
        raise KeyError(period)
    shop = shop_of(session, shop_id)
    zone = zone_for(None, shop.timezone)
    first, last = days_of(period, ctx.clock.now().astimezone(zone).date())
    starts = [datetime.combine(day, time(), zone) for day in marks(period, first, last)]
    drawn = {start: Scores() for start in starts}
    total = Scores()
    for place, satisfaction, recommendation, count in _by_time(session, shop_id, starts):
        drawn[starts[place]].add(satisfaction, recommendation, count)
        total.add(satisfaction, recommendation, count)
    return ScoreReport(
        period=period,
        first=first,
        last=last,
        total=total,
        drawn=tuple((start.date(), scores) for start, scores in drawn.items()),
        by_tag=_by_tag(session, shop_id, starts[0]),
        by_product=_by_product(session, shop_id, starts[0]),
    )


def _by_time(session: Session, shop_id: int, starts: list[datetime]) -> Iterable[Any]:
    a = SurveyAnswer
    place = case(*((a.started_at >= start, n) for n, start in reversed(list(enumerate(starts)))), else_=0)
    return session.execute(
        select(place, a.satisfaction, a.recommendation, func.count())
        .where(a.shop_id == shop_id, a.started_at >= starts[0])
        .group_by(place, a.satisfaction, a.recommendation)
    )


def _by_tag(session: Session, shop_id: int, since: datetime) -> tuple[About, ...]:
    a, t, tags = SurveyAnswer, AnswerTag, {tag.id: tag for tag in tags_of(session, shop_id)}
    found: defaultdict[int, Scores] = defaultdict(Scores)
    rows = session.execute(
        select(t.tag_id, a.satisfaction, a.recommendation, func.count())
        .join(a, a.id == t.answer_id)
        .where(t.tag_id.in_(tags), t.removed.is_(False), t.answered_at >= since)
        .group_by(t.tag_id, a.satisfaction, a.recommendation)
    )
    for tag_id, satisfaction, recommendation, count in rows:
        found[tag_id].add(satisfaction, recommendation, count)
    return _most(About(id_, tags[id_].name_en, tags[id_].name_ko, scores) for id_, scores in found.items())


def _by_product(session: Session, shop_id: int, since: datetime) -> tuple[About, ...]:
    a, p = SurveyAnswer, Purchase
    found: defaultdict[str, Scores] = defaultdict(Scores)
    titles: dict[str, str] = {}
    rows = session.execute(
        select(p.product_id, func.max(p.title), a.satisfaction, a.recommendation, func.count())
        .join(p, p.order_id == a.order_id)
        .where(a.shop_id == shop_id, p.shop_id == shop_id, a.started_at >= since)
        .group_by(p.product_id, a.satisfaction, a.recommendation)
    )
    for product_id, title, satisfaction, recommendation, count in rows:
        titles[product_id] = title
        found[product_id].add(satisfaction, recommendation, count)
    return _most(About(id_, titles[id_], titles[id_], scores) for id_, scores in found.items())[:PRODUCTS]


def _most(found: Iterable[About]) -> tuple[About, ...]:
    return tuple(sorted(found, key=lambda about: (-about.scores.answers, about.name_en)))
