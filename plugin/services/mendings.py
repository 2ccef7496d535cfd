""""You told us, we fixed it": a tag is marked as mended, and those who raised it before are told, in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.domain.flows import YOU_TOLD_US
from plugin.queues import SEND
from plugin.services import errands, plan, replanning
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.services.errands import FEEDBACK
from plugin.services.settings_change import locked_shop
from plugin.services.tagging import NoSuchTag
from plugin.store.models.feedback import AnswerTag, FeedbackTag, Mending
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

MAX_SENTENCE = 500
BATCH = 500  # tags of answers whose orders are planned in one transaction


class NoSuchMending(LookupError):
    """The shop has no mending of this number."""


class BadSentence(ValueError):
    """`field`: "none" when neither language has a sentence, else the one that is too long."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class MendingLine:
    """A mending of the list. `planning`: some of those who raised it are still to be planned."""

    id: int
    tag_id: int
    name_en: str
    name_ko: str
    sentence_en: str | None
    sentence_ko: str | None
    actor: str
    made_at: datetime
    undone_at: datetime | None
    planning: bool


def mending_list(session: Session, shop_id: int) -> list[MendingLine]:
    """The newest first."""
    rows = session.execute(
        select(Mending, FeedbackTag)
        .join(FeedbackTag, FeedbackTag.id == Mending.tag_id)
        .where(Mending.shop_id == shop_id)
        .order_by(Mending.made_at.desc(), Mending.id.desc())
    )
    return [_line(mending, tag) for mending, tag in rows]


def one_mending(session: Session, shop_id: int, mending_id: int) -> MendingLine:
    """Raises NoSuchMending."""
    found = next((line for line in mending_list(session, shop_id) if line.id == mending_id), None)
    if found is None:
        raise NoSuchMending(mending_id)
    return found


def newest(session: Session, shop_id: int) -> int:
    """The number of the shop's newest mending, 0 without one: a form that saw another one is out of date."""
    return session.scalar(select(func.max(Mending.id)).where(Mending.shop_id == shop_id)) or 0


def sentences(en: str, ko: str) -> tuple[str | None, str | None]:
    """As they are stored, each a line. Raises BadSentence."""
    kept = [" ".join(text.split()) for text in (en, ko)]
    if not any(kept):
        raise BadSentence("none")
    for text, language in zip(kept, ("en", "ko"), strict=True):
        if len(text) > MAX_SENTENCE:
            raise BadSentence(language)
    return kept[0] or None, kept[1] or None


def mark_mended(
    ctx: Context, shop_id: int, tag_id: int, sentence_en: str, sentence_ko: str, actor: str, seen: int
) -> int | None:
    """Say that it is mended; those who raised it until now are planned in the background. Returns the mending's id.

    `seen`: the newest mending when it was written; with a newer one it is the same form sent twice, and None is
    returned. Raises NoSuchTag, BadSentence, UnknownShop.
    """
    en, ko = sentences(sentence_en, sentence_ko)
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        locked_shop(session, shop_id)
        tag = session.scalar(select(FeedbackTag).where(FeedbackTag.id == tag_id, FeedbackTag.shop_id == shop_id))
        if tag is None:
            raise NoSuchTag(tag_id)
        if newest(session, shop_id) != seen:
            return None
        mending = Mending(shop_id=shop_id, tag_id=tag_id, sentence_en=en, sentence_ko=ko, actor=actor, made_at=now,
                          planned_after=0)  # fmt: skip
        session.add(mending)
        session.flush()
        told = {"tag": tag.key or tag.name_en, "sentence_en": en, "sentence_ko": ko}
        record_change(session, shop_id, actor, "feedback.mended", None, told, now)
        errands.ask(session, shop_id, FEEDBACK)
        return mending.id


def undo(ctx: Context, shop_id: int, mending_id: int, actor: str) -> bool:
    """Take it back: what has not left does not leave. False when it was taken back before. Raises NoSuchMending."""
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        shop = locked_shop(session, shop_id)
        mending = session.scalar(select(Mending).where(Mending.id == mending_id, Mending.shop_id == shop_id))
        if mending is None:
            raise NoSuchMending(mending_id)
        if mending.undone_at:
            return False
        mending.undone_at, mending.planned_after = now, None
        tag = session.get_one(FeedbackTag, mending.tag_id)
        record_change(session, shop_id, actor, "feedback.mended", {"tag": tag.key or tag.name_en, "mended": True},
                      {"tag": tag.key or tag.name_en, "mended": False}, now)  # fmt: skip
        replanning.follow(session, ctx, shop, {YOU_TOLD_US})
    return True


def plan_batch(session: Session, ctx: Context, shop_id: int) -> bool:
    """Plan the next orders of those that a mending concerns. False: there are none. Does not commit."""
    t = AnswerTag
    open_ = (Mending.shop_id == shop_id, Mending.planned_after.is_not(None))
    mending = session.scalar(select(Mending).where(*open_).order_by(Mending.id).limit(1))
    if mending is None:
        return False
    rows = session.execute(
        select(t.id, t.order_id)
        .join(Order, Order.id == t.order_id)
        .where(t.tag_id == mending.tag_id, t.id > mending.planned_after, t.removed.is_(False), t.at <= mending.made_at)
        .order_by(t.id)
        .limit(BATCH)
    ).all()
    order_ids = sorted({row.order_id for row in rows})
    plan.lock_orders(session, order_ids)  # with the shop's: an undoing waits for us, or we see it
    session.refresh(mending)
    if mending.undone_at is None:
        plan.plan_orders(session, ctx, session.get_one(Shop, shop_id), order_ids)
        mending.planned_after = rows[-1].id if len(rows) == BATCH else None
    return True


def nudge(ctx: Context) -> None:
    """What was planned is due at once; nothing is lost when nobody hears it."""
    ctx.queues.nudge(SEND)


def marked(lines: Sequence[MendingLine], tag_id: int) -> list[MendingLine]:
    """Those of this tag that hold."""
    return [line for line in lines if line.tag_id == tag_id and line.undone_at is None]


def _line(mending: Mending, tag: FeedbackTag) -> MendingLine:
    return MendingLine(
        id=mending.id,
        tag_id=tag.id,
        name_en=tag.name_en,
        name_ko=tag.name_ko,
        sentence_en=mending.sentence_en,
        sentence_ko=mending.sentence_ko,
        actor=mending.actor,
        made_at=mending.made_at,
        undone_at=mending.undone_at,
        planning=mending.planned_after is not None,
    )
