"""Reviews: good answers that customers let the shop show to others. Nobody's words without leave and approval.

A review follows its answer: with the leave it is there and pending; other words or stars make it pending again;
without the leave, or with nothing good in it, it is gone at once, and so is what would have been shown of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, delete, select, union_all
from sqlalchemy.orm import Session

from plugin.content.formats import plausible_name, text_language
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.orders import Order
from plugin.store.models.reviews import Review, ReviewShown
from plugin.store.models.shops import Shop

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"
STATES = (PENDING, APPROVED, REJECTED)
GOOD = 4  # a satisfaction of so much or more is something to show
LONGEST = 1_000  # characters that a mail shows in full: nobody's words are cut
PAGE = 50


class NoSuchReview(LookupError):
    """The shop has no such review: its customer may have taken the leave back meanwhile."""


class OtherWords(Exception):
    """The customer says something else by now: nothing was decided."""


class BadProducts(ValueError):
    """A review speaks of products of its own order, of one at least."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review as the merchant reads it. `products`: (platform id, title, it speaks of it) of the whole order."""

    id: int
    order_id: int
    order_name: str
    stars: int
    words: str
    first_name: str | None
    language: str
    given_at: datetime
    state: str
    version: str
    decided_at: datetime | None
    decided_by: str | None
    products: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a mail shows of a review: the customer's own words, unescaped."""

    words: str
    stars: int
    first_name: str | None
    given_at: datetime


def publishable(answer: SurveyAnswer) -> bool:
    return answer.satisfaction is not None and answer.satisfaction >= GOOD and 0 < len(answer.words or "") <= LONGEST


def has_leave(answer: SurveyAnswer) -> bool:
    return answer.leave_at is not None and answer.leave_withdrawn_at is None


def follow(session: Session, order: Order, answer: SurveyAnswer, now: datetime) -> None:
    """Make the answer's review what the answer says now. The caller holds the order's lock; the answer is flushed."""
    review = session.scalar(
        select(Review).where(Review.shop_id == order.shop_id, Review.answer_id == answer.id).with_for_update()
    )
    if not (has_leave(answer) and publishable(answer)):
        if review is not None:
            _hide(session, review)
            session.delete(review)
        return
    assert answer.satisfaction is not None
    assert answer.words is not None
    if review is None:
        shop = session.get_one(Shop, order.shop_id)
        language = text_language(order.locale or (shop.settings or {}).get("language") or shop.locale)
        review = Review(
            shop_id=order.shop_id, order_id=order.id, answer_id=answer.id, products=list(_titles(order)),
            first_name=plausible_name(order.first_name), language=language,
        )  # fmt: skip
        session.add(review)
    elif (review.stars, review.words) == (answer.satisfaction, answer.words):
        return
    else:
        _hide(session, review)
    review.stars, review.words, review.given_at = answer.satisfaction, answer.words, now
    review.state, review.decided_at, review.decided_by = PENDING, None, None


def decide(
    ctx: Context, shop_id: int, review_id: int, state: str, actor: str, *, products: Collection[str] | None = None,
    seen: str | None = None,
) -> None:  # fmt: skip
    """Approve or reject. `products`: what it speaks of, of its order's (None: as it is). `seen`: the version
    that the merchant read. Raises NoSuchReview, BadProducts, OtherWords.
    """
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        review = session.scalar(
            select(Review).where(Review.shop_id == shop_id, Review.id == review_id).with_for_update()
        )
        if review is None:
            raise NoSuchReview(review_id)
        if seen is not None and seen != version_of(review):
            raise OtherWords
        if products is not None:
            titles = _titles(session.get_one(Order, review.order_id))
            chosen = [id_ for id_ in titles if id_ in set(products)]
            if not chosen or set(products) - set(titles):
                raise BadProducts
            review.products = chosen
        elif state == APPROVED and not review.products:
            raise BadProducts
        before = {"review": review.state}
        review.state, review.decided_at, review.decided_by = state, now, actor
        _hide(session, review)
        if state == APPROVED:
            session.add_all(
                ReviewShown(shop_id=shop_id, review_id=review.id, product_id=id_, language=review.language,
                            given_at=review.given_at) for id_ in review.products
            )  # fmt: skip
        after = {"review": state, "review_id": review.id}
        record_change(session, shop_id, actor, f"review.{state}", before, after, now)


def list_reviews(
    session: Session, shop_id: int, state: str, before_id: int | None = None, limit: int = PAGE
) -> list[ReviewLine]:
    """The newest first; `before_id` goes on from the last one of a page."""
    wanted = select(Review).where(Review.shop_id == shop_id, Review.state == state)
    if before_id is not None:
        wanted = wanted.where(Review.id < before_id)
    rows = session.scalars(wanted.order_by(Review.id.desc()).limit(limit)).all()
    ids = [row.order_id for row in rows]
    mine = (Order.shop_id == shop_id, Order.id.in_(ids))
    orders = {order.id: order for order in session.scalars(select(Order).where(*mine))}
    return [_line(row, orders[row.order_id]) for row in rows]


def shown_reviews(
    session: Session, shop_id: int, product_ids: Sequence[str], language: str
) -> dict[str, Shown]:
    """The newest approved review in that language of each product that has one, by the product's id. One query."""
    each = [select(_newest(shop_id, id_, language)) for id_ in dict.fromkeys(product_ids)]
    if not each:
        return {}
    newest = union_all(*each).subquery()
    rows = session.execute(
        select(newest.c.product_id, Review.words, Review.stars, Review.first_name, Review.given_at)
        .join(Review, Review.id == newest.c.review_id)
        .where(Review.shop_id == shop_id, Review.state == APPROVED)
    )
    return {row.product_id: Shown(row.words, row.stars, row.first_name, row.given_at) for row in rows}


def _newest(shop_id: int, product_id: str, language: str) -> Subquery:
    shown = ReviewShown
    mine = (shown.shop_id == shop_id, shown.product_id == product_id, shown.language == language)
    newest = select(shown.product_id, shown.review_id).where(*mine).order_by(shown.given_at.desc()).limit(1)
    return newest.subquery()


def _line(review: Review, order: Order) -> ReviewLine:
    spoken = set(review.products)
    return ReviewLine(
        id=review.id, order_id=order.id, order_name=order.name or order.platform_id, stars=review.stars,
        words=review.words, first_name=review.first_name, language=review.language, given_at=review.given_at,
        state=review.state, version=version_of(review), decided_at=review.decided_at, decided_by=review.decided_by,
        products=tuple((id_, title, id_ in spoken) for id_, title in _titles(order).items()),
    )  # fmt: skip


def _titles(order: Order) -> dict[str, str]:
    """The order's products: platform id -> title. A line whose product is not known is none."""
    return {str(line["product_id"]): str(line.get("title") or "–") for line in order.lines if line.get("product_id")}


def _hide(session: Session, review: Review) -> None:
    session.execute(
        delete(ReviewShown).where(ReviewShown.shop_id == review.shop_id, ReviewShown.review_id == review.id)
    )


def version_of(review: Review) -> str:
    """Changes with what the customer says: whoever approves approves what they read."""
    return hashlib.sha256(f"{review.stars} {review.words}".encode()).hexdigest()[:12]
