"""A reply by mail to any answer. One without an issue gets a closed one, which keeps its letters and pauses nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.queues import SEND
from plugin.services import plan
from plugin.services.answers import Erased, kept_words
from plugin.services.context import Context
from plugin.services.feedback_list import desk_issues
from plugin.services.issue_desk import NothingSaid, write_reply
from plugin.services.issue_opening import FEEDBACK
from plugin.services.tagging import NoSuchAnswer
from plugin.store.models.customers import Issue, SurveyAnswer
from plugin.store.models.orders import Order


def reply_to_answer(ctx: Context, shop_id: int, answer_id: int, words: str, actor: str, seen_replies: int) -> bool:
    """Answer the customer, in the thread of the letters before. `seen_replies`: how many there were when it was
    written; with others by now it is the same reply sent twice, and False is returned.

    Raises NoSuchAnswer, NothingSaid, Erased.
    """
    kept = kept_words(words)
    if kept is None:
        raise NothingSaid
    with ctx.database.transaction() as session:
        answer = session.scalar(
            select(SurveyAnswer).where(SurveyAnswer.id == answer_id, SurveyAnswer.shop_id == shop_id)
        )
        if answer is None:
            raise NoSuchAnswer(answer_id)
        plan.lock_orders(session, [answer.order_id])
        session.refresh(answer)
        if session.get_one(Order, answer.order_id).redacted_at:
            raise Erased
        now = ctx.clock.now()
        issue = desk_issues(session, shop_id, [answer.order_id]).get(answer.order_id)
        if issue is None and seen_replies:
            return False
        if not write_reply(session, issue or _closed_issue(session, answer, now), kept, actor, seen_replies, now):
            return False
    ctx.queues.nudge(SEND)
    return True


def _closed_issue(session: Session, answer: SurveyAnswer, now: datetime) -> Issue:
    issue = Issue(shop_id=answer.shop_id, order_id=answer.order_id, kind=FEEDBACK, opened_at=answer.started_at,
                  closed_at=now, outcome="settled", words=answer.words)  # fmt: skip
    session.add(issue)
    session.flush()
    return issue
