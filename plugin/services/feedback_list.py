"""The feedback desk's list: answers from the newest on, by score, tag, product, words and period, page by page.

Every page stands on an index that gives the order of the list, so that it costs the same among a million.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, tuple_, union_all
from sqlalchemy.orm import Session

from plugin.services.issue_opening import FEEDBACK, LOW_RATING, WITHDRAWN
from plugin.services.order_search import full_name
from plugin.services.tagging import NoSuchAnswer, TagMark, marks
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.feedback import AnswerTag
from plugin.store.models.orders import Order, Product, Purchase

PAGE = 50
BANDS = {"low": (1, 2), "middle": (3,), "high": (4, 5)}
RARE = 300  # orders with a product, up to which they are read rather than the answers
PRODUCTS = 300  # the best known ones of the filter


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ends: the next one begins behind this answer."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`band`: low (1–2), middle (3) or high (4–5). `worded`: only those with words. `since`: answered from then on."""

    band: str | None = None
    tag_id: int | None = None
    product_id: str | None = None
    worded: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackLine:
    """An answer. `issue_id`: of the newest issue over it, if any; `issue_open`: nobody has settled it."""

    id: int
    order_id: int
    order_name: str
    customer: str
    email: str | None
    satisfaction: int | None
    recommendation: int | None
    words: str | None
    answered_at: datetime
    tags: tuple[TagMark, ...]
    issue_id: int | None
    issue_kind: str | None
    issue_open: bool


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    answers: tuple[FeedbackLine, ...]
    more: Mark | None


def find_answers(
    session: Session, shop_id: int, wanted: Wanted, after: Mark | None = None, limit: int = PAGE
) -> FeedbackPage:
    """A page of the shop's answers, the newest first. KeyError for a band that there is not."""
    if wanted.tag_id is not None:
        arms = [_by_tag(shop_id, wanted, after)]
    else:
        scores: Sequence[int | None] = BANDS[wanted.band] if wanted.band else (None,)
        arms = [_by_time(shop_id, score, wanted, after) for score in scores]
    of_product = _of_product(session, shop_id, wanted.product_id)
    arms = [arm.where(*of_product).limit(limit + 1) for arm in arms]
    if len(arms) == 1:
        rows = session.execute(arms[0]).all()
    else:
        rows = session.execute(union_all(*(select(arm.subquery()) for arm in arms))).all()
    keys = sorted(((at, id_) for id_, at in rows), reverse=True)[: limit + 1]
    more = Mark(*keys[limit - 1]) if len(keys) > limit else None
    return FeedbackPage(tuple(lines(session, shop_id, [id_ for _, id_ in keys[:limit]])), more)


def lines(session: Session, shop_id: int, answer_ids: Sequence[int]) -> list[FeedbackLine]:
    """These answers with their orders, tags and issues, in the order given: three queries, however many they are."""
    rows = session.execute(
        select(SurveyAnswer, Order)
        .join(Order, Order.id == SurveyAnswer.order_id)
        .where(SurveyAnswer.id.in_(answer_ids), SurveyAnswer.shop_id == shop_id, Order.shop_id == shop_id)
    ).all()
    tags, issues = marks(session, answer_ids), desk_issues(session, shop_id, [order.id for _, order in rows])
    found = {answer.id: _line(answer, order, tags.get(answer.id, ()), issues.get(order.id)) for answer, order in rows}
    return [found[id_] for id_ in answer_ids if id_ in found]


def one_answer(session: Session, shop_id: int, answer_id: int) -> FeedbackLine:
    """Raises NoSuchAnswer."""
    found = lines(session, shop_id, [answer_id])
    if not found:
        raise NoSuchAnswer(answer_id)
    return found[0]


def answers_of_customer(session: Session, shop_id: int, order_ids: Collection[int]) -> list[FeedbackLine]:
    """The answers on these orders, the newest first."""
    mine = (SurveyAnswer.shop_id == shop_id, SurveyAnswer.order_id.in_(order_ids))
    ids = session.scalars(select(SurveyAnswer.id).where(*mine).order_by(SurveyAnswer.started_at.desc())).all()
    return lines(session, shop_id, ids)


def desk_issues(session: Session, shop_id: int, order_ids: Collection[int]) -> dict[int, Issue]:
    """By order: the newest issue over what its customer answered, an open one before all others."""
    rows = session.scalars(
        select(Issue).where(
            Issue.shop_id == shop_id, Issue.order_id.in_(order_ids), Issue.kind.in_((LOW_RATING, FEEDBACK))
        )
    ).all()
    kept = [issue for issue in rows if issue.outcome != WITHDRAWN]
    return {issue.order_id: issue for issue in sorted(kept, key=lambda one: (one.closed_at is None, one.id))}


def products(session: Session, shop_id: int) -> list[tuple[str, str]]:
    """(platform id, title) of what the shop sells, by title: for the filter. At most 300."""
    rows = session.execute(
        select(Product.platform_id, Product.title)
        .where(Product.shop_id == shop_id, Product.deleted.is_(False))
        .order_by(Product.platform_id)
        .limit(PRODUCTS)
    )
    return sorted(((row[0], row[1]) for row in rows), key=lambda pair: pair[1])


def _by_time(shop_id: int, score: int | None, wanted: Wanted, after: Mark | None) -> Select[int, datetime]:
    a = SurveyAnswer
    found = select(a.id, a.started_at).where(a.shop_id == shop_id)
    if score is not None:
        found = found.where(a.satisfaction == score)
    return _page(found.where(*_words(wanted)), a.started_at, a.id, wanted, after)


def _by_tag(shop_id: int, wanted: Wanted, after: Mark | None) -> Select[int, datetime]:
    t, a = AnswerTag, SurveyAnswer
    found = select(t.answer_id, t.answered_at).join(a, a.id == t.answer_id)
    found = found.where(t.tag_id == wanted.tag_id, t.removed.is_(False), a.shop_id == shop_id, *_words(wanted))
    if wanted.band:
        found = found.where(a.satisfaction.in_(BANDS[wanted.band]))
    return _page(found, t.answered_at, t.answer_id, wanted, after)


def _words(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    return [SurveyAnswer.words.is_not(None)] if wanted.worded else []


def _page(
    found: Select[int, datetime], at: Any, id_: Any, wanted: Wanted, after: Mark | None
) -> Select[int, datetime]:
    if wanted.since:
        found = found.where(at >= wanted.since)
    if after:
        found = found.where(at <= after.at, tuple_(at, id_) < (after.at, after.id))
    return found.order_by(at.desc(), id_.desc())


def _of_product(session: Session, shop_id: int, product_id: str | None) -> list[ColumnElement[bool]]:
    """Of a product that few bought, their orders; of one that many bought, each answer is asked for it."""
    if product_id is None:
        return []
    bought = (Purchase.shop_id == shop_id, Purchase.product_id == product_id)
    orders = session.scalars(select(Purchase.order_id).where(*bought).limit(RARE + 1)).all()
    if len(orders) <= RARE:
        return [SurveyAnswer.order_id.in_(orders)]
    return [exists().where(Purchase.order_id == SurveyAnswer.order_id, *bought)]


def _line(answer: SurveyAnswer, order: Order, tags: Iterable[TagMark], issue: Issue | None) -> FeedbackLine:
    return FeedbackLine(
        id=answer.id,
        order_id=order.id,
        order_name=order.name or order.platform_id,
        customer=full_name(order),
        email=order.email,
        satisfaction=answer.satisfaction,
        recommendation=answer.recommendation,
        words=answer.words,
        answered_at=answer.started_at,
        tags=tuple(tags),
        issue_id=issue.id if issue else None,
        issue_kind=issue.kind if issue else None,
        issue_open=issue is not None and issue.closed_at is None,
    )
