"""The desk's work on an issue: who has it, what was answered, how it ended, and whether the customer agrees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.domain.flows import State
from plugin.queues import SEND
from plugin.services import issues, plan
from plugin.services.acts import NoSuchMessage
from plugin.services.answers import Erased, kept_words
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.issue_opening import FAILED_MESSAGE, REPLY, SOLVED, add_letter, start_clock
from plugin.services.issues import NoSuchIssue
from plugin.store.models.customers import Issue
from plugin.store.models.desk import DeskLetter
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop


class NothingSaid(ValueError):
    """A reply without words."""


def take(ctx: Context, shop_id: int, issue_id: int, owner: str, actor: str) -> None:
    """Say who looks after the issue; "" gives it back to everybody. Raises NoSuchIssue."""
    with _issue(ctx, shop_id, issue_id) as (session, issue, now):
        before = issue.owner
        issue.owner = " ".join(owner.split())[:320] or None
        _record(session, issue, actor, "owner", before, issue.owner, now)


def reply(ctx: Context, shop_id: int, issue_id: int, words: str, actor: str, seen_replies: int) -> bool:
    """Answer the customer by mail, in the thread of the letters before. Stops the reply clock.

    `seen_replies`: how many there were when the answer was written; with more by now it is the same answer sent twice,
    and False is returned. Raises NoSuchIssue, NothingSaid, Erased.
    """
    kept = kept_words(words)
    if kept is None:
        raise NothingSaid
    with _issue(ctx, shop_id, issue_id) as (session, issue, now):
        if session.get_one(Order, issue.order_id).redacted_at:
            raise Erased
        if not write_reply(session, issue, kept, actor, seen_replies, now):
            return False
    ctx.queues.nudge(SEND)
    return True


def write_reply(session: Session, issue: Issue, words: str, actor: str, seen_replies: int, now: datetime) -> bool:
    """Lay the reply out to be sent, unless it is the same one again. The caller holds the order's lock and commits."""
    letter = add_letter(session, issue, REPLY, now, words=words, author=actor)
    if letter.number != seen_replies + 1:
        session.expunge(letter)
        return False
    _answered(session, issue, actor, now)
    return True


def answered(ctx: Context, shop_id: int, issue_id: int, actor: str) -> None:
    """The customer was answered by other means: the reply clock stops. Raises NoSuchIssue."""
    with _issue(ctx, shop_id, issue_id) as (session, issue, now):
        _answered(session, issue, actor, now)


def close(ctx: Context, shop_id: int, issue_id: int, outcome: str, actor: str) -> bool:
    """Close it and ask the customer whether it is solved. False when it was closed before. Raises NoSuchIssue."""
    with ctx.database.transaction() as session:
        shop, issue = session.get(Shop, shop_id), _find(session, shop_id, issue_id)
        if shop is None or issue is None:
            raise NoSuchIssue(issue_id)
        try:
            issues.close_issue(session, ctx, shop, issue_id, outcome)
        except NoSuchIssue:
            if issue.closed_at is None:
                raise
            return False
        _record(session, issue, actor, "outcome", None, outcome, ctx.clock.now())
    ctx.queues.nudge(SEND)
    return True


def adopt(ctx: Context, shop_id: int, message_id: int, actor: str) -> int:
    """The issue over a message that failed, made when the first of the shop looks into it. Returns its id.

    Raises NoSuchMessage, also for one that did not fail.
    """
    known = select(Issue.id).where(Issue.shop_id == shop_id, Issue.message_id == message_id)
    try:
        with ctx.database.transaction() as session:
            message = session.scalar(
                select(Message).where(
                    Message.id == message_id, Message.shop_id == shop_id, Message.state == State.FAILED
                )
            )
            if message is None:
                raise NoSuchMessage(message_id)
            if (found := session.scalar(known)) is not None:
                return found
            issue = Issue(shop_id=shop_id, order_id=message.order_id, kind=FAILED_MESSAGE, message_id=message_id,
                          opened_at=message.due_at or ctx.clock.now(), owner=actor)  # fmt: skip
            session.add(issue)
            session.flush()
            return issue.id
    except IntegrityError:  # somebody else looked into it at the same moment
        with ctx.database.reading() as session:
            return session.execute(known).scalar_one()


def say_solved(ctx: Context, issue_id: int, number: int, solved: bool) -> None:
    """The customer's tap. "No" opens the issue again: a new clock, the shop is told, and what was paused pauses.

    `number`: of the letter that asked. An answer to one that is not the newest changes nothing, nor does repeating it.
    Raises NoSuchIssue, Erased.
    """
    with ctx.database.transaction() as session:
        order_id = session.scalar(select(Issue.order_id).where(Issue.id == issue_id))
        if order_id is None:
            raise NoSuchIssue(issue_id)
        plan.lock_orders(session, [order_id])
        issue = session.get_one(Issue, issue_id, populate_existing=True)
        if session.get_one(Order, order_id).redacted_at:
            raise Erased
        if issue.closed_at is None or number != newest_question(session, issue_id):
            return
        now = ctx.clock.now()
        issue.solved, issue.solved_at = ("yes" if solved else "no"), now
        if not solved:
            issue.closed_at, issue.outcome, issue.reopened_at = None, None, now
            start_clock(session, issue, now)
            plan.replan(session, ctx, [order_id])
    ctx.queues.nudge(SEND)


def newest_question(session: Session, issue_id: int) -> int:
    """The number of the newest letter that asked whether it is solved; 0 when none did."""
    asked = select(DeskLetter.number).where(DeskLetter.issue_id == issue_id, DeskLetter.kind == SOLVED)
    return session.scalar(asked.order_by(DeskLetter.number.desc()).limit(1)) or 0


def _answered(session: Session, issue: Issue, actor: str, now: datetime) -> None:
    if issue.owner is None:
        issue.owner = actor
    if issue.first_replied_at is None:
        issue.first_replied_at, issue.tell_at = now, None
        _record(session, issue, actor, "answered", None, True, now)


def _find(session: Session, shop_id: int, issue_id: int) -> Issue | None:
    return session.scalar(select(Issue).where(Issue.id == issue_id, Issue.shop_id == shop_id))


@contextmanager
def _issue(ctx: Context, shop_id: int, issue_id: int) -> Iterator[tuple[Session, Issue, datetime]]:
    """A transaction over the shop's issue, whose order is locked."""
    with ctx.database.transaction() as session:
        found = _find(session, shop_id, issue_id)
        if found is None:
            raise NoSuchIssue(issue_id)
        plan.lock_orders(session, [found.order_id])
        session.refresh(found)
        yield session, found, ctx.clock.now()


def _record(
    session: Session, issue: Issue, actor: str, field: str, before: object, after: object, at: datetime
) -> None:
    if before != after:
        new = {"issue": issue.id, field: after}
        record_change(session, issue.shop_id, actor, f"issue.{field}", {field: before}, new, at)
