"""The desk's lists, and one issue with everything that helps to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.desk_hours import DeskHours, open_time
from plugin.services.context import Context
from plugin.services.desk_hours import hours_of
from plugin.services.issue_opening import FAILED_MESSAGE, REPLY
from plugin.services.issues import OUTCOMES_OF, NoSuchIssue
from plugin.services.message_list import Mark, MessageLine, Wanted, find_messages
from plugin.services.order_search import full_name
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.desk import DeskLetter
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order, Parcel
from plugin.store.models.shops import Shop

PAGE = 50
KNOWN_OWNERS = 200  # newest issues whose owners are offered


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """An issue in the list. `left`: open desk time until the answer is due, negative when it is late, None without a
    clock or once answered."""

    id: int
    kind: str
    order_id: int
    order_name: str
    customer: str
    email: str | None
    parcel: str | None
    words: str | None
    opened_at: datetime
    reopened_at: datetime | None
    owner: str | None
    reply_by: datetime | None
    first_replied_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    solved: str | None
    left: timedelta | None

    @property
    def late(self) -> bool:
        return self.left is not None and self.left < timedelta(0)


@dataclass(frozen=True, slots=True)
class IssuePage:
    """`more`: the id behind which the closed ones go on."""

    issues: tuple[IssueLine, ...]
    more: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """`satisfaction`, `recommendation`: of the order's survey. `outcomes`: how it may be closed.

    `replies`: how many answers were written, for the form's second tap. `failed`: the message, where one failed.
    """

    line: IssueLine
    letters: tuple[DeskLetter, ...]
    satisfaction: int | None
    recommendation: int | None
    outcomes: tuple[str, ...]
    replies: int
    owners: tuple[str, ...]
    failed: Message | None


def list_issues(
    session: Session, ctx: Context, shop_id: int, *, closed: bool = False, after: int | None = None
) -> IssuePage:
    """Open ones by what is due first, all of them on one page; or those closed, the newest first."""
    mine = (Issue.shop_id == shop_id, Issue.closed_at.is_not(None) if closed else Issue.closed_at.is_(None))
    query = (
        select(Issue, Order, Parcel.name)
        .join(Order, (Order.id == Issue.order_id) & (Order.shop_id == Issue.shop_id))
        .outerjoin(Parcel, (Parcel.order_id == Issue.order_id) & (Parcel.platform_id == Issue.parcel_id))
        .where(*mine)
    )
    if closed:
        if after is not None:
            query = query.where(Issue.id < after)
        query = query.order_by(Issue.id.desc()).limit(PAGE + 1)
    rows = session.execute(query).all()
    shop = session.get_one(Shop, shop_id)
    hours, now = hours_of(session, shop), ctx.clock.now()
    lines = [_line(issue, order, parcel, hours, now) for issue, order, parcel in rows]
    if not closed:
        return IssuePage(tuple(sorted(lines, key=_urgency)), None)
    return IssuePage(tuple(lines[:PAGE]), lines[PAGE - 1].id if len(lines) > PAGE else None)


def failed_messages(
    session: Session, shop_id: int, after: Mark | None = None
) -> tuple[list[tuple[MessageLine, int | None]], Mark | None]:
    """Messages that failed and that nobody has settled: with the issue's id, where somebody looks into it."""
    page = find_messages(session, shop_id, Wanted(state="failed"), after)
    ids = [line.id for line in page.messages]
    known = {
        message_id: (id_, closed_at)
        for message_id, id_, closed_at in session.execute(
            select(Issue.message_id, Issue.id, Issue.closed_at).where(
                Issue.shop_id == shop_id, Issue.message_id.in_(ids)
            )
        )
    }
    open_ = [(line, *known.get(line.id, (None, None))) for line in page.messages]
    return [(line, id_) for line, id_, closed_at in open_ if closed_at is None], page.more


def issue_view(session: Session, ctx: Context, shop_id: int, issue_id: int) -> IssueView:
    """Raises NoSuchIssue."""
    row = session.execute(
        select(Issue, Order, Parcel.name)
        .join(Order, (Order.id == Issue.order_id) & (Order.shop_id == Issue.shop_id))
        .outerjoin(Parcel, (Parcel.order_id == Issue.order_id) & (Parcel.platform_id == Issue.parcel_id))
        .where(Issue.id == issue_id, Issue.shop_id == shop_id)
    ).first()
    if row is None:
        raise NoSuchIssue(issue_id)
    issue, order, parcel = row
    letters = session.scalars(
        select(DeskLetter).where(DeskLetter.issue_id == issue.id, DeskLetter.shop_id == shop_id).order_by(DeskLetter.id)
    ).all()
    survey = session.scalar(
        select(SurveyAnswer).where(SurveyAnswer.shop_id == shop_id, SurveyAnswer.order_id == order.id)
    )
    hours = hours_of(session, session.get_one(Shop, shop_id))
    return IssueView(
        line=_line(issue, order, parcel, hours, ctx.clock.now()),
        letters=tuple(letters),
        satisfaction=survey.satisfaction if survey else None,
        recommendation=survey.recommendation if survey else None,
        outcomes=OUTCOMES_OF.get(issue.kind, ()),
        replies=sum(letter.kind == REPLY for letter in letters),
        owners=_owners(session, shop_id),
        failed=_failed(session, issue),
    )


def _failed(session: Session, issue: Issue) -> Message | None:
    if issue.kind != FAILED_MESSAGE:
        return None
    return session.scalar(select(Message).where(Message.id == issue.message_id, Message.shop_id == issue.shop_id))


def _owners(session: Session, shop_id: int) -> tuple[str, ...]:
    """Whoever looked after one of the newest issues."""
    newest = select(Issue.owner).where(Issue.shop_id == shop_id).order_by(Issue.id.desc()).limit(KNOWN_OWNERS)
    return tuple(sorted({owner for owner in session.scalars(newest) if owner}))


def _line(issue: Issue, order: Order, parcel: str | None, hours: DeskHours, now: datetime) -> IssueLine:
    return IssueLine(
        id=issue.id,
        kind=issue.kind,
        order_id=order.id,
        order_name=order.name or order.platform_id,
        customer=full_name(order),
        email=order.email,
        parcel=parcel,
        words=issue.words,
        opened_at=issue.opened_at,
        reopened_at=issue.reopened_at,
        owner=issue.owner,
        reply_by=issue.reply_by,
        first_replied_at=issue.first_replied_at,
        closed_at=issue.closed_at,
        outcome=issue.outcome,
        solved=issue.solved,
        left=_left(issue, hours, now),
    )


def _left(issue: Issue, hours: DeskHours, now: datetime) -> timedelta | None:
    if issue.closed_at or issue.first_replied_at or issue.reply_by is None:
        return None
    if now <= issue.reply_by:
        return open_time(hours, now, issue.reply_by)
    return min(-open_time(hours, issue.reply_by, now), timedelta(seconds=-1))


def _urgency(line: IssueLine) -> tuple[bool, datetime, int]:
    """Unanswered ones first, by when the answer is due."""
    return line.left is None, line.reply_by or line.opened_at, line.id

