"""What is stored of one order's survey, and how long answering takes the customers of a shop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.survey import answered, better_statement, may_be_changed
from plugin.services import reviews
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.orders import Order

MEASURED_FOR = timedelta(days=90)
MEASURED = 1000  # the newest answers that the median is of
_COLUMNS = ("satisfaction", "recommendation", "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is stored of one order's survey. Not completed: something is still open. `given`: see `domain.survey`.

    `publishable`: it is something good in the customer's own words; `leave`: they may be shown to others.
    """

    satisfaction: int | None = None
    recommendation: int | None = None
    words: str | None = None
    completed: bool = False
    changeable: bool = True
    given: dict[str, dict[str, Any]] = field(default_factory=dict)
    publishable: bool = False
    leave: bool = False


@dataclass(frozen=True, slots=True)
class Duration:
    """How long answering takes. `seconds`: the median of the newest `answers` measured in 90 days, None without any.

    `better`: the minutes that the mail should state, where what it states is off.
    """

    seconds: int | None
    answers: int
    better: int | None


def survey_of(session: Session, order: Order) -> SurveyAnswer | None:
    mine = (SurveyAnswer.shop_id == order.shop_id, SurveyAnswer.order_id == order.id)
    return session.scalar(select(SurveyAnswer).where(*mine))


def survey_view(answer: SurveyAnswer, now: datetime) -> Survey:
    return Survey(
        satisfaction=answer.satisfaction,
        recommendation=answer.recommendation,
        words=answer.words,
        completed=answer.completed_at is not None,
        changeable=may_be_changed(answer.completed_at, now),
        given=answer.given or {},
        publishable=reviews.publishable(answer),
        leave=reviews.has_leave(answer),
    )


def said_in(answer: SurveyAnswer) -> tuple[Any, ...]:
    return answer.satisfaction, answer.recommendation, answer.words, dict(answer.given or {})


def is_complete(answer: SurveyAnswer, needed: Collection[str]) -> bool:
    given = answer.given or {}
    return all(
        getattr(answer, id_) is not None if id_ in _COLUMNS else answered(given.get(id_)) for id_ in needed
    )


def survey_duration(session: Session, shop_id: int, stated_minutes: int, now: datetime) -> Duration:
    """Measured on complete answers only: who left halfway does not make the survey short."""
    a = SurveyAnswer
    newest = (
        select(a.seconds)
        .where(a.shop_id == shop_id, a.started_at >= now - MEASURED_FOR, a.seconds.is_not(None))
        .where(a.completed_at.is_not(None))
        .order_by(a.started_at.desc())
        .limit(MEASURED)
    )
    times = [seconds for seconds in session.scalars(newest) if seconds is not None]
    middle = median(times) if times else None
    found = round(middle) if middle is not None else None
    return Duration(found, len(times), better_statement(middle, len(times), stated_minutes))
