"""Issues as they arise: the clock starts, the shop is to be told, and the customer is to hear that they were heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.domain.desk_hours import reply_by
from plugin.services.desk_hours import hours_of
from plugin.services.histories import LOW_RATING, NOT_ARRIVED
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.desk import DeskLetter
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

FAILED_MESSAGE = "failed_message"
FEEDBACK = "feedback"  # a reply to an answer that was no complaint: pauses nothing
LOW = 2  # a satisfaction of so much or less is a complaint
SECOND_THOUGHTS = timedelta(minutes=3)  # a slip of the finger on the survey is mended by then, and nobody is written to
ACKNOWLEDGEMENT, REPLY, SOLVED = "acknowledgement", "reply", "solved"
WITHDRAWN = "withdrawn"


def open_issue(
    session: Session, order: Order, kind: str, now: datetime, *, parcel_id: str | None = None, words: str | None = None
) -> Issue:
    """An open issue over an order whose lock the caller holds, and the letter that acknowledges it."""
    issue = Issue(
        shop_id=order.shop_id, order_id=order.id, parcel_id=parcel_id, kind=kind, opened_at=now, words=words,
    )  # fmt: skip
    session.add(issue)
    start_clock(session, issue, now)
    session.flush()
    add_letter(session, issue, ACKNOWLEDGEMENT, now, after=SECOND_THOUGHTS if kind == LOW_RATING else timedelta(0))
    return issue


def start_clock(session: Session, issue: Issue, now: datetime) -> None:
    """From now on an answer is due, and the shop is to be told."""
    hours = hours_of(session, session.get_one(Shop, issue.shop_id))
    issue.reply_by, issue.first_replied_at = reply_by(hours, now), None
    issue.tell_at = datetime.now(UTC)


def add_letter(
    session: Session,
    issue: Issue,
    kind: str,
    now: datetime,
    *,
    after: timedelta = timedelta(0),
    words: str | None = None,
    author: str | None = None,
) -> DeskLetter:
    """The next letter of its kind. The caller holds the order's lock, so the number is nobody else's."""
    count = session.scalar(
        select(func.count()).where(DeskLetter.issue_id == issue.id, DeskLetter.kind == kind)
    )  # fmt: skip
    letter = DeskLetter(
        shop_id=issue.shop_id, order_id=issue.order_id, issue_id=issue.id, kind=kind, number=(count or 0) + 1,
        state="planned", reason="will leave at once", words=words, author=author, made_at=now, ready_at=now + after,
    )  # fmt: skip
    session.add(letter)
    return letter


def rated(session: Session, order: Order, answer: SurveyAnswer, now: datetime) -> None:
    """What a survey's answer means for the desk: a low rating opens an issue, once; a better one takes it back as long
    as nobody of the shop has answered."""
    issue = session.scalar(
        select(Issue)
        .where(Issue.shop_id == order.shop_id, Issue.order_id == order.id, Issue.kind == LOW_RATING)
        .order_by(Issue.id.desc())
        .limit(1)
    )
    low = answer.satisfaction is not None and answer.satisfaction <= LOW
    if low and (issue is None or issue.outcome == WITHDRAWN):
        open_issue(session, order, LOW_RATING, now, words=answer.words)
    elif issue is not None and issue.closed_at is None:
        if low:
            issue.words = answer.words
        elif issue.first_replied_at is None:
            issue.closed_at, issue.outcome, issue.tell_at = now, WITHDRAWN, None


__all__ = [
    "ACKNOWLEDGEMENT", "FAILED_MESSAGE", "FEEDBACK", "LOW_RATING", "NOT_ARRIVED", "REPLY", "SOLVED", "WITHDRAWN",
    "add_letter", "open_issue", "rated", "start_clock",
]  # fmt: skip
