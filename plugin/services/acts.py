"""What the merchant does to a message: cancel, send now, send again. A fact, then a new plan."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.domain.acts_offered import CANCEL, KINDS, SEND_AGAIN, acts_offered, copies, moment
from plugin.queues import SEND
from plugin.services import histories, plan
from plugin.services.changes import record_change
from plugin.services.context import Context
from plugin.store.models.messages import Act, Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop
from schemas.settings import load_settings


class NoSuchMessage(LookupError):
    """The shop has no message of this number."""


class NotOffered(Exception):
    """The act makes no sense for the message as it stands. `state` and `reason` are the message's."""

    def __init__(self, kind: str, state: str, reason: str) -> None:
        super().__init__(f"{kind}: {state}: {reason}")
        self.kind, self.state, self.reason = kind, state, reason


@dataclass(frozen=True, slots=True)
class Done:
    """The message (its new copy, when it is sent again) after the act. `changed` False: it had been done before."""

    message_id: int
    order_id: int
    state: str
    reason: str
    changed: bool


def act(ctx: Context, shop_id: int, message_id: int, kind: str, actor: str, seen_copies: int | None = None) -> Done:
    """Cancel a message, send it now or send it again, and plan its order anew.

    `seen_copies`: how many copies there were when the merchant decided to send it again; when there are more by now,
    this is the same decision once more (a second tap) and nothing is added. Repeating the others changes nothing too.
    Raises NoSuchMessage, NotOffered, ValueError for a kind that is none.
    """
    if kind not in KINDS:
        raise ValueError(kind)
    with ctx.database.transaction() as session:
        done = _act(session, ctx, shop_id, message_id, kind, actor, seen_copies)
    if done.changed:
        ctx.queues.nudge(SEND)
    return done


def _act(
    session: Session, ctx: Context, shop_id: int, message_id: int, kind: str, actor: str, seen_copies: int | None
) -> Done:
    now = ctx.clock.now()
    mine = select(Message).where(Message.id == message_id, Message.shop_id == shop_id)
    message = session.scalar(mine)
    if message is None:
        raise NoSuchMessage(message_id)
    plan.lock_orders(session, [message.order_id])
    message = session.scalar(mine.execution_options(populate_existing=True))
    if message is None:  # replanned away while we waited for the lock
        raise NoSuchMessage(message_id)
    shop, order = session.get_one(Shop, shop_id), session.get_one(Order, message.order_id)
    [planning] = histories.read(session, shop, [order])
    history = planning.history
    so_far = copies(history, message.step, message.subject)
    if kind == SEND_AGAIN and seen_copies is not None and seen_copies < so_far:
        return _done(session, message, so_far, changed=False)
    possible = acts_offered(load_settings(shop.settings), history, planning.stored, now)[message.id]
    if kind not in possible:
        if kind != SEND_AGAIN and _newest(planning, message) == kind:
            return _done(session, message, message.copy, changed=False)
        raise NotOffered(kind, message.state, message.reason)
    copy = 0 if kind == SEND_AGAIN else message.copy
    session.add(Act(shop_id=shop_id, order_id=order.id, step=message.step, subject=message.subject, copy=copy,
                    kind=kind, at=moment(history, now)))  # fmt: skip
    before = message.state
    plan.replan(session, ctx, [order.id])
    done = _done(session, message, so_far + 1 if kind == SEND_AGAIN else message.copy, changed=True)
    after = {"order": order.name, "step": message.step, "state": done.state}
    record_change(session, shop_id, actor, f"message.{kind}", {"state": before}, after, now)
    return done


def _newest(planning: histories.Planning, message: Message) -> str | None:
    """The act that holds for the message."""
    key = message.step, message.subject, message.copy
    about = [a for a in planning.history.acts if (a.step, a.subject, a.copy) == key and a.kind != SEND_AGAIN]
    newest = max(about, key=lambda a: (a.at, a.kind == CANCEL), default=None)
    return newest.kind if newest else None


def _done(session: Session, message: Message, copy: int, changed: bool) -> Done:
    row = session.execute(
        select(Message.id, Message.order_id, Message.state, Message.reason).where(
            Message.shop_id == message.shop_id,
            Message.flow == message.flow,
            Message.step == message.step,
            Message.subject == message.subject,
            Message.channel == message.channel,
            Message.copy == copy,
        )
    ).one()
    return Done(row.id, row.order_id, row.state, row.reason, changed)

