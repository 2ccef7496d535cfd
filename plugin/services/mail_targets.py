"""Whose message a mail provider speaks of.

By the message's key, which most providers hand back. Without it by the Message-ID, which is made from the key: the
messages to that recipient are few, and one of them gives this id. Without either by the recipient alone, if only one
shop wrote to them lately; then the word is about the address, and about the message only if there was no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.channels.email.mime import message_id
from plugin.domain.addresses import normalise_email
from plugin.services.envelope import message_key
from plugin.store.models.desk import DeskLetter
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.models.shops import Shop

LATELY = timedelta(days=7)  # business time: how long after a mail its bounce may come
MOST = 200  # messages to one address that are looked through


@dataclass(frozen=True, slots=True)
class Target:
    """`address`: normalised, that was written to. `message_id` None: a letter of the desk's, or nobody knows which.

    `left_at`: when it was handed over, so far as known.
    """

    shop_id: int
    order_id: int
    address: str
    message_id: int | None
    left_at: datetime | None


class Nobody(LookupError):
    """No message of ours fits. The text says why, without the address."""


def find_target(session: Session, key: str | None, rfc_id: str | None, recipient: str | None, now: datetime) -> Target:
    """`recipient`: normalised. `now`: business time. Raises Nobody."""
    if key and (found := _by_key(session, key)):
        return found
    if recipient is None:
        raise Nobody("it names no message of ours and no recipient")
    written = _to(session, recipient, now)
    if rfc_id:
        for shop, message, order in written:
            if message_id(message_key(shop, message), "x")[1:].partition("@")[0] == rfc_id:
                return _of_message(message, order)
    lately = [(m, o) for _, m, o in written if m.sent_at and m.sent_at >= now - LATELY]
    if not lately:
        raise Nobody("no message of ours fits")
    if len({order.shop_id for _, order in lately}) > 1:
        raise Nobody("several shops wrote to this recipient")
    message, order = lately[0]
    if len(lately) == 1:
        return _of_message(message, order)
    return Target(order.shop_id, order.id, recipient, None, message.sent_at)


def _by_key(session: Session, key: str) -> Target | None:
    """`code/flow/step/subject/channel/copy`, or a letter's `code/issue/number/kind/number`."""
    parts = key.split("/")
    shop_id = session.scalar(select(Shop.id).where(Shop.code == parts[0]))
    if shop_id is None:
        return None
    if len(parts) == 5 and parts[1] == "issue":
        return _letter(session, shop_id, parts)
    if len(parts) != 6 or not parts[5].isdecimal() or len(parts[5]) > 6:
        return None
    _, flow, step, subject, channel, copy = parts
    row = session.execute(
        select(Message, Order)
        .join(Order, (Order.id == Message.order_id) & (Order.shop_id == Message.shop_id))
        .where(
            Message.shop_id == shop_id, Message.flow == flow, Message.step == step, Message.subject == subject,
            Message.channel == channel, Message.copy == int(copy),
        )
    ).first()  # fmt: skip
    return _of_message(row[0], row[1]) if row else None


def _letter(session: Session, shop_id: int, parts: list[str]) -> Target | None:
    _, _, issue, kind, number = parts
    if not (issue.isdecimal() and len(issue) < 19 and number.isdecimal() and len(number) < 9):
        return None
    row = session.execute(
        select(DeskLetter, Order)
        .join(Order, (Order.id == DeskLetter.order_id) & (Order.shop_id == DeskLetter.shop_id))
        .where(
            DeskLetter.shop_id == shop_id, DeskLetter.issue_id == int(issue), DeskLetter.kind == kind,
            DeskLetter.number == int(number),
        )
    ).first()  # fmt: skip
    if row is None or row[1].address is None:
        return None
    return Target(shop_id, row[1].id, row[1].address, None, row[0].sent_at)


def _to(session: Session, recipient: str, now: datetime) -> list[tuple[Shop, Message, Order]]:
    """What any shop sent to this address, the newest first."""
    rows = session.execute(
        select(Shop, Message, Order)
        .join(Order, Order.shop_id == Shop.id)
        .join(Message, (Message.order_id == Order.id) & (Message.shop_id == Order.shop_id))
        .where(Order.address == recipient, Message.address.is_not(None))
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(MOST)
    )
    return [(row[0], row[1], row[2]) for row in rows if normalise_email(row[1].address) == recipient]


def _of_message(message: Message, order: Order) -> Target:
    address = normalise_email(message.address) or order.address
    if address is None:
        raise Nobody("the customer's data was erased")
    return Target(message.shop_id, order.id, address, message.id, message.sent_at)
