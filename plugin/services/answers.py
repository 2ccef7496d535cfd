"""What customers say on their pages: stop, start again, how it was, whether it arrived. Each a fact, then a new plan.

Every verb takes a message's id (the token's, so it is the right to speak), and reaches only that message's shop. All
raise `NotThere` when the message is gone and `Erased` when the customer's data is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.addresses import normalise_email
from plugin.domain.consent import ConsentWords
from plugin.domain.survey import may_be_changed
from plugin.queues import SEND
from plugin.services import consent_writeback, plan, reviews, rewards
from plugin.services.archive import find_message
from plugin.services.consents import consents_of, record_consent
from plugin.services.context import Context
from plugin.services.issue_opening import NOT_ARRIVED, open_issue, rated
from plugin.services.opens import UNSUBSCRIBED, record_reaction
from plugin.services.survey_view import Survey, is_complete, said_in, survey_of, survey_view
from plugin.services.tagging import follow_words
from plugin.store.models.archive import MessageArchive
from plugin.store.models.customers import ArrivalAnswer, Issue, SurveyAnswer
from plugin.store.models.messages import Click, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.events import Channel, ConsentSource, ConsentState
from schemas.fields import clean_text
from schemas.survey import RECOMMENDATION

KEPT_WORDS = 4_000  # characters of a free text

Say = Callable[[Session, ConsentState, datetime], None]


class NotThere(LookupError):
    """No such message."""


class Erased(Exception):
    """The customer's data was erased, so there is nothing to say anything about."""


def address_of(message: Message | MessageArchive, order: Order) -> str | None:
    """The consent key of the address that the message went to, else of the order's."""
    return normalise_email(message.address) or order.address


def unsubscribe(ctx: Context, message_id: int) -> None:
    """No more service and marketing mail to the address. Repeating it changes nothing but the moment.

    The moment is not before a subscription that we were told of, even by a clock ahead of ours: this is the newer word.
    """
    with _consent_of(ctx, message_id) as (session, words, say):
        say(session, ConsentState.UNSUBSCRIBED, _latest(ctx.clock.now(), words.subscribed_at))
        record_reaction(session, message_id, UNSUBSCRIBED, ctx.clock.now())


def subscribe_again(ctx: Context, message_id: int) -> None:
    """An explicit subscription, later than the opt-out it takes back."""
    with _consent_of(ctx, message_id) as (session, words, say):
        others = [at + timedelta(microseconds=1) for at in (words.opted_out_at, words.neutral_at) if at]
        say(session, ConsentState.SUBSCRIBED, _latest(ctx.clock.now(), *others))


def save_survey(
    ctx: Context,
    message_id: int,
    satisfaction: int | None,
    recommendation: int | None,
    words: str | None,
    *,
    given: Mapping[str, dict[str, Any] | None] | None = None,
    needed: Collection[str] = (RECOMMENDATION,),
    seconds: int | None = None,
) -> tuple[Survey, bool]:
    """Store the order's one survey answer and tell what is stored now, and whether this call was taken into it.

    `satisfaction` 1 to 5, `recommendation` 0 to 10. None keeps what is stored; "" takes the words back. Words beyond
    4,000 characters are cut. `given`: every answer with what was asked (`domain.survey.Given`), None takes one back.
    Once the `needed` questions (their ids) are answered, the answer is complete; a day later it never changes again.
    `seconds`: this sitting's; the time of all sittings is added up until it is complete.
    """
    now = ctx.clock.now()
    with locked_order(ctx, message_id) as (session, order):
        answer, spent = survey_of(session, order), seconds
        if answer is None:
            answer = SurveyAnswer(shop_id=order.shop_id, order_id=order.id, started_at=now)
            session.add(answer)
        elif not may_be_changed(answer.completed_at, now):
            return survey_view(answer, now), False
        else:
            spent = None if answer.seconds is None or seconds is None else answer.seconds + seconds
        before = said_in(answer)
        answer.satisfaction = answer.satisfaction if satisfaction is None else satisfaction
        answer.recommendation = answer.recommendation if recommendation is None else recommendation
        if words is not None:
            answer.words = kept_words(words)
        if given is not None:
            merged = {**(answer.given or {}), **given}
            answer.given = {id_: one for id_, one in merged.items() if one is not None}
        if answer.completed_at is None:
            answer.seconds = spent
            answer.completed_at = now if is_complete(answer, needed) else None
            if answer.completed_at:
                rewards.earn(session, order, message_id, now)
        elif said_in(answer) != before:
            answer.edited_at = now
        session.flush()
        rated(session, order, answer, now)
        follow_words(session, answer, now)
        reviews.follow(session, order, answer, now)
        _replan(session, ctx, [order.id])
        return survey_view(answer, now), True


def answer_arrival(ctx: Context, message_id: int, parcel_id: str, arrived: bool, words: str | None = None) -> None:
    """The customer's word on a parcel (platform id; the order's own for one without parcels).

    "Yes" closes an open issue over the parcel as arrived; "not yet" opens one, once while it is open, and keeps the
    words with it. The same newest word again adds nothing, unless the issue was closed as arrived in between.
    """
    now, answer = ctx.clock.now(), "yes" if arrived else "not_yet"
    with locked_order(ctx, message_id) as (session, order):
        latest = latest_answer(session, order, parcel_id)
        issue = latest_issue(session, order, parcel_id)
        is_open = issue is not None and issue.closed_at is None
        denied = not arrived and issue is not None and issue.outcome == "arrived"
        if latest != answer or denied:
            given = ArrivalAnswer(shop_id=order.shop_id, order_id=order.id, parcel_id=parcel_id, answer=answer, at=now)
            session.add(given)
        if issue is not None and arrived and (is_open or issue.outcome == "lost"):
            issue.closed_at, issue.outcome = now, "arrived"  # found after all, too
        elif not arrived and (issue is None or denied):
            named = None if parcel_id == order.platform_id else parcel_id  # without a parcel: the whole order
            issue, is_open = open_issue(session, order, NOT_ARRIVED, now, parcel_id=named), True
        if issue is not None and is_open and not arrived and words:
            issue.words = kept_words(words) or issue.words
        _replan(session, ctx, [order.id])
    ctx.queues.nudge(SEND)  # the word may make a message due at once; nothing is lost when nobody hears it


def record_click(ctx: Context, message_id: int, target: str, by_scanner: bool) -> None:
    """Remember a visit to a link. A message that is gone, or whose customer is, is not remembered."""
    with ctx.database.transaction() as session:
        found = session.execute(
            select(Message.shop_id, Order.redacted_at)
            .join(Order, (Order.id == Message.order_id) & (Order.shop_id == Message.shop_id))
            .where(Message.id == message_id)
        ).first()
        if found and found.redacted_at is None:
            click = Click(shop_id=found.shop_id, message_id=message_id, target=target, by_scanner=by_scanner)
            click.at = ctx.clock.now()
            session.add(click)


def latest_answer(session: Session, order: Order, parcel_id: str) -> str | None:
    """The customer's newest word on a parcel: "yes", "not_yet", or None."""
    return session.scalar(
        select(ArrivalAnswer.answer)
        .where(
            ArrivalAnswer.shop_id == order.shop_id,
            ArrivalAnswer.order_id == order.id,
            ArrivalAnswer.parcel_id == parcel_id,
        )
        .order_by(ArrivalAnswer.at.desc(), ArrivalAnswer.id.desc())
        .limit(1)
    )


def latest_issue(session: Session, order: Order, parcel_id: str) -> Issue | None:
    """The newest issue over the parcel, an open one before all others."""
    return session.scalar(
        select(Issue)
        .where(
            Issue.shop_id == order.shop_id,
            Issue.order_id == order.id,
            Issue.kind == NOT_ARRIVED,
            Issue.parcel_id.is_(None) if parcel_id == order.platform_id else Issue.parcel_id == parcel_id,
        )
        .order_by(Issue.closed_at.is_(None).desc(), Issue.opened_at.desc(), Issue.id.desc())
        .limit(1)
    )


def kept_words(text: str) -> str | None:
    """Free text as it is stored: line breaks kept, nothing that harms, at most 4,000 characters; None when empty."""
    lines = [clean_text(line, KEPT_WORDS) for line in text.splitlines()]
    return "\n".join(lines).strip()[:KEPT_WORDS].rstrip() or None


@contextmanager
def locked_order(ctx: Context, message_id: int) -> Iterator[tuple[Session, Order]]:
    """A transaction in which the message's order (and its customer) is locked."""
    with ctx.database.transaction() as session:
        _, order = _find(session, message_id)
        plan.lock_orders(session, [order.id])
        session.refresh(order)
        if order.redacted_at:
            raise Erased
        yield session, order


@contextmanager
def _consent_of(ctx: Context, message_id: int) -> Iterator[tuple[Session, ConsentWords, Say]]:
    """A transaction over the address's locked orders: what was said before, a way to say more, then a new plan."""
    with ctx.database.transaction() as session:
        message, order = _find(session, message_id)
        shop_id, address = order.shop_id, address_of(message, order)
        if address is None:
            raise Erased
        orders = plan.recent_orders(session, ctx, session.get_one(Shop, shop_id), addresses=[address])
        plan.lock_orders(session, orders | {order.id})

        def say(inside: Session, state: ConsentState, at: datetime) -> None:
            record_consent(inside, shop_id, Channel.EMAIL, address, state, ConsentSource.PAGE, at)
            consent_writeback.queue(inside, shop_id, address, state, at, order.customer_id)

        yield session, consents_of(session, shop_id, [address]).get(address, ConsentWords()), say
        _replan(session, ctx, orders)


def _find(session: Session, message_id: int) -> tuple[Message | MessageArchive, Order]:
    message = find_message(session, message_id)
    if message is None:
        raise NotThere
    order = session.scalar(select(Order).where(Order.id == message.order_id, Order.shop_id == message.shop_id))
    if order is None:
        raise NotThere
    if order.redacted_at:
        raise Erased
    return message, order


def _replan(session: Session, ctx: Context, orders: Collection[int]) -> None:
    session.flush()
    if orders:
        plan.replan(session, ctx, orders)


def _latest(now: datetime, *others: datetime | None) -> datetime:
    return max([now, *(moment for moment in others if moment)])
