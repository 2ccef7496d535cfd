"""Tags on answers: suggested from the words, corrected by hand. What a hand did, no suggestion undoes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from plugin.domain.tags import STARTING_SET, TagRule, suggest
from plugin.services import errands, plan
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.errands import FEEDBACK
from plugin.store.models.customers import SurveyAnswer
from plugin.store.models.feedback import AnswerTag, FeedbackTag
from plugin.store.models.orders import Order
from plugin.store.upserts import add_missing

SUGGESTED, HAND = "suggested", "hand"
ADD, REMOVE, CONFIRM = "add", "remove", "confirm"
BATCH = 500  # answers read in one step


class NoSuchAnswer(LookupError):
    """The shop has no answer of this number."""


class NoSuchTag(LookupError):
    """The shop has no tag of this number."""


@dataclass(frozen=True, slots=True)
class TagMark:
    """A tag on an answer. `by`: suggested or hand."""

    id: int
    name_en: str
    name_ko: str
    by: str


def tags_of(session: Session, shop_id: int) -> Sequence[FeedbackTag]:
    """The shop's tags, retired ones too, the starting set first; none before anything made it."""
    return session.scalars(select(FeedbackTag).where(FeedbackTag.shop_id == shop_id).order_by(FeedbackTag.id)).all()


def make_tags(session: Session, shop_id: int) -> Sequence[FeedbackTag]:
    """The same, with the starting set made where it is missing; then earlier answers are read in the background."""
    tags = tags_of(session, shop_id)
    missing = [key for key in STARTING_SET if key not in {tag.key for tag in tags}]
    if not missing:
        return tags
    rows = [
        {"shop_id": shop_id, "key": key, "name_en": STARTING_SET[key][0], "name_ko": STARTING_SET[key][1], "words": []}
        for key in missing
    ]
    add_missing(session, FeedbackTag, rows, ["shop_id", "key"])
    worded = exists().where(SurveyAnswer.shop_id == shop_id, SurveyAnswer.words.is_not(None))
    if session.scalar(select(worded)):
        read_again(session, shop_id)  # answers from before there were tags
    return tags_of(session, shop_id)


def read_again(session: Session, shop_id: int) -> None:
    """Have every answer's words looked at anew, in the background. Does not commit."""
    errands.ask(session, shop_id, FEEDBACK, restart=True, state={"read_after": 0})


def follow_words(session: Session, answer: SurveyAnswer, now: datetime) -> None:
    """Suggest what the answer's words say as they are now. The caller holds the order's lock and commits."""
    session.flush()
    suggest_tags(session, answer.shop_id, [answer], now)


def suggest_tags(session: Session, shop_id: int, answers: Collection[SurveyAnswer], now: datetime) -> set[int]:
    """The same for several of one shop. Returns the orders of those whose tags changed."""
    used = [tag for tag in make_tags(session, shop_id) if tag.retired_at is None]
    rules = [TagRule(tag.id, tag.key, tuple(tag.words)) for tag in used]
    known = {rule.tag_id for rule in rules}
    wanted = {answer.id: suggest(answer.words, rules) for answer in answers}
    stored = session.scalars(select(AnswerTag).where(AnswerTag.answer_id.in_(wanted))).all()
    has = {(row.answer_id, row.tag_id) for row in stored}
    gone = [
        row for row in stored
        if row.by == SUGGESTED and row.tag_id in known and row.tag_id not in wanted[row.answer_id]
    ]  # fmt: skip
    new = [
        {"shop_id": shop_id, "answer_id": answer.id, "order_id": answer.order_id, "tag_id": tag_id, "by": SUGGESTED,
         "removed": False, "at": now, "answered_at": answer.started_at}
        for answer in answers for tag_id in sorted(wanted[answer.id]) if (answer.id, tag_id) not in has
    ]  # fmt: skip
    if gone:
        session.execute(delete(AnswerTag).where(AnswerTag.id.in_([row.id for row in gone])))
    add_missing(session, AnswerTag, new, ["answer_id", "tag_id"])
    return {row.order_id for row in gone} | {int(str(row["order_id"])) for row in new}


def read_batch(session: Session, ctx: Context, shop_id: int, after: int) -> int | None:
    """Look at the words of the next answers behind this one. Returns the last one's id; None when that was all.

    Their orders are locked, as for any answer; what a changed tag means for their plans is planned.
    """
    mine = (SurveyAnswer.shop_id == shop_id, SurveyAnswer.id > after, SurveyAnswer.words.is_not(None))
    found = session.execute(
        select(SurveyAnswer.id, SurveyAnswer.order_id).where(*mine).order_by(SurveyAnswer.id).limit(BATCH)
    ).all()
    if not found:
        return None
    plan.lock_orders(session, [row.order_id for row in found])
    ids: list[int] = [row.id for row in found]
    answers = session.scalars(
        select(SurveyAnswer).where(SurveyAnswer.id.in_(ids)).execution_options(populate_existing=True)
    ).all()
    suggest_tags(session, shop_id, answers, ctx.clock.now())
    return max(ids)


def correct(ctx: Context, shop_id: int, answer_id: int, tag_id: int, do: str, actor: str) -> None:
    """The merchant's word on a tag of an answer: `add`, `remove` or `confirm`. Repeating it changes nothing.

    Raises NoSuchAnswer, NoSuchTag, ValueError for another word.
    """
    if do not in (ADD, REMOVE, CONFIRM):
        raise ValueError(do)
    with ctx.database.transaction() as session:
        answer = session.scalar(
            select(SurveyAnswer).where(SurveyAnswer.id == answer_id, SurveyAnswer.shop_id == shop_id)
        )
        if answer is None:
            raise NoSuchAnswer(answer_id)
        tag = session.scalar(select(FeedbackTag).where(FeedbackTag.id == tag_id, FeedbackTag.shop_id == shop_id))
        if tag is None:
            raise NoSuchTag(tag_id)
        plan.lock_orders(session, [answer.order_id])
        if session.get_one(Order, answer.order_id).redacted_at:
            raise NoSuchAnswer(answer_id)
        _by_hand(session, answer, tag, do, actor, ctx.clock.now())
        plan.replan(session, ctx, [answer.order_id])


def _by_hand(session: Session, answer: SurveyAnswer, tag: FeedbackTag, do: str, actor: str, now: datetime) -> None:
    row = session.scalar(select(AnswerTag).where(AnswerTag.answer_id == answer.id, AnswerTag.tag_id == tag.id))
    before = None if row is None else "removed" if row.removed else row.by
    if row is None:
        if do != ADD:
            return
        row = AnswerTag(shop_id=answer.shop_id, answer_id=answer.id, order_id=answer.order_id, tag_id=tag.id,
                        at=now, answered_at=answer.started_at)  # fmt: skip
        session.add(row)
    row.by, row.removed = HAND, do == REMOVE
    after = "removed" if row.removed else HAND
    if before != after:
        name = tag.key or tag.name_en
        told = {"answer": answer.id, "tag": name, "mark": after}
        record_change(session, answer.shop_id, actor, "feedback.tag", {"mark": before}, told, now)


def marks(session: Session, answer_ids: Collection[int]) -> dict[int, list[TagMark]]:
    """The tags of these answers, without those taken off."""
    rows = session.execute(
        select(AnswerTag.answer_id, FeedbackTag.id, FeedbackTag.name_en, FeedbackTag.name_ko, AnswerTag.by)
        .join(FeedbackTag, FeedbackTag.id == AnswerTag.tag_id)
        .where(AnswerTag.answer_id.in_(answer_ids), AnswerTag.removed.is_(False))
        .order_by(FeedbackTag.id)
    )
    found: dict[int, list[TagMark]] = {}
    for answer_id, tag_id, name_en, name_ko, by in rows:
        found.setdefault(answer_id, []).append(TagMark(tag_id, name_en, name_ko, by))
    return found
