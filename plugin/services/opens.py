"""What comes back to a message: its picture was asked for, somebody unsubscribed or complained, or it bounced."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from plugin.services.context import Context
from plugin.store.models.figures import Open, Reaction
from plugin.store.models.messages import Message
from plugin.store.models.orders import Order
from plugin.store.upserts import insert_for

# Nobody opens a mail within so short a time (real time); filters at the mailbox's door do.
AT_ONCE = timedelta(seconds=4)
UNSUBSCRIBED, COMPLAINED, BOUNCED = "unsubscribed", "complained", "bounced"
_PIXEL = re.compile(r"<img\b[^>]*\bsrc=\"[^\"]*/o/[\w.~-]+\"[^>]*>")


def record_open(ctx: Context, message_id: int, by_software: bool) -> None:
    """Remember that a message's picture was asked for. One that is gone, or whose customer is, is not remembered.

    By a machine when software says so itself, when it came at once after the sending, or before that was over.
    """
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        found = session.execute(
            select(Message.shop_id, Message.accepted_at, Order.redacted_at)
            .join(Order, (Order.id == Message.order_id) & (Order.shop_id == Message.shop_id))
            .where(Message.id == message_id)
        ).first()
        if found is None or found.redacted_at is not None:
            return
        at_once = found.accepted_at is None or datetime.now(UTC) - found.accepted_at < AT_ONCE
        row = {"shop_id": found.shop_id, "message_id": message_id, "by_machine": by_software or at_once, "at": now,
               "last_at": now, "times": 1}  # fmt: skip
        statement = insert_for(session, Open).values(row)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["message_id", "by_machine"], set_={"last_at": now, "times": Open.times + 1}
            )
        )


def record_reaction(session: Session, message_id: int, kind: str, at: datetime) -> None:
    """Remember once that a message led to this: unsubscribed, complained or bounced. Of none that is gone."""
    wanted = select(Message.shop_id, Message.id, literal(kind), literal(at, Reaction.at.type)).where(
        Message.id == message_id
    )
    statement = insert_for(session, Reaction).from_select(["shop_id", "message_id", "kind", "at"], wanted)
    session.execute(statement.on_conflict_do_nothing(index_elements=["message_id", "kind"]))


def without_pixel(html: str) -> str:
    """A sent message's HTML for showing to the merchant, whose looking at it is no opening."""
    return _PIXEL.sub("", html)
